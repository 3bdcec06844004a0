"""Tokens of people on record: every node and home knows them, and knows within seconds that one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.support.archives import Home, memory_home, second_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search, Unread
from vanvault.archiver.core.errors import AccessDenied, Busy, KeyUnavailable, NotFound, SiteUnavailable
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount, standing_of
from vanvault.archiver.people.tokens import TokenWish
from vanvault.recovery.accounts import AccountsView, Desk, add_account, current_accounts, suspend_account
from vanvault.recovery.custody import known_keys
from vanvault.recovery.person_tokens import (
    PersonTokensView,
    add_person_token,
    person_tokens,
    remove_person_token,
)

ONLY_SEARCH = TokenWish(permissions=("search",))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


@pytest.fixture
def archive(memory: Home) -> Archive:
    archive = memory.archive()
    add_account(Desk(archive, "anh"), NewAccount("lan", "person", "Nguyễn Thị Lan", roles=("auditor-log",)))
    return archive


def view_of(archive: Archive) -> PersonTokensView:
    """A view that looks at every request."""
    return PersonTokensView(archive, AccountsView(archive, every_s=0), every_s=0)


def is_let_in(archive: Archive, secret: str) -> bool:
    try:
        bearer = view_of(archive).bearer(secret, None)
        PersonTokensView.allow(bearer, "search", archive.clock.now())
    except AccessDenied:
        return False
    return bearer.account.name == "lan"


def test_a_token_is_good_once_it_is_on_record_and_its_secret_is_nowhere(archive: Archive) -> None:
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    assert is_let_in(archive, made.secret)
    (event,) = own_events(archive.search, "account.token-added")
    assert (event.detail["account"], event.detail["token"], event.detail["who"]) == ("lan", made.id, "anh")
    assert made.secret not in event.text
    assert made.secret[4:] not in event.text
    bearer = view_of(archive).bearer(made.secret, None)
    assert PersonTokensView.allow(bearer, "search", archive.clock.now()).roles == ("auditor-log",)
    with pytest.raises(AccessDenied, match="not good for: receipts"):
        PersonTokensView.allow(bearer, "receipts", archive.clock.now())


def test_a_removed_one_is_refused_and_removed_once(archive: Archive) -> None:
    desk = Desk(archive, "anh")
    made = add_person_token(desk, "lan", ONLY_SEARCH)
    assert remove_person_token(desk, "lan", made.id) is True
    assert not is_let_in(archive, made.secret)
    assert remove_person_token(desk, "lan", made.id) is False
    assert len(list(own_events(archive.search, "account.token-removed"))) == 1
    with pytest.raises(NotFound):
        remove_person_token(desk, "lan", "t-0123456789abcdef")


def test_another_node_knows_it_and_so_does_one_that_lost_everything(
    memory: Home, archive: Archive, tmp_path: Path
) -> None:
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    archive.close()
    memory.forget_hot_tail()
    with second_home(memory, tmp_path / "other") as other:
        for home in (memory, other):
            opened = home.archive()
            opened.refresh()
            assert is_let_in(opened, made.secret)
        remove_person_token(Desk(opened, "anh"), "lan", made.id)
        first = memory.archive()
        first.refresh()
        assert not is_let_in(first, made.secret)


def test_a_suspended_person_s_token_is_off(archive: Archive) -> None:
    desk = Desk(archive, "anh")
    made = add_person_token(desk, "lan", TokenWish())
    suspend_account(desk, "lan", "moved", None)
    bearer = view_of(archive).bearer(made.secret, None)
    with pytest.raises(AccessDenied, match="suspended"):
        PersonTokensView.allow(bearer, "search", archive.clock.now())
    with pytest.raises(AccessDenied, match="suspended"):
        add_person_token(desk, "lan", TokenWish())


def test_what_is_not_on_record_is_no_token(memory: Home, archive: Archive) -> None:
    for site in (memory.primary, memory.standby):
        site.fail_next("put", times=1000)
    with pytest.raises(SiteUnavailable):
        add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    assert list(person_tokens(archive)) == []


def test_a_removal_waits_for_no_site_that_is_away(memory: Home, archive: Archive) -> None:
    desk = Desk(archive, "anh")
    made = add_person_token(desk, "lan", ONLY_SEARCH)
    memory.standby.fail_next("list", times=1000)
    memory.standby.fail_next("put", times=1000)
    with pytest.raises(SiteUnavailable):
        add_person_token(desk, "lan", ONLY_SEARCH)
    assert remove_person_token(desk, "lan", made.id) is True
    (one,) = person_tokens(archive)
    assert one.state(archive.clock.now()) == "removed"


def test_it_ends_by_itself_and_is_listed_as_over(memory: Home, archive: Archive) -> None:
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    memory.clock.advance(timedelta(hours=12))
    assert not is_let_in(archive, made.secret)
    (one,) = person_tokens(archive)
    assert one.state(archive.clock.now()) == "over"
    memory.clock.advance(timedelta(days=40))
    assert list(person_tokens(archive)) == []
    assert [one.id for one in person_tokens(archive, everything=True)] == [made.id]


def test_networks_bind_it(archive: Archive) -> None:
    wish = TokenWish(networks=("10.0.0.0/8",))
    secret = add_person_token(Desk(archive, "anh"), "lan", wish).secret
    assert view_of(archive).bearer(secret, ip_address("10.1.1.1"))
    with pytest.raises(AccessDenied, match="address"):
        view_of(archive).bearer(secret, ip_address("192.0.2.1"))


def test_where_a_part_of_the_record_cannot_be_read_no_token_is_good(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removal may lie there."""
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    whole = Search.every

    def every(self: Search, query: object, unread: object = None) -> object:
        if callable(unread):
            unread(Unread("batch/x", "damaged", "", ""))
        return whole(self, query)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "every", every)
    with pytest.raises(Busy, match="batch/x"):
        view_of(archive).bearer(made.secret, None)


