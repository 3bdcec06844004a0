"""Every look is on record before anything is shown: at a node and without one, and whatever is away."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from tests.support.archives import SITES, Home, Node, event, memory_home, message, second_home
from tests.support.entropy import SeededEntropy
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import (
    Busy,
    Conflict,
    InvalidInput,
    KeyUnavailable,
    MachineLimit,
    NotFound,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.core.faults import no_fault
from vanvault.archiver.core.model import EventDraft, Metadata
from vanvault.archiver.core.outcome import Done
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.looks import Look, LookFilter, TalliedReads, Viewer
from vanvault.archiver.replicas.leadership import Leadership
from vanvault.recovery.access import (
    EmergencyFiles,
    LookHearing,
    LookPort,
    LookQuery,
    LookRecorder,
    ReadCounter,
    SeenLook,
    filter_of_employer,
    filter_of_message,
    handed_over,
    look_event,
    looking,
    seen_looks,
)
from vanvault.recovery.access.hand_over import look_of_line, look_socket
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.work import QUIET

LAN = Viewer("lan", "account", "a-1", "10.0.0.7", 50123)
AWAY = SiteUnavailable("the site is away", site="standby", may_be_stored=False)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


def a_look(request: str = "r-1", **parts: Any) -> Look:
    return Look(LAN, "search", {"employer_code": "TZ1"}, request=request, **parts)


def on_record(archive: Archive, **parts: str) -> list[SeenLook]:
    """The looks of the archive as a newly started reader finds them, newest first."""
    archive.refresh()
    return seen_looks(archive.search, LookQuery(LookFilter(**parts))).looks


def fail(home: Home, *sites: str) -> None:
    """These sites are away from now on."""
    for name in sites:
        for operation in ("put", "get", "list", "stat", "now"):
            home.sites[name].fail_next(operation, times=10_000)  # type: ignore[arg-type]


def come_back(home: Home) -> None:
    """Every site is there again."""
    for site in home.sites.values():
        for operation in ("put", "get", "list", "stat", "now"):
            site.fail_next(operation, times=0)  # type: ignore[arg-type]


class Answer:
    """What the one who looks is told."""

    def __init__(self) -> None:
        self.errors: list[VanVaultError | None] = []
        self._told = threading.Event()

    def __call__(self, error: VanVaultError | None) -> None:
        self.errors.append(error)
        self._told.set()

    def wait(self) -> VanVaultError | None:
        assert self._told.wait(30), "no answer came"
        (error,) = self.errors
        return error


def recorder_of(node: Node) -> LookRecorder:
    return LookRecorder(LookPort(node.intake.submit, node.archive.record_aside), node.archive.clock)


# A recorder, by itself.


def recorder(
    submit: Callable[[EventDraft, Done], None], aside: Callable[[Sequence[EventDraft]], None], home: Home
) -> LookRecorder:
    return LookRecorder(LookPort(submit, aside), home.clock)


def refuse(event: EventDraft, done: Done) -> None:
    raise AWAY


def test_what_intake_refuses_is_written_aside(home: Home) -> None:
    written: list[EventDraft] = []
    answer = Answer()
    looks = recorder(refuse, written.extend, home)
    looks.record(a_look(), answer)
    assert answer.wait() is None
    assert [one.event_id for one in written] == [look_event(a_look(), home.clock.now()).event_id]


def test_what_intake_failed_to_write_is_written_aside(home: Home) -> None:
    written: list[EventDraft] = []
    answer = Answer()
    recorder(lambda event, done: done(AWAY, False), written.extend, home).record(a_look(), answer)
    assert answer.wait() is None
    assert len(written) == 1


@pytest.mark.parametrize("raised", [True, False])
def test_a_look_that_is_on_record_stays_as_it_is(home: Home, raised: bool) -> None:
    def submit(event: EventDraft, done: Done) -> None:
        if raised:
            raise Conflict("other bytes under this id")
        done(Conflict("other bytes under this id"), True)

    answer = Answer()
    recorder(submit, lambda events: pytest.fail("it is there"), home).record(a_look(), answer)
    assert answer.wait() is None


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (AWAY, SiteUnavailable),
        (KeyUnavailable("no key"), KeyUnavailable),
        (MachineLimit("no files", resource="files"), MachineLimit),
        (Busy("much to do"), Busy),
        (NotFound("strange"), SiteUnavailable),
        (ZeroDivisionError(), Busy),
    ],
)
def test_what_can_be_written_nowhere_is_told_with_what_to_do(
    home: Home, failure: Exception, kind: type[VanVaultError]
) -> None:
    def aside(events: Sequence[EventDraft]) -> None:
        raise failure

    answer = Answer()
    with capture_logs() as logged:
        recorder(refuse, aside, home).record(a_look(), answer)
        error = answer.wait()
    assert isinstance(error, kind)
    assert error.message.startswith("nothing is shown")
    assert error.hint
    faults = [] if isinstance(failure, VanVaultError) else [failure]
    assert [line["exc_info"] for line in logged if "exc_info" in line] == faults


def test_looks_that_wait_together_are_written_as_one_object(home: Home) -> None:
    groups: list[int] = []
    busy, go = threading.Event(), threading.Event()

    def aside(events: Sequence[EventDraft]) -> None:
        groups.append(len(events))
        busy.set()
        assert go.wait(30)

    looks = recorder(refuse, aside, home)
    answers = [Answer() for _ in range(6)]
    looks.record(a_look("first"), answers[0])
    assert busy.wait(30)
    for number, answer in enumerate(answers[1:]):
        looks.record(a_look(f"r-{number}"), answer)
    go.set()
    assert [answer.wait() for answer in answers] == [None] * 6
    assert groups == [1, 5]


def test_a_recorder_that_is_closed_shows_nothing(home: Home) -> None:
    looks = recorder(refuse, lambda events: None, home)
    looks.close()
    answer = Answer()
    looks.record(a_look(), answer)
    assert isinstance(answer.wait(), Busy)


# At a running node, over real sites.


def test_a_look_shares_the_object_of_the_pushes_beside_it(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        node.intake.pool.arriving(1)
        answer = Answer()
        recorder_of(node).record(a_look(), answer)
        pushed = threading.Thread(target=lambda: node.push(event("e-1")))
        pushed.start()
        node.intake.pool.arriving(-1)
        pushed.join(30)
        assert answer.wait() is None
    (seen,) = on_record(home.archive())
    assert (seen.look.viewer, seen.look.asked) == (LAN, {"employer_code": "TZ1"})
    assert seen.at == "2026-11-22T01:02:03.456789Z" or seen.at > "2026-11-22T01:02:03.456789Z"


def test_the_same_request_sent_again_is_one_look_and_another_is_another(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        looks = recorder_of(node)
        for _ in range(3):
            looks.recorded(a_look())
            home.clock.advance(timedelta(minutes=2))
        looks.recorded(a_look(shown=("w-1-1",)))
        looks.recorded(a_look("r-2"))
    assert len(on_record(home.archive())) == 3


def test_the_same_request_at_two_nodes_is_told_once(home: Home, tmp_path: Path) -> None:
    with second_home(home, tmp_path / "second") as other, Node(home.archive()) as node:
        node.wait_ready()
        recorder_of(node).recorded(a_look())
        with Node(other.archive()) as second:
            second.wait_ready()
            recorder_of(second).recorded(a_look())
    assert len(on_record(home.archive())) == 1


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_is_away_stops_no_look_and_holds_it_when_it_is_back(home: Home, site: str) -> None:
    """Under the policy ``all``: one look fails with the running group, one finds intake closed."""
    with Node(home.archive()) as node:
        node.wait_ready()
        fail(home, site)
        recorder_of(node).recorded(a_look("running"))
        assert isinstance(node.submit([message("m-1", b"x")])[0][0], SiteUnavailable)
        recorder_of(node).recorded(a_look("refused"))
        come_back(home)
    assert reconcile(home.archive(), ReconcileRequest(False, 1, "anh"), QUIET).exit_code == 0
    fail(home, next(name for name in SITES if name != site))
    home.forget_hot_tail()
    found = on_record(home.archive())
    assert {seen.look.request for seen in found} == {"running", "refused"}
    home.check()


def test_both_sites_away_show_nothing(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        fail(home, *SITES)
        with pytest.raises(SiteUnavailable, match="nothing is shown"):
            recorder_of(node).recorded(a_look())
        come_back(home)


def test_a_node_that_is_superseded_still_records_its_looks(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        archive.lead.saw(Leadership(1, ("2026-11-22T01:02:03Z", "w-1-0"), alone=True))
        assert archive.lead.superseded
        assert isinstance(node.submit([message("m-1", b"x")])[0][0], SiteUnavailable)
        recorder_of(node).recorded(a_look())
    assert len(on_record(home.archive())) == 1


# A verb, without a node.


def test_a_verb_shows_only_what_is_on_record_by_then(home: Home) -> None:
    archive = home.archive()
    with looking(archive, "original", {"id": "w-1-1", "purpose": None}) as look:
        look.shows(["w-1-1"])
        (seen,) = on_record(home.archive())
    assert (seen.look.act, seen.look.outcome, seen.look.shown) == ("original", "shown", ("w-1-1",))
    assert seen.look.viewer.by == "os-account"
    assert seen.look.asked == {"id": "w-1-1"}


def test_a_look_that_fails_is_on_record_with_the_reason(home: Home) -> None:
    archive = home.archive()
    with pytest.raises(NotFound), looking(archive, "original", {"id": "w-1-1"}):
        raise NotFound("no such entry")
    (seen,) = on_record(home.archive())
    assert (seen.look.outcome, seen.look.reason, seen.look.shown) == ("failed", "not-found", ())


def test_a_question_that_is_wrong_looks_at_nothing(home: Home) -> None:
    archive = home.archive()
    with pytest.raises(InvalidInput), looking(archive, "search", {}):
        raise InvalidInput("no such field")
    assert on_record(home.archive()) == []


def test_what_a_failure_tells_is_told_only_on_record(home: Home) -> None:
    archive = home.archive()
    fail(home, *SITES)
    with pytest.raises(SiteUnavailable, match="nothing is shown"), looking(archive, "original", {}):
        raise NotFound("no such entry")
    with pytest.raises(SiteUnavailable, match="the site is away"), looking(archive, "original", {}):
        raise AWAY


@pytest.mark.parametrize("step", ["before-encode", "before-put", "commit-point", "after-sign"])
def test_killed_between_record_and_answer_nothing_was_shown(home: Home, step: str) -> None:
    """A record without a look may be left; a look without a record never is."""

    class Killed(BaseException):
        pass

    def kill(at: str) -> None:
        if at == step:
            raise Killed

    home.fault = kill
    archive = home.archive()
    shown = []
    with pytest.raises(Killed), looking(archive, "search", {}) as look:
        look.shows(["w-1-1"])
        shown.append("w-1-1")
    assert shown == []
    home.fault = no_fault
    with Node(home.archive()) as node:
        node.wait_ready()
    assert len(on_record(home.archive())) == (step in ("commit-point", "after-sign"))


def test_a_clock_that_is_ahead_writes_no_look(home: Home) -> None:
    """Its line would come from the future, and keep every writer from going on."""
    archive = home.archive()
    home.clock.advance(timedelta(hours=1))
    for site in home.sites.values():
        site.clock = _Behind(home)
    with pytest.raises(SiteUnavailable, match="ahead of every site"), looking(archive, "search", {}) as look:
        look.shows()


class _Behind:
    """An hour behind the home's clock."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def now(self) -> Any:
        return self._home.clock.now() - timedelta(hours=1)


