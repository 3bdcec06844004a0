"""The residue segment that an earlier version wrote is read by this one, and all that it keeps is proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.golden.make_residue import DISPOSAL, DISPOSED_AT, GONE
from tests.golden.make_segment import V1, copy_home
from tests.support.clocks import ManualClock
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import EntryDisposed
from vanvault.archiver.core.ports import Ports
from vanvault.recovery.verify import verify_archive

GOLDEN = Path(__file__).parent / "residue-v1"
RECEIPTS = json.loads((V1 / "receipts.json").read_text(encoding="utf-8"))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    copy_home(GOLDEN / "home", tmp_path / "home")
    ports = Ports.under(ManualClock(DISPOSED_AT + timedelta(days=1)))
    with Archive.open(tmp_path / "home", ports=ports) as found:
        found.catch_up()
        yield found


def test_it_stands_in_the_place_of_what_it_replaces(archive: Archive) -> None:
    residues = [one.manifest for one in archive.catalogue.segments() if one.manifest.is_residue]
    assert {one.disposal for one in residues} == {DISPOSAL}
    replaced = {one.manifest.segment for one in archive.catalogue.replaced()}
    assert replaced == {id for one in residues for id in one.replaces}
    gone = {row.what for one in residues for row in archive.locator.residue(one).values()}
    assert gone == {"entry", "original"}


def test_receipts_of_what_is_kept_are_the_same_to_the_byte(archive: Archive) -> None:
    kept = 0
    for name, receipt in RECEIPTS.items():
        if GONE.get(name) == "entry":
            with pytest.raises(EntryDisposed):
                archive.receipts.of(receipt["id"])
        else:
            assert archive.receipts.of(receipt["id"]) == receipt
            kept += 1
    assert kept


def test_it_verifies(archive: Archive) -> None:
    report = verify_archive(archive)
    found = {one.problem for one in report.findings if one.failing}
    assert not found - {"lock"}, "locks of what lies in a repository have ended"
