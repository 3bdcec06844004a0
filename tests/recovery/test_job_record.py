"""Jobs on record: each once, and none is told to be a success of which the record does not say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import AccessDenied, InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.people.accounts import PERMISSIONS
from vanvault.archiver.people.sight import Sight
from vanvault.recovery.job_record import (
    JOB_KINDS,
    PAGE_JOBS,
    JobKind,
    before_of,
    jobs_page,
    one_job,
    recorded_job,
)
from vanvault.recovery.verify import VerifyRequest, verify


def event(type: str, detail: Any) -> OwnEvent:
    at = "2026-11-30T00:01:01Z"
    text = detail if isinstance(detail, str) else orjson.dumps(detail).decode()
    return OwnEvent("e-1", type, at, at, text)


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
        ("clearing.started", {"planned": {}, "who": "lan"}, "unclear"),
        ("schedule.failed", {"job": "verify"}, "failed"),
    ],
)
def test_the_outcome_is_what_the_record_says(type: str, detail: Any, outcome: str) -> None:
    assert recorded_job(event(type, detail)).outcome == outcome


def test_a_job_tells_what_it_was_how_much_how_long_and_who() -> None:
    told = {"whole": True, "share": "3/30", "ms": 61_000, "sites": {"a": {"bytes": 5}, "b": {"bytes": 7}}}
    found = recorded_job(event("verify.finished", told))
    assert (found.about, found.bytes, found.ms, found.who) == ("3/30", 12, 61_000, "")
    assert found.as_json()["began_at"] == "2026-11-30T00:00:00Z"
    assert recorded_job(event("drill.finished", {"passed": True, "ms": 61_000})).began_at is None
    odd = recorded_job(event("export.finished", {"unreadable": 0, "bytes": True, "ms": -1, "who": ["x"]}))
    assert (odd.bytes, odd.ms, odd.who, odd.began_at) == (None, None, "", None)
    assert recorded_job(event("verify.finished", {"ms": 10**17})).began_at is None


@pytest.mark.parametrize("text", ["", "-1", "1.5", "9" * 17, "²", "x"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        before_of(text)


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.type)
def test_a_job_is_for_nobody_who_may_not_see_its_event(kind: JobKind) -> None:
    item = {"gateway": SYSTEM_GATEWAY, "entry": "event", "type": f"vanvault.{kind.type}"}
    for permission in PERMISSIONS:
        if permission != kind.needs:
            assert Sight(frozenset(PERMISSIONS) - {permission}).lacks(item) is None, permission


def test_pages_have_each_job_once_also_where_many_ended_at_one_moment(tmp_path: Path) -> None:
    init_home(tmp_path / "home")
    with Archive.open(tmp_path / "home") as archive:
        for _ in range(13):
            together = [archive.system_event("site.restored", {"failures": 0}) for _ in range(5)]
            archive.record_events(lambda together=together: together)
        seen: list[str] = []
        before: int | None = to_us(archive.clock.now()) + 1
        while before is not None:
            page = jobs_page(archive.search, lambda _: True, before)
            assert len(page.jobs) <= PAGE_JOBS + 5
            seen += [one.id for one in page.jobs]
            before = page.next
    assert len(seen) == len(set(seen)) == 65


def test_a_job_is_found_by_its_id_and_nothing_else_is_one(tmp_path: Path) -> None:
    init_home(tmp_path / "home")
    with Archive.open(tmp_path / "home") as archive:
        verify(archive, VerifyRequest(who="lan"))
        archive.record("export.finished", {"export": "x-1", "unreadable": 0})
        archive.record("clearing.started", {"planned": {"primary": 2}, "who": "lan"})
        archive.record("batches.cleared", {"site": "primary", "segment": "s", "batches": 2, "bytes": 9})
        archive.record("clearing.started", {"planned": {"primary": 1}, "who": "lan"})
        archive.record("batches.cleared", {"site": "standby", "segment": "s", "batches": 1, "bytes": 9})
        search, now = archive.search, to_us(archive.clock.now()) + 1
        jobs = jobs_page(search, lambda _: True, now).jobs
        by_type = {job.type: job for job in jobs}
        found = one_job(search, by_type["verify.finished"].id, lambda _: True)
        assert found.job.outcome == "succeeded" and found.told["share"] == "1/1" and found.job.who == "lan"
        (part,) = one_job(search, by_type["clearing.started"].id, lambda _: True).parts
        assert part.detail["site"] == "primary"
        export = by_type["export.finished"].id
        with pytest.raises(AccessDenied):
            one_job(search, export, lambda one: one != "see-access")
        assert export not in [one.id for one in jobs_page(search, lambda one: one != "see-access", now).jobs]
        for id in (part.id, f"{export}0", "nonsense"):
            with pytest.raises(VanVaultError) as refused:
                one_job(search, id, lambda _: True)
            assert isinstance(refused.value, (NotFound, InvalidInput))
