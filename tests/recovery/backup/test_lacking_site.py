"""A backup of a site that lacks objects: they come from the other site, or the run says what is missing."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from tests.recovery.backup.kit import Kit
from vanvault.archiver.core.error_table import ExitCode
from vanvault.recovery.backup.check import BackupCheck, check_backup
from vanvault.recovery.backup.record import Record

SITES = ("primary", "standby")


def saved(record: Record) -> set[str]:
    return {entry.key for one in record.slices for entry in one.entries}


def checked(kit: Kit) -> BackupCheck:
    with kit.open() as (archive, repository):
        return check_backup(archive, repository, read_percent=0)


def test_what_the_site_lacks_or_does_not_hold_whole_comes_from_the_other_one(kit: Kit) -> None:
    lost = [kit.lab.keys(kind="messages")[0], kit.lab.keys(family="large")[0]]
    damaged = kit.lab.keys(kind="messages")[1]
    everything = kit.objects("primary")
    for key in lost:
        kit.lab.drop("standby", key)
    kit.lab.flip("standby", damaged)
    report = kit.run()
    assert (report.whole, report.record.left_out) == (True, ())
    assert saved(report.record) == everything.keys()
    assert kit.run().slices_saved == 0
    kit.lose_sites()
    assert kit.load("primary").whole
    assert kit.objects("primary") == everything


@pytest.mark.parametrize("kind", ["messages", "framed"])
def test_what_the_hot_tail_knows_and_no_site_lists_is_left_out(kit: Kit, kind: str) -> None:
    key = kit.lab.keys(kind=kind)[0]  # type: ignore[arg-type]
    for site in SITES:
        kit.lab.drop(site, key)
    report = kit.run()
    assert (report.record.left_out, report.exit_code) == ((key,), ExitCode.CHECK_FAILED)
    assert checked(kit).last_good is None


def test_the_copy_of_an_earlier_run_stays_when_both_sites_lost_the_object(kit: Kit) -> None:
    key = kit.lab.keys(kind="messages")[0]
    everything = kit.objects("primary")
    assert kit.run().whole
    for site in SITES:
        kit.lab.drop(site, key)
    kit.lab.forget()  # only the record of the last run knows it
    for _ in range(2):
        report = kit.run()
        assert (report.record.left_out, report.record.lacking) == ((key,), ())
        assert saved(report.record) == everything.keys()
    kit.lose_sites()
    assert kit.load("primary").whole
    assert kit.objects("primary") == everything


def test_an_earlier_copy_stays_when_its_slice_is_packed_anew(kit: Kit) -> None:
    own = kit.put("log", b"a slice of its own, which is less than half full")
    assert kit.run().whole
    kit.lab.flip("standby", own.key)
    kit.put("log", b"new in the same family")
    key = own.key
    report = kit.run()
    assert report.slices_saved == 1
    assert (report.record.left_out, report.record.lacking) == ((key,), ())
    assert key in saved(report.record)


def test_a_run_says_that_the_other_site_is_away_and_a_check_finds_what_only_that_site_held(kit: Kit) -> None:
    key = kit.lab.keys(kind="messages")[0]
    kit.lab.drop("standby", key)
    away = kit.lab.root("primary").with_name("elsewhere")
    shutil.move(kit.lab.root("primary"), away)
    report = kit.run()
    assert report.record.away == ("primary",)
    assert report.as_json()["away"] == ["primary"]
    assert (report.record.left_out, report.exit_code) == ((key,), ExitCode.CHECK_FAILED)
    kit.lab.forget()
    assert kit.run().whole  # nobody here knows more than the standby lists
    assert checked(kit).away == ("primary",)
    shutil.move(away, kit.lab.root("primary"))
    found = checked(kit)
    assert (found.missing, found.whole, found.away) == ((key,), False, ())
    assert any(key in problem for problem in found.problems)
    assert kit.run().whole
    assert checked(kit).whole


def test_a_check_does_not_miss_what_came_after_the_run(kit: Kit) -> None:
    assert kit.run().whole
    kit.lab.clock.moment += timedelta(hours=1)
    kit.put("messages", b"later")
    assert checked(kit).whole
