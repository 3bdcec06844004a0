"""What a node puts on record: one event for each change, a heartbeat, and the last word of a dead one."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from tests.support.clocks import ManualClock

from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Done
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.intake import system_event
from vanvault.archiver.journal.availability import AliveFiles, Level, RecordedNode, Recorder

OWN, OTHER = "0000000000000001", "0000000000000002"


@dataclass
class Node:
    """A node whose state and intake a test sets; ``events`` is what was archived."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    state: tuple[Level, str] | None = None
    closed: VanVaultError | None = None
    fails: bool = False
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recorder = Recorder(
            RecordedNode(lambda: OWN, lambda: self.state, self.submit, self.event),
            AliveFiles(self.folder),
            clock=self.clock,
            stopwatch=ClockStopwatch(self.clock),
            heartbeat_s=60,
        )

    def event(self, type: str, detail: dict[str, object]) -> EventDraft:
        self.ids.append(type)
        return system_event(type, detail, now=self.clock.now(), nonce=str(len(self.ids)))

    def submit(self, draft: EventDraft, done: Done) -> None:
        if self.closed:
            raise self.closed
        if self.fails:
            done(Busy("the site went away"), False)
            return
        self.events.append((draft.type.rpartition(".")[2], orjson.loads(draft.detail)))
        done({}, False)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.recorder.tick()
            self.clock.advance(timedelta(seconds=1))

    def said(self) -> list[tuple[str, object]]:
        return [(type, detail.get("level")) for type, detail in self.events]


def test_one_event_for_each_change_and_a_heartbeat(tmp_path: Path) -> None:
    node = Node(tmp_path / "alive")
    node.run(5)  # it starts
    assert node.events == []
    node.state = (Level.UP, "ready")
    node.run(130)
    assert node.said() == [("state", "up"), ("alive", "up"), ("alive", "up")]
    node.state = (Level.DEGRADED, "degraded")
    node.run(3)
    node.state = (Level.UP, "ready")
    node.run(3)
    assert node.said()[3:] == [("state", "degraded"), ("state", "up")]
    assert node.events[0][1]["writer"] == OWN
    assert node.events[0][1]["why"] == "ready"


def test_a_change_that_cannot_be_archived_waits_with_its_time(tmp_path: Path) -> None:
    node = Node(tmp_path / "alive", state=(Level.UP, "ready"))
    node.run(10)
    node.state, node.closed = (Level.DOWN, "site-away"), Busy("a site is away")
    began = node.clock.now()
    node.run(200)
    assert len(node.events) == 1
    node.state, node.closed = (Level.UP, "ready"), None
    back = node.clock.now()
    node.run(1)
    assert node.said() == [("state", "up"), ("state", "down"), ("state", "up")]
    times = [parse_rfc3339(str(detail["at"])) for _, detail in node.events]
    assert times[1:] == [began, back]


def test_the_last_state_is_said_when_the_node_stops(tmp_path: Path) -> None:
    node = Node(tmp_path / "alive", state=(Level.UP, "ready"))
    node.run(2)
    node.state = (Level.DOWN, "draining")
    node.recorder.say_last()
    assert node.said() == [("state", "up"), ("state", "down")]


def test_a_mark_whose_commit_failed_is_submitted_again_under_its_id(tmp_path: Path) -> None:
    node = Node(tmp_path / "alive", state=(Level.UP, "ready"), fails=True)
    node.run(3)
    node.fails = False
    node.run(3)
    assert node.said() == [("state", "up")]
    assert len(node.ids) == 1


def test_a_process_that_was_stopped_says_so_afterwards(tmp_path: Path) -> None:
    node = Node(tmp_path / "alive", state=(Level.UP, "ready"))
    node.run(10)
    last = node.clock.now() - timedelta(seconds=1)
    node.clock.advance(timedelta(minutes=5))  # SIGSTOP
    resumed = node.clock.now()
    node.run(2)
    assert node.said() == [("state", "up"), ("state", "down"), ("state", "up")]
    assert [parse_rfc3339(str(detail["at"])) for _, detail in node.events[1:]] == [last, resumed]


def test_the_last_word_of_a_dead_node_is_put_on_record_once(tmp_path: Path) -> None:
    clock = ManualClock()
    dead = tmp_path / "alive" / OTHER
    AliveFiles(tmp_path / "alive").beat(OTHER, int(clock.now().timestamp() * 1_000_000))
    died = clock.now()
    clock.advance(timedelta(seconds=3))
    node = Node(tmp_path / "alive", clock=clock, state=(Level.UP, "ready"))
    node.run(1)
    assert dead.exists()  # it might only be slow
    node.run(30)
    words = [detail for type, detail in node.events if type == "alive"]
    assert [(word["writer"], word["ended"], parse_rfc3339(str(word["at"]))) for word in words] == [
        (OTHER, True, died)
    ]
    assert not dead.exists()
    node.recorder.finish()
    assert list((tmp_path / "alive").iterdir()) == []


def test_a_beat_that_a_crash_cut_short_is_dated_by_its_file(tmp_path: Path) -> None:
    (tmp_path / OTHER).write_text("2026-11-2")
    (tmp_path / "README").write_text("not a writer")
    (found,) = AliveFiles(tmp_path).dead(OWN, 2**62)
    assert found.writer == OTHER
    assert found.at_us == (tmp_path / OTHER).stat().st_mtime_ns // 1000


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "alive").write_text("a file, not a folder")
    node = Node(tmp_path / "alive", state=(Level.UP, "ready"))
    node.run(12)
    assert node.said() == [("state", "up")]


def test_a_node_without_open_files_takes_no_other_for_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit says nothing about the others: their words are read when there are files again."""
    AliveFiles(tmp_path).beat(OTHER, 1)

    def refuse(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as limited:
        limited.setattr("vanvault.archiver.journal.availability.alive.read_plain", refuse)
        with pytest.raises(OSError, match="Too many open files"):
            AliveFiles(tmp_path).dead(OWN, 2**62)
    assert [one.writer for one in AliveFiles(tmp_path).dead(OWN, 2**62)] == [OTHER]