# A verb, with a node of the same home.


def test_a_running_node_writes_the_look_of_a_verb(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        hearing = LookHearing(home.path, recorder_of(node))
        stop = threading.Event()
        thread = threading.Thread(target=hearing.task.run, args=(stop,))
        thread.start()
        wait_for(lambda: list((home.path / "cache" / "looks").glob("*.sock")))
        with looking(home.archive(), "search", {"employer_code": "TZ1"}) as look:
            look.shows(["w-1-1"])
        assert node.intake.committer.writer is not None
        writer = node.intake.committer.writer.id
        stop.set()
        hearing.task.ask()
        thread.join(30)
        assert not thread.is_alive()
    (seen,) = on_record(home.archive())
    assert seen.id.startswith(writer)
    assert seen.look.viewer.by == "os-account"
    assert list((home.path / "cache" / "looks").glob("*.sock")) == []


def test_a_verb_sees_no_socket_that_nobody_listens_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take it for one that a killed node left, and remove it for as long as the node runs."""
    listen = socket.socket.listen
    seen: list[bool] = []

    def listens(listening: socket.socket, backlog: int) -> None:
        seen.append(handed_over(home.path, a_look()))
        listen(listening, backlog)

    monkeypatch.setattr(socket.socket, "listen", listens, raising=False)
    folder = home.path / "cache" / "looks"
    with look_socket(home.path):
        assert seen == [False]
        assert [path.name for path in folder.iterdir()] == [f"{os.getpid()}.sock"]
    assert list(folder.iterdir()) == []


def test_a_node_that_cannot_record_keeps_the_verb_from_showing(home: Home) -> None:
    def nowhere(events: Sequence[EventDraft]) -> None:
        raise AWAY

    hearing = LookHearing(home.path, recorder(refuse, nowhere, home))
    stop = threading.Event()
    thread = threading.Thread(target=hearing.task.run, args=(stop,))
    thread.start()
    wait_for(lambda: list((home.path / "cache" / "looks").glob("*.sock")))
    try:
        archive = home.archive()
        with pytest.raises(SiteUnavailable, match="nothing is shown"), looking(archive, "search", {}) as look:
            look.shows()
    finally:
        stop.set()
        hearing.task.ask()
        thread.join(30)


def test_nothing_of_who_looks_is_taken_from_what_a_verb_sends(home: Home) -> None:
    sent = Viewer("lan", "account", "a-1", "10.0.0.7", 50123, "s-1", ("security-officer",))
    line = orjson.dumps(Look(sent, "search", {"employer_code": "TZ1"}).as_detail())
    told = Viewer("anh", "os-account", "1000")
    assert look_of_line(line, told) == Look(told, "search", {"employer_code": "TZ1"})


def test_a_socket_that_a_killed_node_left_is_passed_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    left = home.path / "cache" / "looks" / "4194305.sock"
    left.parent.mkdir(parents=True)
    with monkeypatch.context() as here, socket.socket(socket.AF_UNIX) as dead:
        here.chdir(left.parent)  # the path of a socket has at most 107 bytes
        dead.bind(left.name)
    with looking(home.archive(), "search", {}) as look:
        look.shows()
    assert not left.exists()
    assert len(on_record(home.archive())) == 1


# An emergency.


def declared(home: Home, hours: int = 4) -> EmergencyFiles:
    files = EmergencyFiles(home.path, home.clock)
    files.declare("both sites burn", timedelta(hours=hours), who="anh", entropy=SeededEntropy(7))
    return files


def test_in_an_emergency_looks_wait_in_the_home_and_go_on_record_later(home: Home) -> None:
    files = declared(home)
    fail(home, *SITES)
    archive = home.archive()
    with looking(archive, "search", {"employer_code": "TZ1"}) as look:
        look.shows(["w-1-1"])
    answer = Answer()
    LookRecorder(LookPort(refuse, archive.record_aside, files.keep), home.clock).record(a_look(), answer)
    assert answer.wait() is None
    home.clock.advance(timedelta(minutes=5))
    come_back(home)
    with looking(archive, "count", {}) as look:
        look.shows(count=1)
    assert not files.is_waiting
    found = on_record(home.archive())
    assert [seen.look.act for seen in found] == ["count", "search", "search"]
    (told,) = own_events(archive.search, "access.emergency-declared")
    assert (told.detail["who"], told.detail["reason"]) == ("anh", "both sites burn")


def test_an_emergency_ends_by_its_time_or_before(home: Home) -> None:
    files = declared(home, hours=1)
    with pytest.raises(Conflict):
        declared(home)
    assert files.keep([look_event(a_look(), home.clock.now())])
    home.clock.advance(timedelta(hours=1))
    assert not files.keep([look_event(a_look("late"), home.clock.now())])
    declared(home)
    files.end(who="binh")
    with pytest.raises(NotFound):
        files.end(who="binh")
    assert not files.keep([look_event(a_look("later"), home.clock.now())])
    written: list[EventDraft] = []
    assert files.settle(written.extend) == 4
    assert [one.type.removeprefix("vanvault.access.") for one in written] == [
        "emergency-declared", "looked", "emergency-declared", "emergency-ended",
    ]  # fmt: skip
    assert written[1] == look_event(a_look(), home.clock.now() - timedelta(hours=1))
    assert files.settle(written.extend) == 0


def test_what_waits_stays_until_it_is_written(home: Home) -> None:
    files = declared(home)

    def nowhere(events: Sequence[EventDraft]) -> None:
        raise AWAY

    with pytest.raises(SiteUnavailable):
        files.settle(nowhere)
    assert files.is_waiting


def test_two_that_settle_at_once_write_what_waits_once(home: Home) -> None:
    declared(home)
    asked = threading.Event()

    class Asked(EmergencyFiles):
        @property
        def is_waiting(self) -> bool:
            found = super().is_waiting
            asked.set()
            return found

    written: list[EventDraft] = []
    others: list[int] = []
    second = Asked(home.path, home.clock)
    other = threading.Thread(target=lambda: others.append(second.settle(written.extend)))

    def write(events: Sequence[EventDraft]) -> None:
        written.extend(events)
        other.start()
        assert asked.wait(30), "it waits for its turn now"

    assert EmergencyFiles(home.path, home.clock).settle(write) == 1
    other.join(30)
    assert others == [0]
    assert len(written) == 1


def test_a_line_that_a_crash_tore_spoils_no_other(home: Home) -> None:
    files = declared(home)
    path = home.path / "looks" / "waiting.ndjson"
    with path.open("ab") as file:
        file.write(b'{"type": "access.looked", "detail": {}')
    assert files.keep([look_event(a_look(), home.clock.now())])
    written: list[EventDraft] = []
    assert files.settle(written.extend) == 2


@pytest.mark.parametrize(
    ("reason", "span"),
    [
        ("", timedelta(hours=1)),
        (" ", timedelta(hours=1)),
        ("fire", timedelta(hours=25)),
        ("fire", timedelta(0)),
    ],
)
def test_an_emergency_needs_a_reason_and_an_end(home: Home, reason: str, span: timedelta) -> None:
    with pytest.raises(InvalidInput):
        EmergencyFiles(home.path, home.clock).declare(reason, span, who="anh", entropy=SeededEntropy(1))


# Gateways.


def reads() -> TalliedReads:
    return TalliedReads("gateway-1", "search", "shown", "t-1", "10.0.0.7")


def test_reads_of_gateways_come_on_record_by_the_minute(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        counter = ReadCounter(recorder_of(node), home.clock, SeededEntropy(1))
        counter.round(threading.Event())
        for entries in (3, 4):
            counter.count(reads(), entries)
        counter.round(threading.Event())
        counter.count(reads(), 5)
        counter.close()
    last, first = on_record(home.archive(), who="gateway-1")
    assert (first.requests, first.look.count) == (2, 7)
    assert (last.requests, last.look.count) == (1, 5)
    assert first.look.viewer == Viewer("gateway-1", "token", "t-1", "10.0.0.7")


def test_reads_that_are_on_record_nowhere_for_long_are_the_last(home: Home) -> None:
    sites: list[VanVaultError] = [AWAY]
    written: list[EventDraft] = []

    def aside(events: Sequence[EventDraft]) -> None:
        for error in sites:
            raise error
        written.extend(events)

    counter = ReadCounter(recorder(refuse, aside, home), home.clock, SeededEntropy(1))
    counter.count(reads())
    with pytest.raises(SiteUnavailable):
        counter.round(threading.Event())
    counter.check()
    home.clock.advance(timedelta(minutes=6))
    with pytest.raises(SiteUnavailable, match="nothing is shown"):
        counter.check()
    sites.clear()
    counter.round(threading.Event())
    counter.check()
    assert len(written) == 1, "the minute is written once"


def test_what_waits_since_an_emergency_keeps_no_minute_from_being_written(home: Home) -> None:
    def settle() -> None:
        raise AWAY

    written: list[EventDraft] = []
    counter = ReadCounter(recorder(refuse, written.extend, home), home.clock, SeededEntropy(1), settle=settle)
    counter.count(reads())
    with pytest.raises(SiteUnavailable):
        counter.round(threading.Event())
    assert len(written) == 1


# Reading the record.


def test_who_has_seen_a_message_and_who_has_seen_an_employer(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        receipts = [node.push(message(f"m-{number}", b"<x/>" * number)) for number in (1, 2)]
        looks = recorder_of(node)
        looks.recorded(a_look("one", shown=(receipts[0]["id"],)))
        looks.recorded(Look(LAN, "original", {"id": receipts[0]["id"]}, "failed", request="two"))
        looks.recorded(Look(LAN, "search", {"message_id": "m-1"}, request="three"))
        looks.recorded(Look(LAN, "search", {"message_id": "m-2"}, request="four"))
        looks.recorded(Look(LAN, "search", {"employer_code": "tz1"}, request="five"))
    reader = home.archive()
    reader.refresh()

    def found(wanted: LookFilter) -> set[str]:
        return {seen.look.request for seen in seen_looks(reader.search, LookQuery(wanted)).looks}

    assert found(filter_of_message(reader, receipts[0]["id"])) == {"one", "two", "three"}
    assert found(filter_of_message(reader, "m-1")) == {"one", "two", "three"}
    assert found(filter_of_message(reader, "m-1", act="original")) == {"two"}
    assert found(filter_of_employer(reader, "TZ1")) == {"one", "five"}


def test_a_message_was_seen_in_an_export_that_names_only_its_first_thousand(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        given = Metadata(employer_code="TZ1")
        first = node.push(message("m-1", b"<x/>", given=given))["id"]
        looks = recorder_of(node)
        for request, asked in {
            "all": {},
            "employer": {"employer_code": "tz1"},
            "another": {"employer_code": "TZ2"},
            "before": {"to": "2020-01-01"},
            "since": {"from": "2020-01-01", "entry": "message"},
        }.items():
            looks.recorded(Look(LAN, "export", asked, shown=("w-1-1",), count=1001, request=request))
        looks.recorded(Look(LAN, "export", {}, shown=("w-1-1",), count=1, request="named"))
        looks.recorded(Look(LAN, "export", {}, "failed", request="failed"))
        home.clock.advance(timedelta(minutes=5))
        later = node.push(message("m-2", b"<y/>", given=given))["id"]
    archive.record(
        "export.started", {"filter": {}, "format": "zip", "reason": "old", "export": "x", "who": "anh"}
    )
    archive.record("export.resumed", {"export": "x", "items": 1, "who": "anh"})
    reader = home.archive()
    reader.refresh()

    def found(wanted: LookFilter) -> list[str]:
        looks = [seen.look for seen in seen_looks(reader.search, LookQuery(wanted)).looks]
        return sorted(look.request or look.purpose for look in looks)

    assert found(filter_of_message(reader, first)) == ["all", "employer", "old", "since"]
    assert found(filter_of_message(reader, "m-1")) == ["all", "employer", "old", "since"]
    assert found(filter_of_message(reader, later)) == ["old"]
    assert found(filter_of_employer(reader, "TZ1")) == ["all", "employer", "old", "since"]


def test_looks_are_bounded_by_time_and_number(home: Home) -> None:
    archive = home.archive()
    moments = []
    for number in range(3):
        home.clock.advance(timedelta(hours=1))
        archive.record_aside([look_event(a_look(f"r-{number}"), home.clock.now())])
        moments.append(int(home.clock.now().timestamp() * 1_000_000))

    def requests(query: LookQuery) -> list[str]:
        return [seen.look.request for seen in seen_looks(archive.search, query).looks]

    assert requests(LookQuery()) == ["r-2", "r-1", "r-0"]
    assert requests(LookQuery(most=2)) == ["r-2", "r-1"]
    assert requests(LookQuery(from_us=moments[1] - 10, to_us=moments[2] - 10)) == ["r-1"]


def test_exports_and_unwrapped_keys_are_among_the_looks(home: Home) -> None:
    archive = home.archive()
    archive.record("keys.unwrapped", {"object": "batch/w/1", "master": "data-1", "who": "anh"})
    fields = {"filter": {"employer_code": "TZ1"}, "format": "zip", "reason": "inspection"}
    archive.record("export.started", {**fields, "export": "x-1", "who": "anh"})
    exported, unwrapped = seen_looks(archive.search, LookQuery(LookFilter(who="anh"))).looks
    assert (exported.look.act, exported.look.purpose) == ("export", "inspection")
    assert exported.look.asked["employer_code"] == "TZ1"
    assert (unwrapped.look.act, unwrapped.look.asked) == ("unwrap", {"object": "batch/w/1"})
