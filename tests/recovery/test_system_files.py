"""What file systems make beside and inside a site: every verb notes it, and none fails for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import SITES
from tests.support.clocks import ManualClock
from tests.support.lab import Lab, named
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.names import family_of
from vanvault.recovery.backup.control import check_target
from vanvault.recovery.backup.stage import open_stage
from vanvault.recovery.failover.failover import level
from vanvault.recovery.repair import RepairPlan, RepairRequest, repair
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.verified import Subset

MADE = ("lost+found", "@eaDir", ".snapshot", ".nfs0000000000a1b2c300000001", ".DS_Store", "#recycle")


def make(folder: Path) -> None:
    """One of each in a folder: folders that hold something, and files."""
    for name in MADE:
        if name.startswith((".nfs", ".DS")):
            (folder / name).write_bytes(b"?")
        else:
            (folder / name).mkdir()
            (folder / name / "anything").write_bytes(b"?")


@pytest.fixture
def boxed(lab: Lab) -> Iterator[Lab]:
    """Both sites on storage boxes: something of each sort in every folder, and whole copies in snapshots."""
    for site in SITES:
        root = lab.root(site)
        folders = [path for path in root.rglob("*") if path.is_dir()]
        shutil.copytree(root / "objects", root / "copy")
        for folder in (root, *folders):
            make(folder)
        for copy in (root / ".snapshot" / "daily", root / "objects" / ".snapshot" / "daily"):
            shutil.copytree(root / "copy", copy / "objects")
        shutil.rmtree(root / "copy")
    yield lab


def test_they_are_noted_and_both_sites_are_whole(boxed: Lab) -> None:
    report = boxed.verify()
    assert (report.whole, report.exit_code, named(report)) == (True, ExitCode.OK, set())
    noted = [one for one in report.findings if one.problem == "system-file"]
    paths = {one.key for one in noted if one.site == "primary"}
    assert {*MADE, "objects/.snapshot"} & paths
    assert not any("daily" in path for path in paths)
    # One stands in every folder: the first are named, the rest is counted.
    assert len(noted) == len(SITES) * 21
    assert {one.detail.split()[0] for one in noted if not one.key} == {"and"}


def test_a_snapshot_of_the_site_within_it_is_no_part_of_its_listing(boxed: Lab) -> None:
    with boxed.open() as archive:
        for site in archive.sites.values():
            assert {family_of(version.key) for version in site.list()} == {"batch", "large"}
        assert archive.quarantine.found(SITES) == ()


def test_repair_ends_as_verify_would(boxed: Lab) -> None:
    with boxed.open() as archive:
        report = repair(archive, RepairRequest())
    assert report.exit_code == ExitCode.OK
    assert not isinstance(report, RepairPlan)
    assert report.whole


def test_failback_is_not_kept(boxed: Lab) -> None:
    with boxed.open() as archive:
        assert level(archive, Subset(), pause=lambda: None).problems == ()


def test_a_site_is_restored_onto_a_freshly_made_disk(boxed: Lab) -> None:
    root = boxed.root("standby")
    shutil.rmtree(root)
    root.mkdir()
    make(root)
    with boxed.open() as archive:
        done = restore(archive, RestoreRequest("primary"))
    assert done.exit_code == ExitCode.OK
    assert boxed.verify().whole
    assert (root / "lost+found" / "anything").exists()


def test_a_home_is_made_on_freshly_made_disks(tmp_path: Path) -> None:
    for name in ("home", "a", "b"):
        (tmp_path / name).mkdir()
        make(tmp_path / name)
    init_home(
        tmp_path / "home",
        primary=f"file:{tmp_path / 'a'}",
        standby=f"file:{tmp_path / 'b'}",
        clock=ManualClock(),
    )
    lab = Lab(tmp_path / "home")
    with lab.open() as archive:
        assert [site.now() for site in archive.sites.values()]


def test_what_somebody_put_there_is_still_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    make(tmp_path / "a")
    (tmp_path / "a" / "letters.doc").write_bytes(b"mine")
    with pytest.raises(SettingsError, match=r"letters\.doc"):
        init_home(tmp_path / "home", primary=f"file:{tmp_path / 'a'}", clock=ManualClock())


def test_the_control_plane_comes_back_onto_a_freshly_made_disk(tmp_path: Path) -> None:
    make(tmp_path)
    check_target(tmp_path, {"vanvault.toml": b""})
    (tmp_path / "mine").touch()
    with pytest.raises(InvalidInput):
        check_target(tmp_path, {"vanvault.toml": b""})


def test_a_stage_on_a_disk_of_its_own_leaves_them_alone(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "left-by-a-killed-run").touch()
    with open_stage(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {*MADE, "lock"}
