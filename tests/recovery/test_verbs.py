"""Each verb, called as a function: its record or evidence is made without the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.journal import own_events
from vanvault.recovery.availability import AvailabilityRequest, availability
from vanvault.recovery.coverage import CoverageRequest, coverage
from vanvault.recovery.custody import SplitRequest, split_keys
from vanvault.recovery.drill import DrillReport, DrillRequest, drill, drill_evidence
from vanvault.recovery.drill.bundle import read_report
from vanvault.recovery.drill.report import DRILL_FORM
from vanvault.recovery.forecast import ForecastRequest, forecast
from vanvault.recovery.maintenance import CompactRequest, OverrideRequest, compact, override_probe
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.repair import RepairReport, RepairRequest, repair
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.verify import VerifyRequest, verify

WHO = "operator"


def recorded(archive: Archive, kind: str) -> list[dict[str, Any]]:
    """Details of the archive's own events of a kind, newest first."""
    archive.catch_up()
    return [event.detail for event in own_events(archive.search, kind)]


def test_a_verification_is_on_record_with_who_made_it(lab: Lab) -> None:
    with lab.open() as archive:
        done = verify(archive, VerifyRequest(who=WHO))
        assert (done.exit_code, done.recorded) == (ExitCode.OK, True)
        (detail,) = recorded(archive, "verify.finished")
        assert (detail["who"], detail["share"], detail["whole"]) == (WHO, "1/1", True)
        report = coverage(archive, CoverageRequest())
        assert (report.exit_code, report.runs) == (ExitCode.OK, 1)


def test_a_verification_that_is_not_to_count_leaves_no_record(lab: Lab) -> None:
    with lab.open() as archive:
        assert not verify(archive, VerifyRequest(on_record=False)).recorded
        assert recorded(archive, "verify.finished") == []


def test_a_repair_is_on_record_with_what_it_mended(lab: Lab) -> None:
    lab.drop("standby", lab.keys(family="batch")[1])
    with lab.open() as archive:
        done = repair(archive, RepairRequest(who=WHO))
        assert isinstance(done, RepairReport)
        assert (done.exit_code, done.recorded) == (ExitCode.OK, True)
        (detail,) = recorded(archive, "site.repaired")
        assert (detail["who"], detail["objects"]) == (WHO, len(done.repaired))


def test_a_reconciliation_is_on_record_with_what_it_copied(lab: Lab) -> None:
    lab.drop("standby", lab.keys(family="batch")[1])
    with lab.open() as archive:
        done = reconcile(archive, ReconcileRequest(who=WHO))
        assert done.recorded
        (detail,) = recorded(archive, "site.reconciled")
        assert (detail["who"], detail["objects"]) == (WHO, done.report.fetched.objects)
        assert done.report.fetched.objects > 0


def test_a_restore_is_on_record_and_verified(lab: Lab) -> None:
    shutil.rmtree(lab.home / "sites" / "standby")
    with lab.open() as archive:
        done = restore(archive, RestoreRequest("primary", who=WHO))
        assert (done.exit_code, done.recorded) == (ExitCode.OK, True)
        assert done.verified is not None
        (detail,) = recorded(archive, "site.restored")
        assert (detail["who"], detail["site"], detail["objects"]) == (
            WHO,
            "standby",
            done.report.copied.objects,
        )


def test_a_drill_leaves_signed_evidence_on_disk_and_in_the_archive(lab: Lab) -> None:
    with lab.open() as archive:
        done = drill(archive, DrillRequest("node-lost", who=WHO))
        assert isinstance(done, DrillReport)
        assert (done.exit_code, done.archived) == (ExitCode.OK, True)
        report = DRILL_FORM.verified(read_report(archive.home, done.finished.id)[0], archive.signing.public)
        assert (report["operator"], report["passed"]) == (WHO, True)
        page = archive.home / "drills" / done.finished.id / "report.vi.html"
        assert drill_evidence(archive.home, done.finished.id, verify=True) == report
        page.write_text(page.read_text(encoding="utf-8") + " ", encoding="utf-8")
        with pytest.raises(Damaged, match=r"report\.vi\.html was changed"):
            drill_evidence(archive.home, done.finished.id, verify=True)
        (detail,) = recorded(archive, "drill.finished")
        assert (detail["id"], detail["who"]) == (done.finished.id, WHO)


def test_an_escrow_is_on_record(lab: Lab, tmp_path: Path) -> None:
    made = split_keys(lab.home, SplitRequest(tmp_path / "escrow", 2, 3, WHO))
    assert made.bundle.is_file()
    with lab.open() as archive:
        (detail,) = recorded(archive, "keys.escrowed")
        assert (detail["set"], detail["who"]) == (made.set_id, WHO)


def test_a_store_that_is_trusted_without_a_probe_is_on_record(lab: Lab) -> None:
    with lab.open() as archive:
        detail = override_probe(archive, OverrideRequest("primary", " new store ", who=WHO))
        assert (detail["reason"], detail["who"]) == ("new store", WHO)


def test_verbs_that_only_look_leave_no_record(lab: Lab) -> None:
    with lab.open() as archive:
        before = archive.tail.last_received_us()
        assert forecast(archive, ForecastRequest()).exit_code is ExitCode.OK
        assert availability(archive, AvailabilityRequest()).exit_code is ExitCode.OK
        assert compact(archive, CompactRequest(dry_run=True)).exit_code is ExitCode.OK
        archive.catch_up()
        assert archive.tail.last_received_us() == before
