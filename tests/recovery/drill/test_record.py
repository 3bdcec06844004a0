"""Drills on record: the event, the archived bundle, and what is due."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import orjson
import pytest

from tests.recovery.drill.support import drill
from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.recovery.documents import REPORT, zipped
from vanvault.recovery.drill import archived_report, last_rate, measured, newest_measured, overdue, standings
from vanvault.recovery.drill.bundle import drill_pages
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.record import SCHEDULED, archive_drill, message_id_of, runs, scheduled_detail
from vanvault.recovery.drill.report import signed_report
from vanvault.recovery.drill.scenarios import SCENARIOS


def on_record(archive: Archive, lab: Lab, scenario: str, means: Means | None = None) -> bytes:
    """Run, sign and archive; the bundle's bytes."""
    finished = drill(archive, scenario, lab.home.parent / "scratch", means)
    data = signed_report(finished, archive.signing.active())
    bundle = zipped({REPORT: data, **drill_pages(orjson.loads(data))})
    archive_drill(archive, orjson.loads(data), data, bundle)
    return bundle


def standing(archive: Archive, scenario: str) -> tuple[bool, int | None, str]:
    found = {one.scenario: one for one in standings(archive.search)}[scenario]
    return found.last is not None, found.every_days, str(found.due_at)


def test_a_drill_is_archived_with_its_evidence(lab: Lab) -> None:
    with lab.open() as archive:
        bundle = on_record(archive, lab, "primary-lost")
        (run,) = runs(archive.search)
        assert (run.scenario, run.passed, run.rpo_messages) == ("primary-lost", True, 0)
        query = Query(filters={"message_id": message_id_of(run.id), "gateway": "vanvault"})
        items = [item for item in archive.search.page(query).items if item["entry"] == "message"]
        assert archive.original(items[0]) == bundle
        assert items[0]["sha256"] == hashlib.sha256(bundle).hexdigest()
        shown = archived_report(archive, run.id)
        assert (shown.id, shown.report["id"], shown.report["passed"]) == (items[0]["id"], run.id, True)
        with pytest.raises(NotFound):
            archived_report(archive, "another")
    assert lab.verify().whole


def test_rates_come_from_drills_that_brought_back_a_site(lab: Lab) -> None:
    with lab.open() as archive:
        archive.catch_up()
        assert (measured(archive.search), last_rate(archive.search)) == ([], None)
        before = newest_measured(archive.search)
        archive.record("site.restored", {"bytes": 1000, "objects": 10, "ms": 500})
        restored = newest_measured(archive.search)
        archive.record("site.restored", {"bytes": 1000, "objects": 10})  # of an earlier version
        assert last_rate(archive.search) == 2000.0
        on_record(archive, lab, "clock-wrong")
        on_record(archive, lab, "objects-damaged")
        assert last_rate(archive.search) == 2000.0
        on_record(archive, lab, "standby-lost")
        assert len({before, restored, newest_measured(archive.search)}) == 3
        (one,) = measured(archive.search)
        assert one.bytes > 100_000
        assert last_rate(archive.search) == one.bytes / one.seconds


def test_due_counts_from_the_last_run_that_passed(lab: Lab) -> None:
    with lab.open() as archive:
        archive.record(SCHEDULED, scheduled_detail("both-sites-lost", 90, "operator"))
        archive.record(SCHEDULED, scheduled_detail("node-lost", 30, "operator"))
        planned = lab.clock.now()
        assert overdue(archive.search, planned) == []
        assert overdue(archive.search, planned + timedelta(days=31)) == ["node-lost"]
        lab.clock.moment += timedelta(days=40)
        on_record(archive, lab, "node-lost")
        on_record(archive, lab, "both-sites-lost")  # fails: there is no third copy
        assert overdue(archive.search, lab.clock.now()) == []
        assert overdue(archive.search, lab.clock.now() + timedelta(days=29)) == []
        later = planned + timedelta(days=91)
        assert overdue(archive.search, later) == ["node-lost", "both-sites-lost"]
        assert standing(archive, "both-sites-lost")[:2] == (True, 90)


def test_a_schedule_can_be_changed_and_ended(lab: Lab) -> None:
    with lab.open() as archive:
        for days, due in ((30, 30), (7, 7), (0, None)):
            archive.record(SCHEDULED, scheduled_detail("ransomware", days, "operator"))
            assert standing(archive, "ransomware")[1] == due
        assert overdue(archive.search, lab.clock.now() + timedelta(days=3650)) == []
        assert [one.scenario for one in standings(archive.search)] == list(SCENARIOS)


@pytest.mark.parametrize("days", [-1, 3661])
def test_a_schedule_has_bounds(days: int) -> None:
    with pytest.raises(InvalidInput):
        scheduled_detail("node-lost", days, "operator")
