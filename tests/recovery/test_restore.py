"""A lost site is rebuilt from the other, whatever interrupts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.archives import SITES
from tests.support.lab import Lab, message, named
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.originals import Originals
from vanvault.archiver.core.errors import InvalidInput, NotFound, SettingsError, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.restore import RestorePlan, RestoreReport, plan_restore, restore_site
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.work import Effort

OTHER = {"primary": "standby", "standby": "primary"}


def rebuild(lab: Lab, source: str) -> RestoreReport:
    with lab.open() as archive:
        return run(archive, source)


def run(archive: Archive, source: str) -> RestoreReport:
    plan = survey(archive, source, create=True)
    return restore_site(plan, archive.sites[source], archive.sites[plan.target], effort=Effort(workers=2))


@pytest.mark.parametrize("lost", SITES)
def test_a_lost_site_is_rebuilt_with_its_locks(lab: Lab, lost: str) -> None:
    shutil.rmtree(lab.root(lost))
    report = rebuild(lab, OTHER[lost])
    assert report.whole
    assert report.copied == report.plan.total == report.plan.todo
    assert lab.verify().whole
    with lab.open() as archive:
        locks = [
            {version.key: version.retain_until for version in archive.sites[site].list()} for site in SITES
        ]
    assert locks[0] == locks[1]


def test_the_rebuilt_site_serves_and_takes_new_messages(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    with lab.open() as archive:
        with pytest.raises(SiteUnavailable):
            archive.sites["primary"].now()
        run(archive, "standby")
        archive.catch_up()
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 9000)], final=True)
        writer.close()
        archive.catch_up()
        query = Query.parse([("message_id", "message-12")], archive.search.cursor_key)
        (item,) = archive.search.page(query).items
        only = {"primary": archive.sites["primary"]}
        originals = Originals(only, archive.parquet, archive.locator)
        assert originals.read(item) == b"<dossier number='12'/>"
    assert lab.verify().whole


def test_a_second_restore_finds_nothing_to_do(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    rebuild(lab, "standby")
    again = rebuild(lab, "standby")
    assert again.copied.objects == again.plan.todo.objects == 0
    assert again.plan.writers == ()


def test_a_restore_brings_what_is_missing_and_no_more(lab: Lab) -> None:
    dropped = lab.keys()[::3]
    for key in dropped:
        lab.drop("primary", key)
    report = rebuild(lab, "standby")
    assert report.copied.objects == len(dropped)
    assert lab.verify().whole


def test_only_the_objects_of_a_site_lost(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary") / "objects")
    assert rebuild(lab, "standby").whole
    assert lab.verify().whole


def test_newest_writers_come_first_and_large_objects_after_all_batches(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    with lab.open() as archive:
        plan = survey(archive, "standby", create=True)
        restore_site(plan, archive.sites["standby"], archive.sites["primary"], effort=Effort(workers=1))
        stored = sorted(archive.sites["primary"].list(), key=lambda version: version.version)
    order = [(name.writer, name.family) for version in stored if (name := parse_key(version.key))]
    assert list(dict.fromkeys(order)) == [
        (writer, family) for family in ("batch", "large") for writer in reversed(lab.writers())
    ]


def test_a_damaged_object_at_the_source_is_reported_and_the_rest_goes_on(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    key = lab_keys_at(lab, "standby")[3]
    lab.flip("standby", key)
    report = rebuild(lab, "standby")
    assert not report.whole
    assert [(finding.problem, finding.site, finding.key) for finding in report.failures] == [
        ("damaged", "standby", key)
    ]
    assert named(lab.verify()) == {("damaged", "standby", key), ("missing", "primary", key)}


def lab_keys_at(lab: Lab, site: str) -> list[str]:
    with lab.open() as archive:
        return sorted(version.key for version in archive.sites[site].list())


def test_an_expired_object_is_restored_all_the_same(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    lab.clock.moment = lab.clock.moment.replace(year=2050)
    report = rebuild(lab, "standby")
    assert report.whole
    assert report.copied == report.plan.total


def test_a_restore_without_a_good_source_or_target_is_refused(lab: Lab, other: Lab) -> None:
    with lab.open() as archive:
        with pytest.raises(NotFound):
            survey(archive, "tertiary", create=False)
        with pytest.raises(InvalidInput):
            plan_restore(archive.sites["primary"], archive.sites["primary"], name="primary")
    shutil.rmtree(lab.root("primary"))
    with lab.open() as archive, pytest.raises(SiteUnavailable):
        survey(archive, "primary", create=True)
    lab.root("primary").mkdir()
    (lab.root("primary") / "holiday.jpg").write_bytes(b"")
    with lab.open() as archive, pytest.raises(SettingsError, match="not empty"):
        survey(archive, "standby", create=True)
    shutil.rmtree(lab.root("primary"))
    shutil.copytree(other.home / "sites/primary", lab.root("primary"))
    with lab.open() as archive, pytest.raises(SettingsError, match="another archive"):
        survey(archive, "standby", create=True)


@pytest.mark.parametrize("stray", [True, False])
def test_foreign_things_at_the_target_keep_nobody_from_restoring_it(lab: Lab, stray: bool) -> None:
    """Whoever has write access to the new site would else decide whether it is ever rebuilt."""
    if stray:
        (lab.root("primary") / "objects" / "notes.txt").write_text("mine")
    else:
        lab.add("primary", "what/is/this", b"?")
    with lab.open() as archive:
        assert survey(archive, "standby", create=True).todo.objects == 0


def test_a_plan_alone_makes_no_site(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    with lab.open() as archive:
        plan: RestorePlan = survey(archive, "standby", create=False)
    assert plan.target == "primary"
    assert plan.todo == plan.total
    assert not lab.root("primary").exists()


def test_a_source_that_goes_away_ends_the_restore(lab: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    with lab.open() as archive:
        plan = survey(archive, "standby", create=True)
        shutil.move(lab.root("standby"), lab.home / "moved")
        with pytest.raises(SiteUnavailable):
            restore_site(plan, archive.sites["standby"], archive.sites["primary"])
    shutil.move(lab.home / "moved", lab.root("standby"))
    assert rebuild(lab, "standby").whole
    assert lab.verify().whole


_CHILD = """
import os, signal, sys
from pathlib import Path
from vanvault.archiver.appliance.archive import Archive
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.restore.restore import restore_site
step, left = sys.argv[2], [int(sys.argv[3])]
def fault(name):
    if name == step:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
with Archive.open(Path(sys.argv[1]), store_fault=fault) as archive:
    plan = survey(archive, "standby", create=True)
    restore_site(plan, archive.sites["standby"], archive.sites["primary"])
"""


@pytest.mark.parametrize("step", ["before-write", "after-write", "after-link", "after-folder-fsync"])
def test_a_killed_restore_is_resumed(lab: Lab, step: str) -> None:
    shutil.rmtree(lab.root("primary"))
    killed = 0
    for count in (1, 4, 9):
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, str(lab.home), step, str(count)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        killed += child.returncode == -signal.SIGKILL
    assert killed == 3
    before = len(lab_keys_at(lab, "primary"))
    report = rebuild(lab, "standby")
    assert report.whole
    assert report.copied.objects == report.plan.total.objects - before < report.plan.total.objects
    assert lab.verify().whole
