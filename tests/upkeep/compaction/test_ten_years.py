"""Ten years pass in seconds: batches expire, segments take over, and nothing is ever without a lock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.archives import memory_home
from tests.upkeep.compaction.homes import drafts, push
from tests.upkeep.compaction.reading import LockWatch, check_compacted, check_locks

from vanvault.archiver.upkeep import compact, keep_locks

_STEP = timedelta(days=10)


def test_nothing_is_without_a_lock_in_ten_years(tmp_path: Path) -> None:
    """Now and then the compactor rests for weeks, and the keeper must do its work alone."""
    with memory_home(tmp_path / "home") as home:
        archive, watch = home.archive(), LockWatch(home.sites)
        end = home.clock.now() + timedelta(days=3653)
        step = 0
        while home.clock.now() < end:
            push(archive, drafts(step, 1))
            home.clock.advance(_STEP)
            watch.check(home.clock.now())
            if step % 20 > 7:
                assert compact(archive).report.damaged == ()
            report = keep_locks(archive)
            assert (report.failures, report.alarms) == ((), ())
            step += 1
        home.check()
        check_locks(home.sites, home.clock.now())
        compacted = check_compacted(archive, home.sites, home.clock.now())
        expired = {
            version.key
            for version in home.primary.list("batch/")
            if version.retain_until is not None and version.retain_until < home.clock.now()
        }
        assert len(expired) > step, "old batches are let go"
        assert len(compacted) >= len(expired)


def test_without_a_compactor_the_keeper_keeps(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        push(archive, drafts(0))
        extended = 0
        for _ in range(60):
            home.clock.advance(timedelta(days=7))
            check_locks(home.sites, home.clock.now())
            report = keep_locks(archive)
            assert report.alarms == ()
            extended += report.extended
        assert extended >= 10


def test_without_both_it_is_an_alarm_and_intake_goes_on(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        keys = push(archive, drafts(0))
        home.clock.advance(timedelta(days=36))
        assert push(archive, drafts(1))
        report = keep_locks(archive)
        assert {held.key for held in report.alarms} == set(keys)
        assert {held.site for held in report.alarms} == {"primary", "standby"}
        assert keep_locks(archive).alarms == (), "they are extended all the same"
        check_locks(home.sites, home.clock.now() + timedelta(days=44))


def test_a_keeper_with_its_compactor_off_keeps_what_another_node_wrote(tmp_path: Path) -> None:
    """It goes by the sites' listings; and it lets the next fold look at what this node missed."""
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        writer, _ = archive.open_writer()
        try:
            push(archive, drafts(0))
            home.clock.advance(timedelta(days=4))
            push(archive, drafts(1))
            archive.catch_up()
            home.clock.advance(timedelta(days=1))
            (late,) = writer.commit([drafts(2)[0]])
        finally:
            writer.close()
        other = home.archive()
        other.catch_up()
        assert not other.tail.knows([late.folded.key]), "the writer was silent too long to be listed"
        home.clock.advance(timedelta(hours=2))
        assert keep_locks(other).unfolded == 2
        other.catch_up()
        assert other.tail.knows([late.folded.key])


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_weeks_without_a_site(tmp_path: Path, site: str) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        push(archive, drafts(0))
        for _ in range(4):
            home.clock.advance(timedelta(days=7))
            for operation in ("list", "extend", "now"):
                home.sites[site].fail_next(operation, times=10_000)  # type: ignore[arg-type]
            report = keep_locks(archive)
            assert any(failure.startswith(f"{site}: ") for failure in report.failures)
        for operation in ("list", "extend", "now"):
            home.sites[site].fail_next(operation, times=0)  # type: ignore[arg-type]
        check_locks(home.sites, home.clock.now())
        assert keep_locks(archive).failures == ()
        home.clock.advance(timedelta(days=30))
        check_locks(home.sites, home.clock.now())
