"""When a serving node looks at conditions, and what it keeps from one look to the next."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.archives import memory_home
from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, KeyUnavailable, VanVaultError
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldScope
from vanvault.recovery.accounts import Desk, add_account, confirm_accounts
from vanvault.recovery.conditions import ConditionWatch, SeenFacts, gather_facts
from vanvault.recovery.holds import confirm_hold, place_hold


class Hand:
    """A stopwatch that a test turns."""

    def __init__(self) -> None:
        self.at = 0.0

    def seconds(self) -> float:
        return self.at


def opened(lab: Lab, hand: Hand) -> Archive:
    archive = Archive.open(lab.home, ports=Ports(lab.clock, hand))
    archive.catch_up()
    return archive


def looks(watch: ConditionWatch) -> bool:
    """Does this round look? Each look makes a new tuple."""
    before = watch.last
    watch.round(threading.Event())
    return watch.last is not before


def test_a_look_comes_each_minute_and_soon_after_something_was_archived(lab: Lab) -> None:
    hand = Hand()
    with opened(lab, hand) as archive:
        watch = ConditionWatch(archive, opened=lambda: True, lock_alarms=lambda: 1)
        assert looks(watch)
        hand.at += 30
        assert not looks(watch)
        archive.record("test.event", {})
        assert looks(watch)
        hand.at += 61
        assert looks(watch)


def test_a_node_that_has_not_opened_its_chain_looks_after_a_minute(lab: Lab) -> None:
    hand = Hand()
    with opened(lab, hand) as archive:
        watch = ConditionWatch(archive, opened=lambda: False, lock_alarms=lambda: 0)
        assert not looks(watch)
        assert watch.last is None
        hand.at += 61
        assert looks(watch)


def test_a_condition_that_goes_on_keeps_the_time_at_which_it_was_first_seen(lab: Lab) -> None:
    alarms, hand = 1, Hand()
    with opened(lab, hand) as archive:
        watch = ConditionWatch(archive, opened=lambda: True, lock_alarms=lambda: alarms)

        def since() -> datetime | None:
            hand.at += 3600
            lab.clock.moment += timedelta(hours=1)
            watch.look()
            assert watch.last is not None
            return next((one.since for one in watch.last if one.id == "lock-ends"), None)

        first = since()
        assert first is not None
        assert since() == first
        alarms = 0
        assert since() is None
        alarms = 1
        again = since()
        assert again is not None
        assert again > first


def test_intake_that_is_refused_for_a_minute_is_a_condition_and_says_since_when(lab: Lab) -> None:
    hand, why = Hand(), list[VanVaultError]()
    with opened(lab, hand) as archive:
        watch = ConditionWatch(
            archive, opened=lambda: True, lock_alarms=lambda: 0, refusal=lambda: why[0] if why else None
        )

        def told() -> dict[str, str]:
            watch.round(threading.Event())
            watch.look()
            return {one.id: one.text for one in watch.last or ()}

        why.append(Busy("the disk is full", retry_after=5))
        assert "intake-refused" not in told(), "it may be over in a moment"
        hand.at += 61
        assert "the disk is full" in told()["intake-refused"]
        why[0] = KeyUnavailable("The master key log/2 is missing.")
        assert "log/2" in told()["keys-missing"]
        assert "intake-refused" not in told(), "it is the same"
        why.clear()
        assert not {"intake-refused", "keys-missing"}.intersection(told())
        hand.at += 61
        why.append(Busy("the disk is full", retry_after=5))
        assert "intake-refused" not in told(), "another refusal begins anew"


def test_accounts_that_nobody_confirmed_for_six_months_are_told(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        desk = Desk(home.archive(), "root")
        add_account(desk, NewAccount("lan", "person", "Nguyễn Thị Lan"))
        assert "lan" not in gather_facts(desk.archive, SeenFacts()).record.reviews_due
        home.clock.advance(timedelta(days=184))
        assert "lan" in gather_facts(desk.archive, SeenFacts()).record.reviews_due
        confirm_accounts(desk, ["lan"])
        assert "lan" not in gather_facts(desk.archive, SeenFacts()).record.reviews_due


def test_a_hold_that_nobody_confirmed_in_three_days_is_told(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        scope = HoldScope(filters={"employer_code": "TZ1"})
        hold = place_hold(archive, Requester("lan"), HoldReason("case 12", "a court asks for it"), scope)
        assert gather_facts(archive, SeenFacts()).record.holds_unconfirmed == {}
        home.clock.advance(timedelta(hours=73))
        assert list(gather_facts(archive, SeenFacts()).record.holds_unconfirmed) == [hold.id]
        confirm_hold(archive, Requester("minh", "a-minh"), hold.id)
        assert gather_facts(archive, SeenFacts()).record.holds_unconfirmed == {}


def test_a_disposal_that_stopped_before_its_end_is_told_until_it_is_certified(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        told: dict[str, object] = {"disposal": "d-1", "digest": "ab" * 32, "who": "lan"}
        counts: dict[str, object] = {"entries": 1, "originals": 0, "bytes": 9, "segments": 1}
        archive.record("disposal.planned", {**told, **counts, "plan": "p", "requester": "os:lan"})
        archive.record("disposal.begun", {**told, "approval": {"request": "q-1"}, "runner": "os:minh"})
        assert gather_facts(archive, SeenFacts()).record.disposals_half_done == {}
        home.clock.advance(timedelta(seconds=1))
        archive.record("disposal.halted", {**told, "why": ["the site standby is away"]})
        assert list(gather_facts(archive, SeenFacts()).record.disposals_half_done) == ["d-1"]
        home.clock.advance(timedelta(seconds=1))
        archive.record("disposal.removed", {**told, "site": "standby", "residue": "r"})
        assert gather_facts(archive, SeenFacts()).record.disposals_half_done == {}
        home.clock.advance(timedelta(hours=13))  # the run that went on was killed, too
        assert list(gather_facts(archive, SeenFacts()).record.disposals_half_done) == ["d-1"]
        certified = {"number": 1, "certificate": "c", "sha256": "cd" * 32, "remaining": 0}
        archive.record("disposal.certified", {**told, **certified})
        assert gather_facts(archive, SeenFacts()).record.disposals_half_done == {}
