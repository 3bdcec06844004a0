"""The list of jobs: all that ended, failures included, and nothing is told to be a success that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.api.console.conftest import ConsolePlace
from tests.api.console.test_search import looks_of
from tests.support.command import run_cli
from vanvault.api.console.terms import term
from vanvault.api.console.views.jobs import KINDS, PAGE_JOBS, JobKind, before_of, job_line, page_of_jobs
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.people.accounts import PERMISSIONS
from vanvault.archiver.people.sight import Sight


def event(type: str, detail: Any, *, second: int = 0, id: str = "e-1") -> OwnEvent:
    """An own event, ``second`` seconds after midnight."""
    at = f"2026-11-30T00:{second // 60:02}:{second % 60:02}Z"
    text = detail if isinstance(detail, str) else orjson.dumps(detail).decode()
    return OwnEvent(id, type, at, at, text)


@pytest.mark.parametrize(
    ("type", "detail", "outcome"),
    [
        ("verify.finished", {"whole": True}, "succeeded"),
        ("verify.finished", {"whole": False}, "failed"),
        ("verify.finished", {"whole": "yes"}, "failed"),
        ("verify.finished", {}, "unclear"),
        ("verify.finished", "[]", "unclear"),
        ("verify.finished", "{", "unclear"),
        ("drill.finished", {"passed": False}, "failed"),
        ("backup.ran", {"whole": True, "escrow_problems": ["a key"]}, "failed"),
        ("site.restored", {"failures": 1}, "failed"),
        ("site.repaired", {"failures": 0, "beyond": 2}, "failed"),
        ("site.repaired", {"failures": 0, "beyond": 0}, "succeeded"),
        ("compaction.finished", {"damaged": ["x"]}, "failed"),
        ("export.finished", {"unreadable": 0}, "succeeded"),
        ("schedule.failed", {"job": "verify"}, "failed"),
    ],
)
def test_the_outcome_is_what_the_record_says(type: str, detail: Any, outcome: str) -> None:
    assert job_line(event(type, detail)).outcome == outcome


def test_a_line_tells_what_it_was_how_much_how_long_and_who() -> None:
    told = {"whole": True, "share": "3/30", "ms": 61_000, "sites": {"a": {"bytes": 5}, "b": {"bytes": 7}}}
    found = job_line(event("verify.finished", told))
    assert (found.about, found.bytes, found.ms, found.who) == ("3/30", 12, 61_000, "")
    odd = job_line(event("export.finished", {"unreadable": 0, "bytes": True, "ms": -1, "who": ["x"]}))
    assert (odd.bytes, odd.ms, odd.who) == (None, None, "")


def test_pages_have_each_job_once_also_where_many_ended_at_one_moment() -> None:
    events = [event("verify.finished", {}, second=n // 4, id=f"e-{n}") for n in range(130)]
    seen: list[str] = []
    before = None
    while True:
        rest = [one for one in events if before is None or to_us(one.at) < before]
        shown, before = page_of_jobs(rest)
        assert len(shown) <= PAGE_JOBS + 3
        seen += [one.id for one in shown]
        if before is None:
            break
    assert sorted(seen) == sorted(one.id for one in events)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "9" * 17, "²", "x"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        before_of(text)


@pytest.mark.parametrize("type", [kind.type for kind in KINDS])
def test_every_kind_of_job_has_a_term(type: str) -> None:
    assert len({term(f"job:{type}", "vi"), term(f"job:{type}", "en"), f"job:{type}"}) == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_a_job_is_for_whom_its_event_is(kind: JobKind) -> None:
    item = {"gateway": SYSTEM_GATEWAY, "entry": "event", "type": f"vanvault.{kind.type}"}
    for lacking in PERMISSIONS:
        may = frozenset(PERMISSIONS) - {lacking}
        if kind.is_for(may.__contains__):
            assert Sight(may).lacks(item) is None, lacking
    assert kind.is_for(lambda one: True)
    assert kind.is_result or not kind.is_for(lambda one: one != "search")


def test_an_export_is_not_told_to_who_may_only_search(place: ConsolePlace, tmp_path: Path) -> None:
    given = ("--format", "csv", "--reason", "test", "--kind", "no-such", "--json")
    made = run_cli(place.home, "export", "--output", tmp_path / "x", *given)
    assert made.exit_code == 0, made.output
    export = orjson.loads(made.stdout)["export"]
    page = place.of("hoa").get("/console/jobs").text
    assert export not in page and "Exports and extractions are shown to those" in page
    assert (
        export not in place.of("tam").get("/console/jobs").text
    )  # sees the log of looks, and may not search


def test_a_verification_stands_on_the_page_and_the_look_is_on_record(place: ConsolePlace) -> None:
    assert run_cli(place.home, "verify").exit_code == 0
    page = place.of("hoa", "vi").get("/console/jobs")
    assert page.status_code == 200
    assert "Kiểm tra toàn vẹn, phần <bdi>1/1</bdi>" in page.text and "thành công" in page.text
    assert 'href="/console/messages/' in page.text
    assert {"of": "jobs"} in [one["asked"] for one in looks_of(place, "hoa", "results")]
    operator = place.of("vinh").get("/console/jobs").text
    assert "Verification, part" in operator and "shown to these roles" in operator
    assert 'href="/console/messages/' not in operator
    assert place.of("hoa").get("/console/jobs?before=1").text.count("No job is on record") == 1
    assert place.of("hoa").get("/console/jobs?after=1").status_code == 400
    assert place.of("minh").get("/console/jobs").status_code == 403