def test_without_its_master_nobody_is_called_a_liar(memory: Home, archive: Archive) -> None:
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    (memory.path / "keys" / "credentials-1.key").unlink()
    with pytest.raises(KeyUnavailable, match="credentials/1"):
        view_of(archive).bearer(made.secret, None)


def test_a_credential_below_a_thousand_newer_events_is_not_forgotten(memory: Home, archive: Archive) -> None:
    add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    (memory.path / "keys" / "credentials-1.key").unlink()
    archive.record_events(lambda: [archive.system_event("account.token-added", {}) for _ in range(1001)])
    assert known_keys(archive).missing == ("credentials/1",)


def test_a_lost_master_matters_no_longer_than_tokens_live(memory: Home, archive: Archive) -> None:
    add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    (memory.path / "keys" / "credentials-1.key").unlink()
    assert known_keys(archive).missing == ("credentials/1",)
    memory.clock.advance(timedelta(days=31))
    assert known_keys(archive).missing == ()


def test_a_home_from_before_makes_its_master_for_the_first_token(memory: Home, archive: Archive) -> None:
    (memory.path / "keys" / "credentials-1.key").unlink()
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    assert archive.keys.active("credentials") == "credentials/1"
    assert is_let_in(archive, made.secret)


def test_a_view_looks_again_before_it_refuses(memory: Home, archive: Archive) -> None:
    desk, view = Desk(archive, "anh"), PersonTokensView(archive, AccountsView.of(archive), every_s=3600)
    first = add_person_token(desk, "lan", ONLY_SEARCH)
    assert view.bearer(first.secret, None)
    second = add_person_token(desk, "lan", ONLY_SEARCH)
    with pytest.raises(AccessDenied):
        view.bearer(second.secret, None)  # the last look was only just now
    memory.clock.advance(timedelta(seconds=1))
    assert view.bearer(second.secret, None)


def test_a_record_that_cannot_be_read_is_not_read_at_each_request(
    memory: Home, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = add_person_token(Desk(archive, "anh"), "lan", ONLY_SEARCH)
    view, looks = PersonTokensView(archive, AccountsView.of(archive)), 0

    def every(self: Search, query: object, unread: object = None) -> object:
        nonlocal looks
        looks += 1
        raise SiteUnavailable("the index is away", site="primary")

    with monkeypatch.context() as away:
        away.setattr(Search, "every", every)
        for _ in range(5):
            with pytest.raises(Busy, match="the index is away"):
                view.bearer(made.secret, None)
    assert looks == 1
    memory.clock.advance(timedelta(seconds=1))
    assert view.bearer(made.secret, None)


def test_who_uses_tokens_alone_is_not_idle_and_who_does_not_is(memory: Home, archive: Archive) -> None:
    desk, told = Desk(archive, "anh"), 0
    add_account(desk, NewAccount("minh", "person", "Minh", roles=("auditor-log",)))

    def tell(event: EventDraft) -> None:
        nonlocal told
        told += 1
        archive.record_events(lambda: [event])

    view = PersonTokensView(archive, AccountsView(archive, every_s=0), tell=tell, every_s=0)
    for _ in range(3):
        made = add_person_token(desk, "lan", ONLY_SEARCH)
        for _ in range(5):
            view.bearer(made.secret, None)
        memory.clock.advance(timedelta(days=20))
    assert told == 3, "once a day"
    made = add_person_token(desk, "lan", ONLY_SEARCH)
    assert is_let_in(archive, made.secret)
    seen = [event.detail["token"] for event in own_events(archive.search, "account.seen")]
    assert len(set(seen)) == 3
    accounts = current_accounts(archive)
    now = archive.clock.now()
    assert [standing_of(accounts.get(name), now).state for name in ("lan", "minh")] == ["active", "idle"]


def test_a_token_brings_no_account_back_that_is_idle(memory: Home, archive: Archive) -> None:
    memory.clock.advance(timedelta(days=40))
    made = add_person_token(Desk(archive, "anh"), "lan", TokenWish(("search",), timedelta(days=20)))
    memory.clock.advance(timedelta(days=6))
    told: list[EventDraft] = []
    view = PersonTokensView(archive, AccountsView(archive, every_s=0), tell=told.append, every_s=0)
    bearer = view.bearer(made.secret, None)
    with pytest.raises(AccessDenied, match="was not used for 45 days"):
        PersonTokensView.allow(bearer, "search", archive.clock.now())
    assert told == []
