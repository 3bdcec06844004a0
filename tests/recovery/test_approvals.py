"""Four eyes at open archives: the door of an act, two homes at once, a site away, and the table itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.approvers import add_approvers, give_credentials
from tests.support.archives import Home, memory_home, second_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Conflict,
    InvalidInput,
    NotFound,
    SiteUnavailable,
)
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount, ProviderIdentity
from vanvault.archiver.people.approvals import ActRule, ApprovalTable, Requester
from vanvault.archiver.people.sign_on import Session
from vanvault.archiver.people.sign_on.local import PasswordCost, Passwords
from vanvault.recovery.accounts import Desk, add_account, add_identity, current_accounts, suspend_account
from vanvault.recovery.approvals import (
    Approver,
    GoodApproval,
    SignOnTooWeak,
    approve_request,
    known_approvals,
    known_approvers,
    need,
    refuse_request,
    set_table,
    withdraw_request,
)
from vanvault.recovery.conditions import SeenFacts, gather_facts
from vanvault.recovery.sign_on import CredentialRequest, SignedOn, set_credentials

MINUTE = timedelta(minutes=1)
ON = ApprovalTable(on=True)
SUBJECT = {"entries": 12, "employer": "TA0001A"}


@dataclass
class Seen:
    """An archive under other settings."""

    archive: Archive
    settings: Settings

    @property
    def search(self) -> object:
        return self.archive.search


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


@pytest.fixture
def archive(memory: Home) -> Archive:
    """With four people, three of whom may approve."""
    opened = memory.archive()
    add_account(Desk(opened, "root"), NewAccount("lan", "person", "Nguyễn Lan", roles=("operator",)))
    add_approvers(opened, "anh", "binh", "hoa")
    return opened


@pytest.fixture
def guarded(archive: Archive) -> Archive:
    assert set_table(archive, ON, Requester("root"))
    return archive


def requester(archive: Archive, name: str = "lan") -> Requester:
    return Requester(name, current_accounts(archive).get(name).id)


def person(archive: Archive, name: str, *, method: str = "password+code") -> SignedOn:
    """Somebody who signs on just now."""
    account, now = current_accounts(archive).get(name), archive.clock.now()
    session = Session("s-1", "0" * 64, account.id, method, now, now, now + MINUTE)  # type: ignore[arg-type]
    return SignedOn(account, session, frozenset({"approver"}))


def approver(archive: Archive, name: str) -> Approver:
    return Approver.of(person(archive, name), archive.settings, archive.clock.now())


def asked(archive: Archive, act: str = "key-unwrap", subject: dict[str, object] | None = None) -> str:
    """The id of a request that is made by trying."""
    with pytest.raises(ApprovalNeeded) as caught:
        need(archive, act, subject or SUBJECT, requester(archive))
    return caught.value.request


def use_beside(archive: Archive, id: str, use: str, *, kind: str = "used") -> None:
    """What a node puts on record that uses an approval, or gives that up."""
    archive.refresh()
    request = known_approvals(archive).book.get(id)
    detail = {"request": id, "digest": request.digest, "requester": "os:x", "use": use, "who": "x"}
    archive.record_aside([archive.system_event(f"approval.{kind}", detail)])
    archive.refresh()


def count(archive: Archive, kind: str) -> int:
    archive.refresh()
    return len(list(own_events(archive.search, f"approval.{kind}")))


def test_without_a_table_nothing_is_asked_and_nothing_is_recorded(archive: Archive) -> None:
    assert need(archive, "key-unwrap", SUBJECT, requester(archive)) is None
    assert count(archive, "requested") == 0


def test_an_extraction_asks_also_without_a_table(archive: Archive) -> None:
    id = asked(archive, "extraction")
    approve_request(archive, id, approver(archive, "binh"))
    good = need(archive, "extraction", SUBJECT, requester(archive))
    assert good is not None and good.approved_by == ("binh",)


def test_asked_approved_used_once(guarded: Archive) -> None:
    id = asked(guarded)
    assert asked(guarded) == id, "the same again waits for the same request"
    approve_request(guarded, id, approver(guarded, "binh"))
    good = need(guarded, "key-unwrap", dict(reversed(SUBJECT.items())), requester(guarded))
    assert isinstance(good, GoodApproval)
    assert (good.request, good.approved_by) == (id, ("binh",))
    assert asked(guarded) != id, "an approval is good for one use"
    assert (count(guarded, "requested"), count(guarded, "used")) == (2, 1)


def test_before_long_work_it_is_looked_at_and_not_used_up(guarded: Archive) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    for use in (False, False, True):
        good = need(guarded, "key-unwrap", SUBJECT, requester(guarded), use=use)
        assert good is not None and good.request == id
    assert count(guarded, "used") == 1


def test_an_approval_is_of_exactly_what_was_asked_by_whoever_asked(guarded: Archive) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    assert asked(guarded, subject={**SUBJECT, "entries": 13}) != id
    assert asked(guarded, act="export-originals") != id
    with pytest.raises(ApprovalNeeded) as caught:
        need(guarded, "key-unwrap", SUBJECT, requester(guarded, "hoa"))
    assert caught.value.request != id
    with pytest.raises(ApprovalNeeded):
        need(guarded, "key-unwrap", SUBJECT, requester(guarded), beneficiaries=["hoa"])


def test_nobody_approves_their_own(guarded: Archive) -> None:
    with pytest.raises(ApprovalNeeded) as caught:
        need(guarded, "escrow", {}, requester(guarded, "hoa"))
    with pytest.raises(AccessDenied, match="asked for themselves"):
        approve_request(guarded, caught.value.request, approver(guarded, "hoa"))


def test_who_approves_proves_who_they_are_first(guarded: Archive) -> None:
    settings, now = guarded.settings, guarded.clock.now()
    with pytest.raises(AccessDenied, match="no role"):
        Approver.of(person(guarded, "lan"), settings, now)
    with pytest.raises(SignOnTooWeak, match="two factors"):
        Approver.of(person(guarded, "binh", method="password"), settings, now)
    with pytest.raises(SignOnTooWeak, match="two factors"):
        Approver.of(person(guarded, "binh", method="provider"), settings, now)
    with pytest.raises(SignOnTooWeak, match="five minutes"):
        Approver.of(person(guarded, "binh"), settings, now + 6 * MINUTE)
    with pytest.raises(AccessDenied, match="groups"):
        Approver.of(replace(person(guarded, "binh"), roles=frozenset()), settings, now)


def test_a_provider_counts_where_its_tokens_must_name_the_level(guarded: Archive) -> None:
    provider = guarded.settings.sign_on.provider.model_copy(update={"acr": ("2",)})
    sign_on = guarded.settings.sign_on.model_copy(update={"provider": provider})
    settings = guarded.settings.model_copy(update={"sign_on": sign_on})
    now = guarded.clock.now()
    assert Approver.of(person(guarded, "binh", method="provider"), settings, now).account.name == "binh"


def test_refused_and_taken_back_are_good_for_nothing(guarded: Archive) -> None:
    refused = asked(guarded)
    with pytest.raises(InvalidInput):
        refuse_request(guarded, refused, approver(guarded, "binh"), " ")
    refuse_request(guarded, refused, approver(guarded, "binh"), "not needed")
    with pytest.raises(Conflict, match="refused"):
        approve_request(guarded, refused, approver(guarded, "hoa"))
    again = asked(guarded)
    assert again != refused
    with pytest.raises(AccessDenied):
        withdraw_request(guarded, again, requester(guarded, "hoa"))
    withdraw_request(guarded, again, requester(guarded))
    with pytest.raises(Conflict, match="withdrawn"):
        approve_request(guarded, again, approver(guarded, "hoa"))
    with pytest.raises(NotFound):
        approve_request(guarded, "q-0", approver(guarded, "hoa"))


def test_one_person_approves_once(guarded: Archive) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    with pytest.raises(Conflict, match="already"):
        approve_request(guarded, id, approver(guarded, "binh"))


def test_an_approver_who_is_suspended_before_the_use_does_not_count(guarded: Archive, memory: Home) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    memory.clock.advance(MINUTE)
    suspend_account(Desk(guarded, "root"), "binh", "moved", None)
    assert asked(guarded) == id


def test_another_home_sees_the_request_and_the_first_of_two_uses_it(
    guarded: Archive, memory: Home, tmp_path: Path
) -> None:
    with second_home(memory, tmp_path / "second") as second:
        other = second.archive()
        id = asked(guarded)
        other.refresh()
        approve_request(other, id, approver(other, "binh"))
        assert need(guarded, "key-unwrap", SUBJECT, requester(guarded)) is not None
        assert asked(other) != id


def test_of_two_homes_that_use_it_at_once_one_goes_on_at_most(
    guarded: Archive, memory: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    with second_home(memory, tmp_path / "second") as second:
        other = second.archive()
        other.refresh()
        write = guarded.record_aside
        outcome: list[object] = []

        def both_write(events: object) -> None:
            """The other home does all that it does, just before this one writes."""
            monkeypatch.setattr(guarded, "record_aside", write)
            outcome.append(need(other, "key-unwrap", SUBJECT, requester(other)))
            write(events)  # type: ignore[arg-type]

        monkeypatch.setattr(guarded, "record_aside", both_write)
        with pytest.raises(Conflict, match="at the same moment"):
            need(guarded, "key-unwrap", SUBJECT, requester(guarded), pause=lambda: None)
        assert isinstance(outcome[0], GoodApproval)


def test_of_two_homes_that_see_each_other_s_use_the_first_goes_on(
    guarded: Archive, memory: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    with second_home(memory, tmp_path / "second") as second:
        other = second.archive()
        other.refresh()
        write = guarded.record_aside

        def both_write(events: object) -> None:
            """The other home uses it right after this one wrote, and before this one reads again."""
            monkeypatch.setattr(guarded, "record_aside", write)
            write(events)  # type: ignore[arg-type]
            memory.clock.advance(timedelta(milliseconds=1))
            use_beside(other, id, "0" * 16)

        monkeypatch.setattr(guarded, "record_aside", both_write)
        paused: list[bool] = []

        def pause() -> None:
            paused.append(True)
            if len(paused) == 2:
                use_beside(other, id, "0" * 16, kind="given-up")

        good = need(guarded, "key-unwrap", SUBJECT, requester(guarded), pause=pause)
        assert good is not None and len(paused) == 2, "not before the other gave up"
        with pytest.raises(ApprovalNeeded):
            need(other, "key-unwrap", SUBJECT, requester(other))


def test_a_use_beside_one_that_nobody_gives_up_is_given_up_itself(
    guarded: Archive, memory: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    write = guarded.record_aside

    def both_write(events: object) -> None:
        monkeypatch.setattr(guarded, "record_aside", write)
        write(events)  # type: ignore[arg-type]
        memory.clock.advance(timedelta(milliseconds=1))
        use_beside(guarded, id, "0" * 16)

    monkeypatch.setattr(guarded, "record_aside", both_write)
    with pytest.raises(Conflict, match="at the same moment"):
        need(guarded, "key-unwrap", SUBJECT, requester(guarded), pause=lambda: None)
    assert [one.nonce for one in known_approvals(guarded).book.get(id).uses] == ["0" * 16]
    use_beside(guarded, id, "0" * 16, kind="given-up")
    assert need(guarded, "key-unwrap", SUBJECT, requester(guarded)) is not None, "nothing was done by it"


def test_a_use_that_cannot_be_read_again_is_given_up(
    guarded: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was done, so the approval is still good."""
    id = asked(guarded)
    approve_request(guarded, id, approver(guarded, "binh"))
    write = guarded.record_aside

    def write_and_be_cut_off(events: Sequence[EventDraft]) -> None:
        monkeypatch.setattr(guarded, "record_aside", write)
        write(events)
        raise SiteUnavailable("cut off", site="primary", may_be_stored=True)

    monkeypatch.setattr(guarded, "record_aside", write_and_be_cut_off)
    with pytest.raises(SiteUnavailable, match="cut off"):
        need(guarded, "key-unwrap", SUBJECT, requester(guarded))
    assert (count(guarded, "used"), count(guarded, "given-up")) == (1, 1)
    good = need(guarded, "key-unwrap", SUBJECT, requester(guarded))
    assert good is not None and good.request == id


