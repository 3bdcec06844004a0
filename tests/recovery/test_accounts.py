"""Verbs about accounts on record, by two homes of one archive; and what a node knows of them, and when."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import GATEWAY, Home, memory_home, second_home
from tests.support.clocks import ManualClock
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query, Search, Unread
from vanvault.archiver.core.errors import (
    Busy,
    Conflict,
    Damaged,
    InvalidInput,
    NotFound,
    SiteUnavailable,
)
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import own_events
from vanvault.archiver.people import TokenTerms
from vanvault.archiver.people.accounts import (
    AboutChange,
    Account,
    Allowed,
    DaySpan,
    NewAccount,
    ProviderIdentity,
    Refused,
    judge,
    standing_of,
)
from vanvault.recovery.accounts import (
    AccountsView,
    Desk,
    add_account,
    add_identity,
    change_account,
    confirm_accounts,
    current_accounts,
    grant_role,
    remove_identity,
    resume_account,
    revoke_role,
    suspend_account,
)
from vanvault.recovery.gateways import AddRequest, add_gateway
from vanvault.recovery.work.observer import QuietObserver

EVER = DaySpan()
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class Warned(QuietObserver):
    """Keeps what a verb warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


@pytest.fixture
def archive(memory: Home) -> Archive:
    return memory.archive()


def add(archive: Archive, name: str, *roles: str) -> Account:
    new = NewAccount(name, "person", "Nguyễn Thị Lan", "BHXH Hà Nội", roles=roles)
    return add_account(Desk(archive, "anh"), new).account


def known(home: Home) -> dict[str, Account]:
    """Accounts as a newly started process of a home reads them."""
    archive = home.archive()
    archive.refresh()
    return {one.name: one for one in current_accounts(archive)}


def test_every_verb_leaves_one_event_with_who_did_it(archive: Archive) -> None:
    desk, identity = Desk(archive, "anh"), ProviderIdentity("https://idp.example", "7f3a")
    id = add(archive, "lan", "operator").id
    change_account(desk, "lan", AboutChange(unit="BHXH Huế"))
    grant_role(desk, "lan", "approver", EVER)
    revoke_role(desk, "lan", "approver", None)
    suspend_account(desk, "lan", "moved", None)
    resume_account(desk, "lan", "a mistake")
    confirm_accounts(desk, ["lan"])
    add_identity(desk, "lan", identity)
    after = remove_identity(desk, "lan", identity)
    kinds = (
        "added", "changed", "role-granted", "role-revoked", "suspended", "resumed", "reviewed",
        "identity-added", "identity-removed",
    )  # fmt: skip
    for kind in kinds:
        (event,) = own_events(archive.search, f"account.{kind}")
        assert (event.detail["id"], event.detail["account"], event.detail["who"]) == (id, "lan", "anh")
    assert not after.already
    assert after.account.about.unit == "BHXH Huế"
    assert standing_of(after.account, archive.clock.now()).state == "active"


def test_the_same_verb_again_finds_it_done_and_records_nothing(archive: Archive) -> None:
    desk = Desk(archive, "anh")
    add(archive, "lan")
    for verb in (
        lambda: grant_role(desk, "lan", "approver", EVER),
        lambda: suspend_account(desk, "lan", "moved", None),
        lambda: resume_account(desk, "lan", ""),
        lambda: revoke_role(desk, "lan", "approver", None),
        lambda: change_account(desk, "lan", AboutChange(unit="Huế")),
    ):
        assert [verb().already, verb().already] == [False, True]
    for kind in ("role-granted", "suspended", "resumed", "role-revoked", "changed"):
        assert len(list(own_events(archive.search, f"account.{kind}"))) == 1


