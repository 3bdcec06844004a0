"""An archive with residue segments verifies clean, and what is wrong in one is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.residues import Disposable, disposable

from vanvault.archiver.upkeep.residue import replaced_objects
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.verify import VerifyReport, verify_archive


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Disposable]:
    with disposable(tmp_path / "home") as found:
        yield found


def verified(made: Disposable) -> VerifyReport:
    return verify_archive(made.archive)


def failing(report: VerifyReport) -> list[tuple[str, str]]:
    return [(one.problem, one.detail) for one in report.findings if one.failing]


def test_after_a_disposal_nothing_is_wrong(made: Disposable) -> None:
    before = made.segment
    made.dispose("m-1", "e-0", originals=["m-2", "m-large"])
    report = verified(made)
    assert failing(report) == []
    replaced = {one.key for one in report.findings if one.problem == "replaced"}
    assert {part.key for part in before.manifest.parts} < replaced
    assert {key.split("/")[0] for key in replaced} == {"segment", "large"}


def test_after_a_second_disposal_nothing_is_wrong(made: Disposable) -> None:
    made.dispose("m-1", originals=["m-2"])
    made.dispose("m-2", "m-large", "e-1", disposal="d-00000000000000a2")
    assert failing(verified(made)) == []


def test_what_was_replaced_is_copied_nowhere_and_does_not_come_back(made: Disposable) -> None:
    before = made.segment
    made.dispose("m-1", originals=["m-large"])
    remains = {
        site: list(versions) for site, versions in replaced_objects(made.archive, made.segment).items()
    }
    assert remains["standby"]
    for version in remains["standby"]:
        made.home.standby.damage.drop(version.key)
    report = reconcile(made.archive, ReconcileRequest()).report
    gone = {version.key for version in remains["standby"] if not version.key.startswith("batch/")}
    assert not gone & {version.key for version in made.home.standby.list()}
    assert report.level
    assert failing(verified(made)) == []
    archive = made.again()
    assert before.key not in [one.key for one in archive.catalogue.segments(spare=True)]


def test_a_copy_that_comes_back_changes_nothing(made: Disposable) -> None:
    before = made.segment
    saved = {part.key: made.home.primary.get(part.key) for part in before.manifest.parts}
    saved[before.key] = made.home.primary.get(before.key)
    key, _ = made.dispose("m-1")
    for site in made.home.sites.values():
        for one in saved:
            site.damage.drop(one)
    archive = made.again()
    assert [one.key for one in archive.catalogue.segments(spare=True)] == [key]
    for one, data in saved.items():
        made.home.standby.damage.add(one, data)
    archive = made.again()
    assert [one.key for one in archive.catalogue.segments(spare=True)] == [key]
    assert archive.search.entry(made.id("m-1"))["entry"] == "disposed"
    assert failing(verified(made)) == []