def test_where_a_site_is_away_only_a_promotion_goes_on(guarded: Archive, memory: Home) -> None:
    """What only the other site knows may be a refusal."""
    id, promotion = asked(guarded), asked(guarded, "promote")
    for one in (id, promotion):
        approve_request(guarded, one, approver(guarded, "binh"))
    for operation in ("list", "put"):
        memory.primary.fail_next(operation, times=1000)
    with pytest.raises(SiteUnavailable):
        need(guarded, "key-unwrap", SUBJECT, requester(guarded))
    assert need(guarded, "promote", SUBJECT, requester(guarded)) is not None
    for operation in ("list", "put"):
        memory.primary.fail_next(operation, times=0)
    assert need(guarded, "key-unwrap", SUBJECT, requester(guarded)) is not None


def test_the_table_takes_three_people_who_may_approve(archive: Archive, memory: Home) -> None:
    suspend_account(Desk(archive, "root"), "hoa", "moved", None)
    with pytest.raises(InvalidInput, match="takes 3 people"):
        set_table(archive, ON, Requester("root"))
    assert count(archive, "table-set") == 0


def test_who_cannot_sign_on_with_two_factors_is_none_of_them(memory: Home) -> None:
    """Else nobody could approve anything once the table is on, nor give them credentials."""
    archive, desk = memory.archive(), Desk(memory.archive(), "root")
    for name in ("anh", "binh", "hoa"):
        add_account(desk, NewAccount(name, "person", name, roles=("approver",)))
    with pytest.raises(InvalidInput, match=r"there are 0 .*hoa has no credentials"):
        set_table(archive, ON, Requester("root"))
    give_credentials(archive, "anh", "binh")
    password = CredentialRequest("hoa", "root", "Mưa rào ở Huế 1979, nắng ở Vinh")
    set_credentials(archive, password, Passwords(PasswordCost(passes=1, memory_kib=8, lanes=1)))
    with pytest.raises(InvalidInput, match=r"there are 2 .*hoa has no second factor, but password alone"):
        set_table(archive, ON, Requester("root"))
    give_credentials(archive, "hoa")
    assert set_table(archive, ON, Requester("root"))


