"""What runs now in a home is seen by its nodes while its process lives, and no longer."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.recovery.running import RunningVerb, phase_of, verbs_here, watched
from vanvault.recovery.running.model import parse_note
from vanvault.recovery.work import QUIET, Extent

START = datetime(2026, 11, 30, tzinfo=UTC)


def watching(home: Path, clock: ManualClock, verb: RunningVerb | None = None, *, id: str = "a"):  # type: ignore[no-untyped-def]
    return watched(
        QUIET, home, verb or RunningVerb("verify"), clock=clock, id=id, watch=ClockStopwatch(clock)
    )


def test_a_running_verb_is_seen_with_its_progress_and_gone_at_its_end(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with watching(tmp_path, clock, RunningVerb("restore", "from primary", "lan")) as observer:
        (job,) = verbs_here(tmp_path)
        assert (job.verb.who, job.phase, job.share, job.ends_at) == ("lan", "", None, None)
        with observer.progress("restoring standby", Extent(10, 1000)) as step:
            clock.advance(timedelta(seconds=60))
            step(2, 250)
            (job,) = verbs_here(tmp_path)
            assert (job.phase, job.objects, job.bytes, job.share) == ("restoring standby", 2, 250, 0.25)
            assert job.ends_at == START + timedelta(seconds=240)
            step(2, 250)  # within two seconds of the last writing
            assert verbs_here(tmp_path)[0].objects == 2
    assert verbs_here(tmp_path) == []
    assert list((tmp_path / "cache" / "running").iterdir()) == []


@pytest.mark.parametrize(
    ("verb", "lost_at", "seconds", "done", "limit", "late"),
    [
        ("verify", "", 60, 1, None, False),
        ("restore", "", 60, 50, 8, False),
        ("restore", "", 3600, 10, 8, True),  # ten hours in all
        ("restore", "2026-11-29T17:00:00Z", 1800, 40, 1, True),
        ("restore", "2026-11-29T17:00:00Z", 1200, 40, 1, False),
    ],
)
def test_the_expected_end_is_held_against_the_eight_hours(
    tmp_path: Path, verb: str, lost_at: str, seconds: int, done: int, limit: int | None, late: bool
) -> None:
    clock = ManualClock(START)
    running = RunningVerb(verb, lost_at=lost_at)
    with watching(tmp_path, clock, running) as observer, observer.progress("x", Extent(100)) as step:
        clock.advance(timedelta(seconds=seconds))
        step(done)
        (job,) = verbs_here(tmp_path)
    assert job.limit_at == (None if limit is None else START + timedelta(hours=limit))
    assert job.is_late is late


def test_a_drill_that_is_expected_to_take_longer_than_eight_hours_is_late(tmp_path: Path) -> None:
    with watching(tmp_path, ManualClock(START), RunningVerb("drill", "primary-lost")) as observer:
        phase_of(observer)("restore")
        observer.expects(3600.0)
        assert not verbs_here(tmp_path)[0].is_late
        observer.expects(9 * 3600.0)
        (job,) = verbs_here(tmp_path)
    assert job.is_late and job.phase == "restore" and job.as_json()["percent"] is None


def test_a_note_whose_process_is_gone_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "running"
    with watching(tmp_path, ManualClock(START)):
        (note,) = folder.glob("*.json")
        data = note.read_bytes()
    (folder / "b.json").write_bytes(data)
    assert verbs_here(tmp_path) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"objects": -1},
        {"verb": {"x": "y"}},
        {"began_at": "now"},
        {"host": "x" * 500},
        *({"expected_s": wrong} for wrong in ("1", "inf", "nan", -1, True, 1e300)),
    ],
)
def test_what_is_no_note_is_passed_by(tmp_path: Path, change: dict[str, object]) -> None:
    folder = tmp_path / "cache" / "running"
    with watching(tmp_path, ManualClock(START)):
        (note,) = folder.glob("*.json")
        told = orjson.loads(note.read_bytes())
        note.write_bytes(orjson.dumps(told))
        assert len(verbs_here(tmp_path)) == 1
        for wrong in (orjson.dumps(told | change), b"{", b"[]", b" " * 10_000):
            note.write_bytes(wrong)
            assert verbs_here(tmp_path) == []


def test_a_cache_that_cannot_be_used_stops_no_verb(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with watching(tmp_path, ManualClock(START)) as observer, observer.progress("x", Extent(2)) as step:
        step(2)
    assert verbs_here(tmp_path) == []


def test_a_note_that_cannot_be_replaced_stops_no_verb(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with watching(tmp_path, clock) as observer, observer.progress("x", Extent(2)) as step:
        (tmp_path / "cache" / "running" / "a.draft").unlink(missing_ok=True)
        os.mkdir(tmp_path / "cache" / "running" / "a.draft")
        clock.advance(timedelta(seconds=5))
        step(2)
        assert verbs_here(tmp_path)[0].objects == 0


NOTE = {
    "verb": {"verb": "restore"},
    "host": "h",
    "began_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-12-01T00:00:00Z",
    "phase": "x",
    "phase_at": "2026-01-01T00:00:00Z",
    "objects": 1,
    "bytes": 0,
    "of_objects": 4,
    "of_bytes": None,
    "expected_s": None,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"of_objects": 2**50},  # it would end in millions of years
        {"began_at": "2026-12-01T00:00:00Z"},
        {"expected_s": 7000.5},
    ],
)
def test_whatever_a_note_says_can_be_told(changed: dict[str, object]) -> None:
    job = parse_note("a", orjson.dumps(NOTE | changed))
    assert orjson.dumps(job.as_json())


@pytest.mark.parametrize(
    "changed",
    [
        *({"expected_s": value} for value in ("60", "inf", True, -1, 1e300)),
        *({name: "9999-12-31T23:59:59Z"} for name in ("began_at", "updated_at", "phase_at")),
        {"verb": {"verb": "restore", "lost_at": "9999-12-31T23:59:59Z"}},
    ],
)
def test_what_no_job_says_is_no_note(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        parse_note("a", orjson.dumps(NOTE | changed))


def noted(home: Path, **change: object) -> bytes:
    """The bytes of a note of this host, with these fields in place of its own."""
    with watching(home, ManualClock(START)):
        (note,) = (home / "cache" / "running").glob("*.json")
        return orjson.dumps(orjson.loads(note.read_bytes()) | change)


def test_a_phase_that_would_take_longer_than_can_be_told_has_no_end(tmp_path: Path) -> None:
    clock = ManualClock(START)
    running = RunningVerb("restore")
    with watching(tmp_path, clock, running) as observer, observer.progress("x", Extent(2**50)) as step:
        clock.advance(timedelta(days=335))
        step(1)
        (job,) = verbs_here(tmp_path)
    assert (job.objects, job.ends_at, job.as_json()["ends_at"]) == (1, None, None)


MOMENTS = st.none() | st.sampled_from(["1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z", "now"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "began_at": MOMENTS,
        "updated_at": MOMENTS,
        "phase_at": MOMENTS,
        "expected_s": st.none() | st.floats() | st.integers() | st.text(max_size=5),
        "verb": st.fixed_dictionaries(
            {"verb": st.sampled_from(["restore", "drill", "verify"])},
            optional={"lost_at": MOMENTS, "who": st.text(max_size=250)},
        ),
        **{
            name: st.none() | st.integers(-1, 2**53 + 1) | st.floats()
            for name in ("objects", "bytes", "of_objects", "of_bytes")
        },
    },
)


@settings(max_examples=150, deadline=None)
@given(change=FIELDS, raw=st.none() | st.binary(max_size=300))
def test_whatever_lies_in_the_folder_is_told_or_passed_by(
    tmp_path_factory: pytest.TempPathFactory, change: dict[str, object], raw: bytes | None
) -> None:
    home = tmp_path_factory.getbasetemp() / "noted"
    with watching(home, ManualClock(START)):
        note = home / "cache" / "running" / "a.json"
        told = orjson.loads(note.read_bytes()) | change
        note.write_bytes(json.dumps(told).encode() if raw is None else raw)
        orjson.dumps([job.as_json() for job in verbs_here(home)])


def test_a_name_that_no_answer_can_tell_is_passed_by(tmp_path: Path) -> None:
    with watching(tmp_path, ManualClock(START), id=os.fsdecode(b"\xff")):
        assert len(list((tmp_path / "cache" / "running").glob("*.json"))) == 1
        assert verbs_here(tmp_path) == []


def test_a_link_is_no_note(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(noted(tmp_path))
    with watching(tmp_path, ManualClock(START)):
        note = tmp_path / "cache" / "running" / "a.json"
        note.unlink()
        note.symlink_to(elsewhere)
        assert verbs_here(tmp_path) == []


@pytest.mark.parametrize(("letter", "kept"), [("x", "x"), ("\x01", "\x01"), ("ắ", "ắ"), ("\udcff", "?")])
def test_a_verb_with_long_and_odd_texts_is_seen(tmp_path: Path, letter: str, kept: str) -> None:
    long = RunningVerb(*(letter * 500,) * 5)
    with watching(tmp_path, ManualClock(START), long) as observer:
        phase_of(observer)(letter * 500)
        (job,) = verbs_here(tmp_path)
    assert job.verb.who == job.verb.job == job.phase == kept * 200


def test_a_time_of_loss_that_is_none_is_refused_when_the_verb_begins(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInput),
        watching(tmp_path, ManualClock(START), RunningVerb("x", lost_at="soon")),
    ):
        pass


@pytest.mark.parametrize(("seconds", "kept"), [(float("nan"), False), (-1.0, False), (float("inf"), True)])
def test_an_expectation_that_cannot_be_noted_hides_no_job(tmp_path: Path, seconds: float, kept: bool) -> None:
    with watching(tmp_path, ManualClock(START), RunningVerb("drill")) as observer:
        observer.expects(seconds)
        (job,) = verbs_here(tmp_path)
    assert (job.expected_s is not None) is kept and job.is_late is kept


def test_a_note_of_another_host_is_passed_by_and_left(tmp_path: Path) -> None:
    data = noted(tmp_path, host="elsewhere")
    note = tmp_path / "cache" / "running" / "b.json"
    note.write_bytes(data)
    assert verbs_here(tmp_path) == []
    assert note.read_bytes() == data


def test_what_others_left_hides_no_job(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "running"
    left = noted(tmp_path, host="elsewhere")
    for number in range(100):
        path = folder / f"{number:03}.json"
        path.write_bytes(left)
        os.utime(path, (0, 0))
    with watching(tmp_path, ManualClock(START), id="z"):
        assert [job.id for job in verbs_here(tmp_path)] == ["z"]