def test_accounts_come_back_on_a_node_that_lost_everything_and_on_a_new_one(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    add(archive, "lan", "auditor-log")
    suspend_account(Desk(archive, "anh"), "lan", "moved", None)
    before = known(memory)
    archive.close()
    memory.forget_hot_tail()
    assert known(memory) == before
    with second_home(memory, tmp_path / "other") as other:
        assert known(other)["lan"] == before["lan"]


def test_gateways_are_accounts_also_before_they_are_on_record(memory: Home, archive: Archive) -> None:
    assert archive.gateways.unrecorded()
    gateway = known(memory)[GATEWAY]
    assert (gateway.id, gateway.kind) == (archive.gateways.get(GATEWAY).id, "service")
    assert isinstance(judge(gateway, "push", memory.clock.now()), Allowed)
    add(archive, "lan")
    change_account(Desk(archive, "anh"), GATEWAY, AboutChange(owner="lan"))
    archive.gateways.remove(GATEWAY, archive.entropy, archive.clock)
    gateway = known(memory)[GATEWAY]
    assert (gateway.about.owner, gateway.standing) == ("lan", "removed")


def test_no_name_is_given_twice_whether_gateway_or_account(archive: Archive) -> None:
    add(archive, "lan")
    with pytest.raises(Conflict):
        add(archive, "lan")
    with pytest.raises(Conflict):
        add(archive, GATEWAY)
    with pytest.raises(Conflict) as refused:
        add_gateway(archive, AddRequest("lan", "anh", TokenTerms()))
    assert "account" in refused.value.message
    assert archive.gateways.names() == [GATEWAY]


def test_two_homes_that_give_a_name_at_once_do_not_both_keep_it(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    """The second home looks before the first has written, and writes after it."""
    with second_home(memory, tmp_path / "other") as home:
        other = home.archive()
        record = other.record_events

        def late(events: Callable[[], list[EventDraft]]) -> None:
            other.record_events = record  # type: ignore[method-assign]
            add(archive, "lan", "auditor-log")
            record(events)

        other.record_events = late  # type: ignore[method-assign,assignment]
        with pytest.raises(Conflict) as refused:
            add(other, "lan", "auditor-original")
        assert "another home" in refused.value.message
        for one in (memory, home):
            fresh = one.archive()
            fresh.refresh()
            accounts, now = current_accounts(fresh), memory.clock.now()
            assert isinstance(judge(accounts.get("lan"), "search", now), Allowed)
            assert isinstance(judge(accounts.get("lan"), "originals", now), Refused)
            (gone,) = (one for one in accounts.claimants("lan") if one.standing == "withdrawn")
            assert isinstance(judge(gone, "originals", now), Refused)


def test_a_gateway_and_an_account_that_take_a_name_at_once_do_not_both_keep_it(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    with second_home(memory, tmp_path / "other") as home:
        other = home.archive()
        record = other.record_events

        def late(events: Callable[[], list[EventDraft]]) -> None:
            other.record_events = record  # type: ignore[method-assign]
            add(archive, "lan")
            record(events)

        other.record_events = late  # type: ignore[method-assign,assignment]
        with pytest.raises(Conflict):
            add_gateway(other, AddRequest("lan", "anh", TokenTerms()))
        assert other.gateways.names() == [GATEWAY]


def test_what_is_refused_leaves_nothing_on_record(archive: Archive) -> None:
    add(archive, "lan", "account-manager")
    desk = Desk(archive, "anh")
    refusals: list[tuple[type[Exception], Callable[[], object]]] = [
        (InvalidInput, lambda: grant_role(desk, "lan", "auditor-log", EVER)),
        (InvalidInput, lambda: suspend_account(desk, "lan", " ", None)),
        (InvalidInput, lambda: add(archive, "Lan")),
        (NotFound, lambda: suspend_account(desk, "nobody", "x", None)),
        (NotFound, lambda: confirm_accounts(desk, ["lan", "nobody"])),
        (InvalidInput, lambda: confirm_accounts(desk, [])),
        (InvalidInput, lambda: confirm_accounts(desk, ["lan"], all_due=True)),
    ]
    before = archive.tail.newest_batch()
    for kind, refusal in refusals:
        with pytest.raises(kind):
            refusal()
    assert archive.tail.newest_batch() == before


def test_without_a_site_nothing_changes_and_the_error_says_which(memory: Home, archive: Archive) -> None:
    add(archive, "lan")
    for site in (memory.primary, memory.standby):
        site.fail_next("list", times=1000)
        site.fail_next("put", times=1000)
    with pytest.raises(SiteUnavailable):
        suspend_account(Desk(archive, "anh"), "lan", "moved", None)


def test_a_suspension_waits_for_no_site_that_is_away_and_a_grant_does(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    add(archive, "lan", "auditor-log")
    memory.standby.fail_next("list", times=1000)
    memory.standby.fail_next("put", times=1000)
    warned = Warned()
    desk = Desk(archive, "anh", warned)
    with pytest.raises(SiteUnavailable):
        grant_role(desk, "lan", "approver", EVER)
    done = suspend_account(desk, "lan", "moved", None)
    assert standing_of(done.account, memory.clock.now()).state == "suspended"
    assert any("standby" in one for one in warned.warnings)
    with pytest.raises(SiteUnavailable):
        resume_account(desk, "lan", "")
    with second_home(memory, tmp_path / "other") as other:
        assert standing_of(known(other)["lan"], memory.clock.now()).state == "suspended"
    memory.standby.fail_next("list", times=0)
    memory.standby.fail_next("put", times=0)
    assert len(known(memory)["lan"].suspensions) == 1
    assert standing_of(resume_account(desk, "lan", "").account, memory.clock.now()).state == "active"


def test_all_that_are_due_are_confirmed_in_one_commit(memory: Home, archive: Archive) -> None:
    for name in ("lan", "binh"):
        add(archive, name)
    desk = Desk(archive, "anh")
    assert confirm_accounts(desk, [], all_due=True) == ()
    memory.clock.advance(200 * DAY)
    confirmed = confirm_accounts(desk, [], all_due=True)
    assert {one.name for one in confirmed} == {"lan", "binh", GATEWAY}
    assert confirm_accounts(desk, [], all_due=True) == ()
    assert standing_of(current_accounts(archive).get("lan"), memory.clock.now()).state == "active"


def test_a_sign_on_on_record_keeps_an_account_from_being_idle(memory: Home, archive: Archive) -> None:
    id = add(archive, "lan", "auditor-log").id
    memory.clock.advance(40 * DAY)
    archive.record("session.opened", {"id": id})
    memory.clock.advance(40 * DAY)
    assert standing_of(current_accounts(archive).get("lan"), memory.clock.now()).state == "active"
    memory.clock.advance(5 * DAY)
    assert standing_of(current_accounts(archive).get("lan"), memory.clock.now()).state == "idle"


class Looks:
    """Stands before an archive's search: counts looks, fails, or leaves something unread."""

    def __init__(self, search: Search, clock: ManualClock) -> None:
        self.search = search
        self.clock = clock
        self.cost = timedelta(0)  # of each query
        self.count = 0
        self.from_us: set[int] = set()  # of the last queries about accounts
        self.error: Exception | None = None
        self.unread: tuple[Unread, ...] = ()

    def wrong_clocks(self) -> Any:
        self.count += 1
        self.clock.advance(self.cost)
        if self.error is not None:
            raise self.error
        return self.search.wrong_clocks()

    def every(self, query: Query, unread: Callable[[Unread], None] | None = None) -> Any:
        if unread:
            self.from_us.add(query.from_us)
        for one in self.unread if unread else ():
            unread(one)  # type: ignore[misc]
        if not self.unread:
            yield from self.search.every(query, unread)


@pytest.fixture
def looks(memory: Home, archive: Archive) -> Looks:
    """Of an archive that has looked at its sites."""
    archive.refresh()
    found = Looks(archive.search, memory.clock)
    archive.search = found  # type: ignore[assignment]
    return found


def test_a_view_looks_seldom_and_only_when_something_was_folded(
    memory: Home, archive: Archive, looks: Looks
) -> None:
    view = AccountsView.of(archive)
    assert len(view.current()) == 1
    first = looks.count
    for _ in range(5):
        memory.clock.advance(5 * SECOND)
        view.current()
    assert looks.count == first, "nothing was folded"
    archive.search = looks.search
    add(archive, "lan")
    archive.search = looks  # type: ignore[assignment]
    assert view.current().find("lan") is None
    memory.clock.advance(3 * SECOND)
    assert view.current().get("lan")
    assert looks.count == 2 * first


def test_who_is_not_known_is_looked_for_once_more_but_not_at_each_request(
    memory: Home, archive: Archive
) -> None:
    archive.refresh()
    view = AccountsView.of(archive)
    view.current()
    add(archive, "lan")
    assert view.current().find("lan") is None
    assert view.again().find("lan") is None, "the last look was only just now"
    memory.clock.advance(SECOND)
    assert view.current().find("lan") is None
    assert view.again().get("lan")
    assert view.current().get("lan")


def test_a_suspension_at_another_home_is_obeyed_as_soon_as_it_is_folded(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    add(archive, "lan", "auditor-log")
    view = AccountsView.of(archive)
    assert isinstance(judge(view.current().get("lan"), "search", archive.clock.now()), Allowed)
    with second_home(memory, tmp_path / "other") as other:
        suspend_account(Desk(other.archive(), "binh"), "lan", "moved", None)
    archive.refresh()
    memory.clock.advance(3 * SECOND)
    assert isinstance(judge(view.current().get("lan"), "search", archive.clock.now()), Refused)


def test_where_reading_everything_takes_long_only_what_was_folded_since_is_read(
    memory: Home, archive: Archive, looks: Looks, tmp_path: Path
) -> None:
    """Also when it lay at a site for an hour, as after a partition, while newer events were known here."""
    archive.search = looks.search
    add(archive, "lan", "auditor-log")
    archive.search = looks  # type: ignore[assignment]
    looks.cost = timedelta(seconds=1)
    view = AccountsView.of(archive)
    assert isinstance(judge(view.current().get("lan"), "search", archive.clock.now()), Allowed)
    assert looks.from_us == {0}
    with second_home(memory, tmp_path / "other") as other:
        suspend_account(Desk(other.archive(), "binh"), "lan", "moved", None)
    written = memory.clock.now()
    memory.clock.advance(timedelta(minutes=11))
    archive.search = looks.search
    archive.refresh()
    archive.search = looks  # type: ignore[assignment]
    looks.from_us.clear()
    lan = view.current().get("lan")
    assert isinstance(judge(lan, "search", archive.clock.now()), Refused)
    (from_us,) = looks.from_us
    assert 0 < from_us <= to_us(written)
    looks.from_us.clear()
    memory.clock.advance(3 * SECOND)
    assert view.current().get("lan") == lan
    assert looks.from_us == set(), "nothing was folded"
    memory.clock.advance(timedelta(hours=1))
    view.current()
    assert looks.from_us == {0}, "now and then everything is read again"


def test_nobody_is_known_before_the_node_has_looked_at_its_sites(memory: Home, archive: Archive) -> None:
    add(archive, "lan")
    fresh = memory.archive()
    view = AccountsView.of(fresh)
    with pytest.raises(Busy):
        view.current()
    fresh.refresh()
    memory.clock.advance(SECOND)
    assert view.current().get("lan")


def test_what_was_known_is_obeyed_for_minutes_when_the_record_cannot_be_read(
    memory: Home, archive: Archive, looks: Looks
) -> None:
    view = AccountsView.of(archive)
    view.current()
    archive.search = looks.search
    add(archive, "lan")
    archive.search = looks  # type: ignore[assignment]
    looks.error = Damaged("the index is damaged")
    memory.clock.advance(3 * SECOND)
    assert view.current().find("lan") is None
    memory.clock.advance(301 * SECOND)
    with pytest.raises(Busy):
        view.current()
    looks.error = None
    memory.clock.advance(3 * SECOND)
    assert view.current().get("lan")


def test_a_record_that_can_never_be_read_lets_nobody_in(archive: Archive, looks: Looks) -> None:
    looks.error = SiteUnavailable("away", site="index")
    with pytest.raises(Busy):
        AccountsView.of(archive).current()


def unread(reason: str) -> tuple[Unread, ...]:
    return (Unread("segment/x", reason, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),)


def test_parts_that_are_not_indexed_yet_are_waited_for_at_the_start(
    memory: Home, archive: Archive, looks: Looks
) -> None:
    view = AccountsView.of(archive)
    looks.unread = unread("not indexed yet")
    with pytest.raises(Busy):
        view.current()
    looks.unread = ()
    memory.clock.advance(3 * SECOND)
    assert len(view.current()) == 1
    assert view.current().lacking == ()


def test_a_damaged_part_is_told_and_takes_away_nothing_that_was_known(
    memory: Home, archive: Archive, looks: Looks
) -> None:
    archive.search = looks.search
    add(archive, "lan", "auditor-log")
    suspend_account(Desk(archive, "anh"), "lan", "moved", None)
    archive.search = looks  # type: ignore[assignment]
    view = AccountsView.of(archive)
    assert view.current().lacking == ()
    archive.record("site.reconciled", {})  # something to fold
    looks.unread = unread("damaged")
    memory.clock.advance(3 * SECOND)
    accounts = view.current()
    assert accounts.lacking == ("segment/x: damaged",)
    assert standing_of(accounts.get("lan"), archive.clock.now()).state == "suspended"


def test_a_verb_warns_of_what_it_could_not_read(archive: Archive, looks: Looks) -> None:
    archive.search = looks.search
    add(archive, "lan")
    archive.search = looks  # type: ignore[assignment]
    looks.unread = unread("damaged")
    warned = Warned()
    with pytest.raises(NotFound):
        suspend_account(Desk(archive, "anh", warned), "lan", "moved", None)
    assert any("segment/x" in one for one in warned.warnings)


def test_the_list_of_gateways_that_is_lost_loses_no_account(memory: Home, archive: Archive) -> None:
    add(archive, "lan")
    shutil.copy(memory.path / "gateways.json", memory.path / "kept.json")
    (memory.path / "gateways.json").unlink()
    assert known(memory)["lan"].name == "lan"