def test_an_identity_counts_where_the_provider_proves_two_factors(memory: Home) -> None:
    archive = memory.archive()
    add_approvers(archive, "anh", "binh")
    desk = Desk(archive, "root")
    add_account(desk, NewAccount("hoa", "person", "hoa", roles=("approver",)))
    add_identity(desk, "hoa", ProviderIdentity("https://idp.example", "7"))
    for settings, is_able in (
        ({}, False),
        ({"issuer": "https://idp.example"}, False),
        ({"issuer": "https://other.example", "acr": ("2",)}, False),
        ({"issuer": "https://idp.example", "acr": ("2",)}, True),
    ):
        provider = archive.settings.sign_on.provider.model_copy(update=settings)
        sign_on = archive.settings.sign_on.model_copy(update={"provider": provider})
        seen = Seen(archive, archive.settings.model_copy(update={"sign_on": sign_on}))
        found = known_approvers(seen, known_approvals(archive))  # type: ignore[arg-type]
        assert [one.name for one in found if not one.cannot] == ["anh", "binh", *(["hoa"] if is_able else [])]


def test_more_approvals_take_more_people(archive: Archive) -> None:
    with pytest.raises(InvalidInput, match="takes 4 people"):
        set_table(archive, ApprovalTable(True, {"escrow": ActRule(approvals=3)}), Requester("root"))


