"""Locks follow the clocks over twelve years: nothing that is open or owed ever runs out at a site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.support.archives import Home, Node, memory_home, message
from tests.support.memory_site import MemorySite
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds, to_us, vietnam_day, vietnam_midnight
from vanvault.archiver.intake import event_draft
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.retention import keep_clocks

GATEWAY = "gateway-1"


@dataclass
class Case:
    """One transaction, as this test knows it; nothing here asks the product."""

    id: str
    last_received: datetime
    closed: datetime | None = None

    def needed_until(self, now: datetime) -> datetime:
        """The end of the tenth year of Vietnam after it closed; while it is open, at least until now."""
        if self.closed is None:
            return now
        first = vietnam_day(max(self.closed, self.last_received))
        last = date(first.year + 10, first.month, first.day)
        return vietnam_midnight(last + timedelta(days=1))


@dataclass
class Office:
    """Writes the log of some transactions, compacts, keeps, and lets years pass."""

    home: Home
    archive: Archive
    cases: dict[str, Case] = field(default_factory=dict)
    count: int = 0

    @property
    def now(self) -> datetime:
        return self.home.clock.now()

    def write(self, *drafts: Draft) -> None:
        with Node(self.archive) as node:
            node.wait_ready()
            for outcome, _ in node.submit(drafts):
                assert isinstance(outcome, dict), outcome
        self.archive.refresh()

    def dossier(self, id: str) -> Draft:
        self.count += 1
        case = self.cases.setdefault(id, Case(id, self.now))
        case.last_received = self.now
        given = Metadata(transaction_id=id)
        return message(
            f"m-{self.count}", f"dossier {self.count}".encode(), given=given, received_us=to_us(self.now)
        )

    def line(self, id: str, type: str, **fields: Any) -> Draft:
        self.count += 1
        case = self.cases[id]
        case.last_received = self.now
        if type == "transaction.returned" and case.closed is None:
            case.closed = self.now
        if type == "transaction.supplement":
            case.closed = None
        told = {"event_id": f"e-{self.count}", "occurred_at": rfc3339_seconds(self.now), "type": type}
        return event_draft(GATEWAY, {**told, "transaction_id": id, **fields}, received=self.now)

    def pass_days(self, days: int) -> None:
        self.home.clock.advance(timedelta(days=days))

    def upkeep(self) -> None:
        compact(self.archive)
        assert keep_locks(self.archive).alarms == ()

    def check(self) -> None:
        """Every object with an entry of a case that is open or owed is locked, at both sites."""
        for case in self.cases.values():
            if case.needed_until(self.now) < self.now:
                continue
            for item in self.archive.search.timeline(case.id).items:
                assert {one["site"] for one in item["placements"]} == {"primary", "standby"}
                for one in item["placements"]:
                    lock = self.home.sites[one["site"]].stat(one["key"], one["version"]).retain_until
                    assert lock is not None
                    assert lock > self.now, (case, item["entry"])


@pytest.fixture
def office(tmp_path: Any) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        yield Office(home, archive)


def begin(office: Office) -> None:
    """Four transactions of one day: one closes at once, one in nine years, one opens again, one never."""
    office.write(*(office.dossier(id) for id in ("prompt", "late", "again", "open")))
    office.write(office.line("prompt", "transaction.returned"), office.line("again", "transaction.returned"))
    office.pass_days(2)
    office.upkeep()


def test_twelve_years_of_what_is_open_closes_late_or_opens_again(office: Office) -> None:
    begin(office)
    extended = 0
    for month in range(12 * 12):
        office.pass_days(30)
        if month == 9 * 12:
            office.write(office.line("late", "transaction.returned"))
        if month == 10 * 12:
            office.write(office.line("again", "transaction.supplement"))
        if month % 12 == 0:
            office.pass_days(2)
            office.upkeep()
        done = keep_clocks(office.archive)
        assert (done.failures, done.ending) == ((), ())
        extended += done.extended
        office.check()
    assert extended > 0


def test_batches_that_lay_for_longer_than_their_period_are_compacted_still(office: Office) -> None:
    begin(office)  # what its compaction put on record is in no segment yet
    office.pass_days(365 * 11 + 60)
    office.upkeep()
    for segment in office.archive.catalogue.segments():
        for part in segment.manifest.parts:
            for site in office.home.sites.values():
                lock = site.stat(part.key).retain_until
                assert lock is not None
                assert lock >= parse_rfc3339(part.retain_until)
    assert len(office.archive.catalogue.segments()) == 2


def test_without_the_keeper_the_check_fails(office: Office) -> None:
    begin(office)
    office.pass_days(365 * 11 + 30)
    with pytest.raises(AssertionError):
        office.check()


def test_what_closed_in_time_is_let_run_out(office: Office) -> None:
    office.write(office.dossier("prompt"))
    office.write(office.line("prompt", "transaction.returned"))
    office.pass_days(2)
    office.upkeep()
    for _ in range(12 * 12):
        office.pass_days(30)
        assert keep_clocks(office.archive).extended == 0
    for item in office.archive.search.timeline("prompt").items:
        for one in item["placements"]:
            lock = office.home.sites[one["site"]].stat(one["key"], one["version"]).retain_until
            assert lock is not None
            assert lock < office.now


def test_a_site_that_is_away_is_named_and_prolonged_once_it_is_back(office: Office) -> None:
    begin(office)
    office.pass_days(365 * 10 + 300)
    office.home.standby.fail_next("extend", times=1_000)
    away = keep_clocks(office.archive)
    assert [failure.partition(":")[0] for failure in away.failures] == ["standby"]
    office.home.standby.fail_next("extend", times=0)
    assert keep_clocks(office.archive).extended > 0
    office.pass_days(365)
    office.check()


def test_copies_that_a_restore_made_are_prolonged_again(office: Office) -> None:
    """They are locked until the date that was asked for at first, whatever keepers did since."""
    begin(office)
    office.pass_days(365 * 10 + 300)
    assert keep_clocks(office.archive).extended > 0
    office.pass_days(200)
    office.archive.close()
    office.home.sites["primary"] = MemorySite("primary", clock=office.home.clock, first_version=1001)
    office.archive = office.home.archive()
    assert restore(office.archive, RestoreRequest("standby", who="anh")).report.failures == ()
    office.archive.catch_up()
    assert keep_clocks(office.archive).extended > 0
    assert keep_clocks(office.archive).segments == 0
    office.pass_days(30)
    office.check()


def test_a_round_is_repeated_without_work_and_a_lost_memory_only_costs_time(office: Office) -> None:
    begin(office)
    office.pass_days(365 * 10 + 300)
    assert keep_clocks(office.archive).extended > 0
    assert keep_clocks(office.archive).segments == 0
    (office.home.path / "cache" / "clocks-kept.json").write_bytes(b"[1")
    again = keep_clocks(office.archive)
    assert (again.segments > 0, again.extended, again.failures) == (True, 0, ())


def test_a_segment_that_cannot_be_read_is_kept_like_something_open(office: Office) -> None:
    office.write(office.dossier("prompt"))
    office.write(office.line("prompt", "transaction.returned"))
    office.pass_days(2)
    office.upkeep()
    office.pass_days(365 * 10 + 300)
    office.home.forget_hot_tail()
    for site in office.home.sites.values():
        for part in office.archive.catalogue.segments()[0].manifest.parts:
            site.damage.flip(part.key, bit=8 * 200)
    done = keep_clocks(office.archive)
    assert done.failures
    assert done.extended > 0
