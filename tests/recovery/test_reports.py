"""What a report calls level or whole, and what a comparison follows: each reason against it alone."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.archives import Home
from tests.support.clocks import ManualClock
from tests.support.names import batch_key, large_key
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.replicas import Lag
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.failover import current_plan, promote
from vanvault.recovery.failover.failover import Leveled, conclude_failback
from vanvault.recovery.reconcile import ReconcileReport
from vanvault.recovery.reconcile.plan import DueLocks
from vanvault.recovery.repair.plan import Copy, RepairPlan
from vanvault.recovery.repair.repair import FailedRepair, RepairReport
from vanvault.recovery.verify import Finding
from vanvault.recovery.verify.copies import short_locks
from vanvault.recovery.work import Extent

DIGEST = hashlib.sha256(b"x").digest()
NOW = ManualClock().now()
LEVEL = ReconcileReport(
    compared=2,
    ignored=0,
    lags={"primary": Lag(), "standby": Lag(1, 5)},
    shorter_locks=1,
    fetched=Extent(1, 5),
    prolonged=1,
    failures=0,
    named=(),
    seconds=1.0,
    left={"primary": Lag(), "standby": Lag()},
)


def test_sites_are_level_when_nothing_failed_and_nothing_is_left() -> None:
    assert LEVEL.level
    assert not replace(LEVEL, failures=1).level
    assert not replace(LEVEL, prolonged=0).level
    assert not replace(LEVEL, left={"primary": Lag(), "standby": Lag(1, 5)}).level


def test_an_archive_is_whole_after_a_repair_in_which_nothing_failed() -> None:
    action = Copy(large_key("1m80yt0rdsqw5e1d", 4, DIGEST), "primary", "standby", "missing", None)
    report = RepairReport((action,), (), (), 5, 1.0)
    assert report.whole
    assert not replace(report, failed=(FailedRepair(action, "away"),)).whole


def name_in(key: str) -> ObjectName:
    name = parse_key(key)
    assert name is not None
    return name


def test_of_the_locks_that_sites_show_only_what_the_rules_can_have_asked_for_is_followed() -> None:
    """Whoever rules one site would else have the other one lock for a hundred years."""
    rules = LockRules()
    batch = name_in(batch_key("1m80yt0rdsqw5e1d", 4, "messages", DIGEST))
    large = name_in(large_key("1m80yt0rdsqw5e1d", 4, DIGEST))
    soon, ages = NOW + rules.batch_lock, NOW + timedelta(days=36_500)
    due = DueLocks(rules, lambda key: None, NOW)
    assert due.of(batch, [soon, ages]) == soon
    assert due.of(batch, [ages]) is None
    assert due.of(large, [soon]) is None
    signed = DueLocks(rules, lambda key: ages, NOW)
    assert signed.of(batch, []) == rules.longest(NOW)


def test_no_failback_while_anything_is_amiss_unless_that_is_asked_for(home: Home) -> None:
    archive = home.archive()
    promote(archive, current_plan(archive, action="promote"), reason="fire", who="one")
    archive.health.put_ended("primary", None)
    archive.health.level("primary")
    plan = current_plan(archive, action="failback")
    amiss = Leveled(LEVEL, None, ("the sites are not level",))  # type: ignore[arg-type]
    asked: list[bool] = []

    def conclude(*, unlevel: bool) -> None:
        conclude_failback(
            archive,
            plan,
            amiss,
            reason="rebuilt",
            who="one",
            unlevel=unlevel,
            ask=lambda: asked.append(unlevel),
        )

    with pytest.raises(Damaged, match="the sites are not level"):
        conclude(unlevel=False)
    assert archive.lead.leadership.alone
    assert asked == [], "an approval is used up by what goes on, and by nothing that is refused"
    conclude(unlevel=True)
    assert asked == [True]
    assert not archive.lead.leadership.alone


def test_a_repair_that_leaves_damage_does_not_end_well() -> None:
    key = large_key("1m80yt0rdsqw5e1d", 4, DIGEST)
    damaged = Finding("primary", key, "damaged", "no site has it whole")
    assert RepairPlan((), ()).exit_code == ExitCode.OK
    assert RepairPlan((), (damaged,)).exit_code == ExitCode.CHECK_FAILED
    assert RepairPlan((), (), (damaged,)).exit_code == ExitCode.CHECK_FAILED


@pytest.mark.parametrize(
    ("locked", "due", "found"),
    [(None, None, 1), (None, 9, 1), (8, 9, 1), (9, 9, 0), (10, 9, 0), (1, None, 0)],
)
def test_a_version_is_locked_as_long_as_it_must_be(locked: int | None, due: int | None, found: int) -> None:
    def day(number: int | None) -> datetime | None:
        return None if number is None else NOW + timedelta(days=number)

    key = large_key("1m80yt0rdsqw5e1d", 4, DIGEST)
    version = StoredVersion(key, "v1", 1, day(locked), NOW)
    findings = list(short_locks(key, [("primary", version)], day(due)))
    assert [one.problem for one in findings] == ["lock"] * found
