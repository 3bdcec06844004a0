"""Holds at an archive: what they are over, who may end them, and the locks that they prolong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.archives import Home, Node, message, second_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, Damaged, NotFound
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.times import to_us
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import Hold, HoldReason, HoldScope
from vanvault.archiver.upkeep import compact
from vanvault.recovery.holds import (
    confirm_hold,
    count_held,
    holds_over,
    known_holds,
    place_hold,
    release_hold,
    roll_locks,
)
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.retention import retention_of
from vanvault.recovery.timeline import case_of

LAN, MINH, HOA = (Requester(name, f"a-{name}") for name in ("lan", "minh", "hoa"))
WHY = HoldReason("case 12/2026", "a court asks for it")


class Court:
    """Holds what lies in an archive."""

    def __init__(self, home: Home, archive: Archive) -> None:
        self.home = home
        self.archive = archive
        self.count = 0

    def push(self, **fields: str) -> str:
        self.count += 1
        given = Metadata(**fields)
        now = to_us(self.home.clock.now())
        with Node(self.archive) as node:
            node.wait_ready()
            receipt = node.push(message(f"m-{self.count}", b"x", given=given, received_us=now))
        self.archive.refresh()
        return str(receipt["id"])

    def place(self, scope: HoldScope) -> Hold:
        self.home.clock.advance(timedelta(seconds=1))
        return place_hold(self.archive, LAN, WHY, scope)

    def over(self, id: str) -> list[str]:
        book = known_holds(self.archive)
        return [hold.id for hold in holds_over(book, [self.archive.search.entry(id)])]


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    with home.archive() as archive:
        yield Court(home, archive)


def test_a_hold_is_over_what_its_fields_find_also_later(court: Court) -> None:
    before, other = court.push(employer_code="TZ1"), court.push(employer_code="TZ2")
    hold = court.place(HoldScope(filters={"employer_code": "tz1"}))
    after = court.push(employer_code="TZ1")
    assert [court.over(id) for id in (before, other, after)] == [[hold.id], [], [hold.id]]
    assert [count_held(court.archive, hold, most) for most in (None, 5, 1)] == [2, 2, 1]


def test_one_that_is_not_for_the_future_leaves_out_what_comes_later(court: Court) -> None:
    before = court.push(employer_code="TZ1")
    court.home.clock.advance(timedelta(seconds=5))
    hold = court.place(HoldScope(filters={"employer_code": "TZ1"}, future=False))
    court.home.clock.advance(timedelta(seconds=5))
    after = court.push(employer_code="TZ1")
    assert [court.over(id) for id in (before, after)] == [[hold.id], []]
    assert count_held(court.archive, hold) == 1


def test_several_holds_over_one_entry_end_one_by_one(court: Court) -> None:
    id = court.push(employer_code="TZ1")
    first = court.place(HoldScope(entries=(id,)))
    second = court.place(HoldScope(filters={"employer_code": "TZ1"}))
    assert court.over(id) == [first.id, second.id]
    for who in (MINH, HOA):
        release_hold(court.archive, who, first.id, "closed")
    assert court.over(id) == [second.id]
    assert retention_of(court.archive, case_of(court.archive, id)).holds == (second.id,)


def test_one_person_alone_neither_confirms_nor_ends_a_hold(court: Court) -> None:
    hold = court.place(HoldScope(entries=(court.push(),)))
    for act in (
        lambda: confirm_hold(court.archive, LAN, hold.id),
        lambda: release_hold(court.archive, LAN, hold.id, "no"),
    ):
        with pytest.raises(Conflict):
            act()
    assert confirm_hold(court.archive, MINH, hold.id).state == "confirmed"
    assert release_hold(court.archive, MINH, hold.id, "closed").holds
    assert not release_hold(court.archive, HOA, hold.id, "closed").holds


def test_accounts_of_the_operating_system_are_one_person(court: Court) -> None:
    root, other = Requester("root"), Requester("backup")
    own = place_hold(court.archive, root, WHY, HoldScope(filters={"employer_code": "TZ1"}))
    for act in (
        lambda: confirm_hold(court.archive, other, own.id),
        lambda: release_hold(court.archive, other, own.id, "no"),
    ):
        with pytest.raises(Conflict, match="who placed a hold"):
            act()
    hold = court.place(HoldScope(filters={"employer_code": "TZ1"}))
    assert release_hold(court.archive, root, hold.id, "closed").holds
    with pytest.raises(Conflict, match="another person must"):
        release_hold(court.archive, other, hold.id, "closed")
    assert not release_hold(court.archive, MINH, hold.id, "closed").holds


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_a_hold_is_placed_while_a_site_is_away_and_known_to_a_new_node(
    court: Court, site: str, tmp_path: Path
) -> None:
    id = court.push()
    court.home.sites[site].fail_next("put", times=1_000)
    hold = court.place(HoldScope(entries=(id,)))
    court.home.sites[site].fail_next("put", times=0)
    assert reconcile(court.archive, ReconcileRequest(who="anh")).exit_code == 0  # as every node does
    with second_home(court.home, tmp_path / "second") as second, second.archive() as fresh:
        fresh.refresh()
        assert [one.id for one in known_holds(fresh).in_force()] == [hold.id]


def test_locks_of_what_is_held_are_prolonged_at_both_sites_before_they_end(court: Court) -> None:
    held, free = court.push(employer_code="TZ1"), court.push(employer_code="TZ2")
    court.place(HoldScope(filters={"employer_code": "TZ1"}))
    places = {id: court.archive.search.entry(id)["placements"] for id in (held, free)}

    def locks(id: str) -> list[object]:
        return [
            court.home.sites[one["site"]].stat(one["key"], one["version"]).retain_until for one in places[id]
        ]

    before = locks(free)
    done = roll_locks(court.archive)
    assert (done.holds, done.copies, done.extended, done.failures) == (1, 2, 2, ())
    now = court.home.clock.now()
    assert all(isinstance(until, type(now)) and until > now + timedelta(days=364) for until in locks(held))
    assert locks(free) == before
    assert roll_locks(court.archive).extended == 0  # they are long enough


def test_a_site_that_is_away_is_named_and_the_other_prolonged(court: Court) -> None:
    court.place(HoldScope(entries=(court.push(),)))
    court.home.standby.fail_next("stat", times=1_000)
    done = roll_locks(court.archive)
    assert done.extended == 1
    assert [failure.startswith("standby:") for failure in done.failures] == [True]


def test_all_that_a_held_entry_needs_is_prolonged_once_it_is_compacted(court: Court) -> None:
    id = court.push(employer_code="TZ1")
    court.home.clock.advance(timedelta(days=2))
    assert compact(court.archive).report.damaged == ()
    court.archive.refresh()
    court.place(HoldScope(entries=(id,)))
    court.home.clock.advance(timedelta(days=365 * 10 + 300))
    (segment,) = [one for one in court.archive.catalogue.segments() if one.manifest.messages]
    done = roll_locks(court.archive)
    assert done.failures == ()
    later = court.home.clock.now() + timedelta(days=364)
    for site in court.home.sites.values():
        for key in (segment.key, *(part.key for part in segment.manifest.parts)):
            until = site.stat(key).retain_until
            assert until is not None and until > later, key


def test_while_a_part_of_the_record_cannot_be_read_nothing_is_released(court: Court) -> None:
    court.home.clock.advance(timedelta(days=1))
    hold = court.place(HoldScope(entries=(court.push(),)))
    court.home.clock.advance(timedelta(days=2))
    compact(court.archive)
    for site in court.home.sites.values():
        for segment in court.archive.catalogue.segments():
            for part in segment.manifest.parts:
                site.damage.flip(part.key, bit=8 * 200)
    court.home.forget_hot_tail()
    with court.home.archive() as fresh:
        fresh.refresh()
        assert known_holds(fresh).lacking
        assert roll_locks(fresh).failures
        with pytest.raises((Damaged, NotFound)):
            release_hold(fresh, MINH, hold.id, "closed")