def test_a_weaker_table_takes_an_approval_and_a_stricter_one_does_not(guarded: Archive) -> None:
    stricter = ApprovalTable(True, {"escrow": ActRule(approvals=2)})
    assert not set_table(guarded, ON, requester(guarded)), "it is in force already"
    assert set_table(guarded, stricter, requester(guarded))
    for weaker in (ON, ApprovalTable()):
        with pytest.raises(ApprovalNeeded):
            set_table(guarded, weaker, requester(guarded))
    with pytest.raises(ApprovalNeeded) as caught:
        set_table(guarded, ApprovalTable(), requester(guarded))
    approve_request(guarded, caught.value.request, approver(guarded, "anh"))
    assert set_table(guarded, ApprovalTable(), requester(guarded))
    assert need(guarded, "escrow", {}, requester(guarded)) is None
    assert not known_approvals(guarded).table.on
    events = list(own_events(guarded.search, "approval.table-set", order="oldest"))
    assert [event.detail["request"] for event in events] == ["", "", caught.value.request]


def test_shares_of_an_escrow_that_is_not_on_record_open_nothing(guarded: Archive) -> None:
    with pytest.raises(InvalidInput, match="is on record"):
        set_table(guarded, ApprovalTable(), requester(guarded), escrow_set="0123456789abcdef")
    assert known_approvals(guarded).table.on


def test_too_few_who_may_approve_are_a_condition(guarded: Archive) -> None:
    assert not gather_facts(guarded, SeenFacts()).record.approvers_few
    suspend_account(Desk(guarded, "root"), "hoa", "moved", None)
    (why,) = gather_facts(guarded, SeenFacts()).record.approvers_few
    assert why == "2 people can approve (anh, binh), and the table of acts takes 3"
    suspend_account(Desk(guarded, "root"), "binh", "moved", None)
    record = gather_facts(guarded, SeenFacts()).record
    assert not record.approvers_few
    assert list(record.approvers_gone) == ["1 people can approve (anh), and the table of acts takes 3"]


def test_without_a_table_nobody_need_approve(archive: Archive) -> None:
    assert not gather_facts(archive, SeenFacts()).record.approvers_few
