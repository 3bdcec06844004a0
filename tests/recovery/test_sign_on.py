"""Signing on at a node: what lets a person in, for how long, and what is on record about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.archives import Home, memory_home, second_home
from tests.support.identity_provider import CLIENT, SECRET, SUBJECT, FakeProvider, new_key
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Busy, InvalidInput, NotFound
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount, ProviderIdentity
from vanvault.archiver.people.sign_on import LocalAttempt, new_session_secret, session_digest, session_id
from vanvault.archiver.people.sign_on.local import PasswordCost, Passwords, totp_code, totp_step
from vanvault.archiver.people.sign_on.oidc import IdentityProvider, ProviderClient, TokenRules
from vanvault.recovery.accounts import (
    AccountsView,
    Desk,
    add_account,
    add_identity,
    current_accounts,
    resume_account,
    suspend_account,
)
from vanvault.recovery.reconcile import count_open
from vanvault.recovery.sign_on import (
    CallerPlace,
    CredentialRequest,
    SessionOpened,
    SignOnRecord,
    SignOns,
    caller_at_home,
    current_sessions,
    end_sessions,
    set_credentials,
)

PASSWORD = "Mưa rào 1979 ở Huế"
PLACE = CallerPlace(ip_address("203.0.113.7"), 50123)
MINUTE = timedelta(minutes=1)
QUICK = Passwords(PasswordCost(passes=1, memory_kib=8, lanes=1))
KEY = new_key("k1")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


@dataclass
class Node:
    """One node with the account ``lan``, who has a password and codes."""

    home: Home
    archive: Archive
    sign_ons: SignOns
    seed: bytes

    def code(self) -> str:
        return totp_code(self.seed, totp_step(self.archive.clock.now()))

    def local(self, password: str = PASSWORD, code: str | None = None, name: str = "lan") -> SessionOpened:
        return self.sign_ons.local(name, LocalAttempt(password, self.code() if code is None else code), PLACE)

    def told(self, type: str) -> list[dict[str, Any]]:
        return [event.detail for event in own_events(self.archive.search, type, order="oldest")]


def node_of(
    archive: Archive, provider: IdentityProvider | None = None, passwords: Passwords = QUICK
) -> SignOns:
    def record(event: Any) -> None:
        archive.record_events(lambda: [event])

    return SignOns(
        archive, AccountsView.of(archive), SignOnRecord(record, record), provider, lambda: passwords
    )


@pytest.fixture
def node(memory: Home) -> Node:
    archive = memory.archive()
    add_account(Desk(archive, "anh"), NewAccount("lan", "person", "Nguyễn Thị Lan", roles=("auditor-log",)))
    done = set_credentials(archive, CredentialRequest("lan", "anh", PASSWORD, new_codes=True), QUICK)
    return Node(memory, archive, node_of(archive), done.seed)


def test_a_person_signs_on_works_and_signs_off(node: Node) -> None:
    opened = node.local()
    person = node.sign_ons.caller(opened.secret)
    assert (person.account.name, person.session.method) == ("lan", "password+code")
    assert person.authority("search", node.archive.clock.now()) == ("auditor-log",)
    with pytest.raises(AccessDenied):
        person.authority("originals", node.archive.clock.now())
    node.sign_ons.end(person)
    with pytest.raises(AccessDenied):
        node.sign_ons.caller(opened.secret)
    (began,), (ended,) = node.told("session.opened"), node.told("session.ended")
    assert (began["account"], began["address"], began["port"]) == ("lan", "203.0.113.7", 50123)
    assert (ended["session"], ended["reason"]) == (began["session"], "signed-off")
    assert opened.secret not in str(began) and session_digest(opened.secret) not in str(began)


def test_credentials_are_on_record_and_nobody_can_read_them(node: Node) -> None:
    (told,) = node.told("account.credential-set")
    assert told["holds"] == ["password", "codes"]
    assert "argon2" not in str(told) and (told["account"], told["who"]) == ("lan", "anh")


def test_what_is_refused_is_refused_in_one_word_and_recorded_with_its_reason(node: Node) -> None:
    add_account(Desk(node.archive, "anh"), NewAccount("minh", "person", "Minh"))
    suspended = NewAccount("hoa", "person", "Hoa")
    add_account(Desk(node.archive, "anh"), suspended)
    set_credentials(node.archive, CredentialRequest("hoa", "anh", PASSWORD, new_codes=True), QUICK)
    suspend_account(Desk(node.archive, "anh"), "hoa", "moved", None)
    texts = set()
    for name, password, code in [
        ("nobody", PASSWORD, node.code()),
        ("lan", "wrong", node.code()),
        ("lan", PASSWORD, "000000"),
        ("minh", PASSWORD, ""),
        ("hoa", PASSWORD, node.code()),
    ]:
        with pytest.raises(AccessDenied) as refused:
            node.local(password, code, name)
        texts.add((str(refused.value), refused.value.hint))
    assert len(texts) == 1
    told = node.told("session.refused")
    assert [one["outcome"] for one in told] == [
        "unknown", "wrong-password", "wrong-code", "unknown", "not-allowed",
    ]  # fmt: skip
    assert "account" not in told[0], "people type passwords in the place of names"


def test_a_code_is_good_once_at_all_nodes(node: Node, tmp_path: Path) -> None:
    code = node.code()
    node.local(code=code)
    with pytest.raises(AccessDenied):
        node.local(code=code)
    other = node.home.archive()
    other.refresh()
    with pytest.raises(AccessDenied):
        node_of(other).local("lan", LocalAttempt(PASSWORD, code), PLACE)


@pytest.mark.parametrize("late", ["node", "other"])
def test_a_code_that_two_nodes_take_at_one_moment_is_good_at_the_first(
    node: Node, tmp_path: Path, late: str
) -> None:
    with second_home(node.home, tmp_path / "other") as second:
        archive = second.archive()
        archive.refresh()
        nodes = {"node": node.sign_ons, "other": node_of(archive)}
        for sign_ons in nodes.values():
            sign_ons.sessions(sign_ons.account("lan"))  # both know the record as it was before
        code = node.code()
        attempt = LocalAttempt(PASSWORD, code)
        secrets = {}
        for name in sorted(nodes, key=lambda name: name == late):
            secrets[name] = nodes[name].local("lan", attempt, PLACE).secret
            node.home.clock.advance(timedelta(milliseconds=1))
        for one in (node.archive, archive):
            one.refresh()
        node.home.clock.advance(timedelta(seconds=2))
        # so is a node that reads all of it for the first time
        for sign_ons in (*nodes.values(), node_of(archive)):
            for name, secret in secrets.items():
                if name != late:
                    assert sign_ons.caller(secret).account.name == "lan"
                    continue
                with pytest.raises(AccessDenied, match="ended"):
                    sign_ons.caller(secret)
        for one in (node.archive, archive):
            assert count_open(one) == 0, "nothing is left that keeps the primary from leading again"
            assert len(current_sessions(one)) == 1


def test_another_node_knows_the_session_and_its_end(node: Node) -> None:
    opened = node.local()
    archive = node.home.archive()
    archive.refresh()
    other = node_of(archive)
    person = other.caller(opened.secret)
    assert person.account.name == "lan"
    node.sign_ons.end(person)
    archive.refresh()
    node.home.clock.advance(timedelta(seconds=2))
    with pytest.raises(AccessDenied):
        other.caller(opened.secret)


def test_a_session_is_idle_after_fifteen_minutes_and_over_after_eight_hours(node: Node) -> None:
    secret = node.local().secret
    for _ in range(47):
        node.home.clock.advance(10 * MINUTE)
        node.sign_ons.caller(secret)
    node.home.clock.advance(10 * MINUTE)
    with pytest.raises(AccessDenied, match="not good any more"):
        node.sign_ons.caller(secret)
    secret = node.local().secret
    node.home.clock.advance(15 * MINUTE)
    with pytest.raises(AccessDenied, match="not used"):
        node.sign_ons.caller(secret)


def test_a_session_that_was_used_elsewhere_is_not_idle_here(node: Node) -> None:
    secret = node.local().secret
    for _ in range(3):
        node.home.clock.advance(10 * MINUTE)
        node.sign_ons.caller(secret)
    archive = node.home.archive()
    archive.refresh()
    assert node_of(archive).caller(secret).account.name == "lan"
    assert len(node.told("session.used")) == 3


def test_a_suspension_ends_every_session_at_the_next_request(node: Node) -> None:
    secret = node.local().secret
    suspend_account(Desk(node.archive, "anh"), "lan", "moved", None)
    node.home.clock.advance(timedelta(seconds=3))
    with pytest.raises(AccessDenied, match="suspended"):
        node.sign_ons.caller(secret)


def test_no_session_comes_back_when_an_account_is_resumed(node: Node) -> None:
    secret = node.local().secret
    suspend_account(Desk(node.archive, "anh"), "lan", "kỷ luật", None)
    node.home.clock.advance(timedelta(seconds=3))
    with pytest.raises(AccessDenied) as refused:
        node.sign_ons.caller(secret)
    assert "kỷ luật" not in f"{refused.value.message} {refused.value.hint}"
    resume_account(Desk(node.archive, "anh"), "lan", "")
    node.home.clock.advance(MINUTE)
    with pytest.raises(AccessDenied, match="resumed"):
        node.sign_ons.caller(secret)
    assert node.sign_ons.caller(node.local().secret).account.name == "lan"


def test_sessions_end_when_credentials_are_set_again(node: Node) -> None:
    secret = node.local().secret
    done = set_credentials(node.archive, CredentialRequest("lan", "anh", new_codes=True), QUICK)
    node.home.clock.advance(MINUTE)
    with pytest.raises(AccessDenied, match="ended"):
        node.sign_ons.caller(secret)
    node.seed = done.seed
    assert node.sign_ons.caller(node.local().secret).account.name == "lan"


@pytest.mark.parametrize("how", ["suspended", "resumed", "set again", "signed off", "left alone"])
def test_a_command_line_refuses_the_session_that_a_node_refuses(node: Node, how: str) -> None:
    opened, desk = node.local(), Desk(node.archive, "anh")
    assert caller_at_home(node.home.archive(), opened.secret).account.name == "lan"
    if how in ("suspended", "resumed"):
        suspend_account(desk, "lan", "moved", None)
    if how == "resumed":
        resume_account(desk, "lan", "")
    if how == "set again":
        set_credentials(node.archive, CredentialRequest("lan", "anh", new_codes=True), QUICK)
    if how == "signed off":
        node.sign_ons.end(node.sign_ons.caller(opened.secret))
    node.home.clock.advance(15 * MINUTE if how == "left alone" else MINUTE)
    said = []
    for caller in (node.sign_ons.caller, lambda secret: caller_at_home(node.home.archive(), secret)):
        with pytest.raises(AccessDenied) as refused:
            caller(opened.secret)
        said.append(refused.value.message)
    assert said[0] == said[1]


def test_the_use_of_a_session_at_a_command_line_keeps_it_from_being_idle(node: Node) -> None:
    secret = node.local().secret
    for _ in range(3):
        node.home.clock.advance(10 * MINUTE)
        caller_at_home(node.home.archive(), secret)
    node.archive.refresh()
    node.home.clock.advance(MINUTE)
    assert node.sign_ons.caller(secret).account.name == "lan"
    assert len(node.told("session.used")) == 3


def test_open_sessions_are_listed_with_their_last_use_and_ended_at_every_node(node: Node) -> None:
    first = node.local()
    node.home.clock.advance(10 * MINUTE)
    second, other = node.local(), node_of(node.archive)
    node.sign_ons.caller(first.secret)
    node.home.clock.advance(timedelta(seconds=2))
    told = [(one.session.id, one.account, one.address) for one in other.sessions(first.account)]
    assert told == [(one.session.id, "lan", "203.0.113.7") for one in (first, second)]
    by_record = current_sessions(node.archive)
    assert [one.session.id for one in by_record] == [first.session.id, second.session.id]
    assert by_record[0].used - first.session.opened >= 10 * MINUTE
    assert first.session.digest not in str(by_record[0].as_json())
    other.end_sessions(other.caller(second.secret), first.account, first.session.id)
    with pytest.raises(NotFound):
        other.end_sessions(other.caller(second.secret), first.account, first.session.id)
    node.home.clock.advance(timedelta(seconds=2))
    with pytest.raises(AccessDenied):
        node.sign_ons.caller(first.secret)
    (ended,) = node.told("session.ended")
    assert (ended["who"], ended["by"]) == ("lan", second.session.id)


def test_a_session_that_is_idle_or_over_is_not_listed(node: Node) -> None:
    opened = node.local()
    node.home.clock.advance(19 * MINUTE)
    assert current_sessions(node.archive), "another node may know of a later use"
    node.home.clock.advance(MINUTE)
    assert current_sessions(node.archive) == []
    with pytest.raises(NotFound):
        end_sessions(Desk(node.archive, "anh"), [opened.session.id])


def test_a_session_of_an_account_that_is_off_is_not_listed(node: Node) -> None:
    node.local()
    assert len(current_sessions(node.archive)) == 1
    suspend_account(Desk(node.archive, "anh"), "lan", "moved", None)
    node.home.clock.advance(timedelta(seconds=3))
    assert current_sessions(node.archive) == []
    assert node.sign_ons.sessions(node.sign_ons.account("lan")) == []


def test_a_verb_ends_sessions_by_account_or_id_and_aside_where_a_site_is_away(node: Node) -> None:
    first, second = node.local(), None
    node.home.clock.advance(MINUTE)
    second = node.local()
    desk = Desk(node.archive, "anh")
    assert [one.session.id for one in end_sessions(desk, [first.session.id])] == [first.session.id]
    node.home.standby.fail_next("list", times=1000)
    node.home.standby.fail_next("put", times=1000)
    assert [one.session.id for one in end_sessions(desk, ["lan"])] == [second.session.id]
    node.home.clock.advance(timedelta(seconds=2))
    for opened in (first, second):
        with pytest.raises(AccessDenied):
            node.sign_ons.caller(opened.secret)


def test_whoever_guesses_waits_and_others_do_not(node: Node) -> None:
    for _ in range(5):
        with pytest.raises(AccessDenied):
            node.local("wrong")
    with pytest.raises(Busy) as told, capture_logs() as logged:
        node.local()
    assert told.value.retry_after == 1
    (said,) = (one for one in logged if "account" in one)
    assert (said["account"], said["address"]) == ("lan", "203.0.113.7"), "who waits, and where"
    elsewhere = CallerPlace(ip_address("198.51.100.9"), 1)
    assert node.sign_ons.local("lan", LocalAttempt(PASSWORD, node.code()), elsewhere)


def test_a_password_is_hashed_anew_at_a_later_cost_and_once(node: Node) -> None:
    dearer = Passwords(PasswordCost(passes=2, memory_kib=8, lanes=1))
    for sign_ons in (node_of(node.archive, passwords=dearer), node_of(node.archive, passwords=dearer)):
        sign_ons.local("lan", LocalAttempt(PASSWORD, node.code()), PLACE)
        node.home.clock.advance(MINUTE)
    assert len(node.told("account.credential-set")) == 2


@pytest.mark.parametrize("passes", [1, 2])
def test_a_password_that_is_set_during_a_sign_on_with_the_one_before_stays(node: Node, passes: int) -> None:
    archive, new = node.archive, "Nắng lên 1987 ở Vinh"

    def late(event: Any) -> None:
        set_credentials(archive, CredentialRequest("lan", "anh", new), QUICK)
        node.home.clock.advance(timedelta(seconds=3))
        archive.record_events(lambda: [event])

    cost = Passwords(PasswordCost(passes=passes, memory_kib=8, lanes=1))
    record = SignOnRecord(late, lambda event: archive.record_events(lambda: [event]))
    SignOns(archive, AccountsView.of(archive), record, None, lambda: cost).local(
        "lan", LocalAttempt(PASSWORD, node.code()), PLACE
    )
    node.home.clock.advance(MINUTE)
    with pytest.raises(AccessDenied):
        node.local(PASSWORD)
    assert node.local(new).account.name == "lan"


def test_an_event_that_was_written_by_hand_opens_no_session(node: Node) -> None:
    """Whoever can write events, and has no master of credentials."""
    add_account(Desk(node.archive, "anh"), NewAccount("minh", "person", "Minh", roles=("auditor-original",)))
    node.local()
    (good,) = node.told("session.opened")
    minh = current_accounts(node.archive).get("minh").id
    secret = new_session_secret(node.archive.entropy)
    digest = session_digest(secret)
    own = {**good, "session": session_id(digest), "digest": digest}
    for told in (own, {**own, "id": minh, "account": "minh"}, {**own, "proof": ""}, {"digest": digest}):
        node.archive.record_events(lambda told=told: [node.archive.system_event("session.opened", told)])  # type: ignore[misc]
    with pytest.raises(AccessDenied, match="no such session"):
        node_of(node.archive).caller(secret)


def test_a_session_that_was_made_longer_or_anothers_is_not_good_at_another_node(node: Node) -> None:
    secret = node.local().secret
    (good,) = node.told("session.opened")
    node.home.clock.advance(timedelta(minutes=14))
    assert node_of(node.archive).caller(secret).account.name == "lan"
    told = {**good, "until": "2030-01-01T00:00:00.000000Z", "opened": "2020-01-01T00:00:00.000000Z"}
    node.archive.record_events(lambda: [node.archive.system_event("session.opened", told)])
    person = node_of(node.archive).caller(secret)
    assert person.session.opened.year > 2020 and person.session.until.year < 2030


def test_a_secret_that_was_never_given_finds_nobody(node: Node) -> None:
    for secret in ("", "vvs_" + "A" * 43, "vv1_" + "A" * 43):
        with pytest.raises(AccessDenied):
            node.sign_ons.caller(secret)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (CredentialRequest("nobody", "anh", PASSWORD), NotFound),
        (CredentialRequest("lan", "anh"), InvalidInput),
        (CredentialRequest("lan", "anh", "short"), InvalidInput),
        (CredentialRequest("lan", "anh", PASSWORD), InvalidInput),  # the same again
    ],
)
def test_credentials_that_cannot_be_set_leave_nothing_on_record(
    node: Node, request_: CredentialRequest, error: type[Exception]
) -> None:
    with pytest.raises(error):
        set_credentials(node.archive, request_, QUICK)
    assert len(node.told("account.credential-set")) == 1


def with_provider(node: Node, provider: FakeProvider) -> tuple[SignOns, IdentityProvider]:
    client = ProviderClient(provider.issuer, CLIENT, "https://a.example/v1/oidc/callback", SECRET)
    ports = Ports.under(node.home.clock)
    asked = IdentityProvider(client, TokenRules(), provider, ports)
    return node_of(node.archive, asked), asked


@pytest.fixture
def provider(node: Node) -> FakeProvider:
    return FakeProvider(node.home.clock, keys=[KEY])


def come_back(sign_ons: SignOns, provider: FakeProvider) -> SessionOpened:
    address, cookie = sign_ons.at_provider.begin("/v1/search", PLACE)
    opened, return_to = sign_ons.at_provider.finish(cookie, provider.browse(address), PLACE)
    assert return_to == "/v1/search"
    return opened


def known_at(node: Node, provider: FakeProvider) -> SignOns:
    identity = ProviderIdentity(provider.issuer, SUBJECT)
    add_identity(Desk(node.archive, "anh"), "lan", identity)
    return with_provider(node, provider)[0]


def test_a_person_of_the_provider_signs_on_by_issuer_and_subject(node: Node, provider: FakeProvider) -> None:
    stranger = with_provider(node, provider)[0]
    with pytest.raises(AccessDenied, match="signing on was refused"):
        come_back(stranger, provider)
    opened = come_back(known_at(node, provider), provider)
    assert opened.account.name == "lan"
    (told,) = node.told("session.opened")
    assert (told["issuer"], told["subject"]) == (provider.issuer, SUBJECT)
    assert "refresh-" not in str(told), "what asks the provider again is sealed"


def test_the_provider_is_asked_every_five_minutes_and_its_no_ends_the_session(
    node: Node, provider: FakeProvider
) -> None:
    sign_ons = known_at(node, provider)
    secret = come_back(sign_ons, provider).secret
    asked = len(provider.forms)
    node.home.clock.advance(4 * MINUTE)
    sign_ons.caller(secret)
    assert len(provider.forms) == asked
    node.home.clock.advance(2 * MINUTE)
    sign_ons.caller(secret)
    assert len(provider.forms) == asked + 1
    provider.enabled = False
    node.home.clock.advance(4 * MINUTE)
    sign_ons.caller(secret)
    node.home.clock.advance(MINUTE)
    with pytest.raises(Busy, match="another node"):
        sign_ons.caller(secret)
    node.home.clock.advance(timedelta(seconds=3))
    for _ in range(2):
        with pytest.raises(AccessDenied):
            sign_ons.caller(secret)
    assert [one["reason"] for one in node.told("session.ended")] == ["provider"]


def test_a_session_from_before_the_first_credentials_ends_when_they_are_set(
    node: Node, provider: FakeProvider
) -> None:
    add_account(Desk(node.archive, "anh"), NewAccount("tam", "person", "Tâm", roles=("auditor-log",)))
    identity = ProviderIdentity(provider.issuer, SUBJECT)
    add_identity(Desk(node.archive, "anh"), "tam", identity)
    sign_ons = with_provider(node, provider)[0]
    secret = come_back(sign_ons, provider).secret
    assert sign_ons.caller(secret).account.name == "tam"
    set_credentials(node.archive, CredentialRequest("tam", "anh", PASSWORD, new_codes=True), QUICK)
    node.home.clock.advance(MINUTE)
    with pytest.raises(AccessDenied, match="ended"):
        sign_ons.caller(secret)


def test_a_provider_that_is_away_refuses_until_it_is_back_and_ends_nothing(
    node: Node, provider: FakeProvider
) -> None:
    sign_ons = known_at(node, provider)
    secret = come_back(sign_ons, provider).secret
    provider.away = {"/token"}
    node.home.clock.advance(5 * MINUTE)
    with pytest.raises(Busy, match="identity provider"):
        sign_ons.caller(secret)
    provider.away = set()
    assert sign_ons.caller(secret).account.name == "lan"


def test_another_node_asks_the_provider_first(node: Node, provider: FakeProvider) -> None:
    secret = come_back(known_at(node, provider), provider).secret
    archive = node.home.archive()
    archive.refresh()
    asked = len(provider.forms)
    other = node_of(archive, with_provider(node, provider)[1])
    assert other.caller(secret).account.name == "lan"
    assert len(provider.forms) == asked + 1


def test_a_logout_token_ends_the_session_everywhere(node: Node, provider: FakeProvider) -> None:
    sign_ons = known_at(node, provider)
    secret = come_back(sign_ons, provider).secret
    sign_ons.logged_out(provider.logout_token())
    with pytest.raises(AccessDenied):
        sign_ons.caller(secret)
    with pytest.raises(AccessDenied, match="before"):
        sign_ons.logged_out(provider.logout_token())


def test_a_node_that_reads_the_record_still_calls_nobody_unknown_after_a_logout(
    node: Node, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = node.local().secret
    known_at(node, provider)
    fresh = node_of(node.archive, with_provider(node, provider)[1])
    address, cookie = fresh.at_provider.begin("/v1/search", PLACE)
    with monkeypatch.context() as still:
        still.setattr(Archive, "behind", "the hot tail is filled again")
        fresh.logged_out(provider.logout_token())
        with pytest.raises(Busy, match="not known yet"):
            fresh.caller(secret)
        with pytest.raises(Busy, match="not known yet"):
            fresh.at_provider.finish(cookie, provider.browse(address), PLACE)
    assert fresh.caller(secret).account.name == "lan"


@pytest.mark.parametrize("cookie", ["", "x", "0" * 32 + ".AAAA"])
def test_nobody_comes_back_without_the_cookie_of_the_start(
    node: Node, provider: FakeProvider, cookie: str
) -> None:
    sign_ons = known_at(node, provider)
    address, _ = sign_ons.at_provider.begin("/", PLACE)
    with pytest.raises(AccessDenied, match="this browser"):
        sign_ons.at_provider.finish(cookie, provider.browse(address), PLACE)


def test_a_second_home_takes_up_credentials_of_the_first(node: Node, tmp_path: Path) -> None:
    with second_home(node.home, tmp_path / "other") as other:
        archive = other.archive()
        archive.refresh()
        code = totp_code(node.seed, totp_step(archive.clock.now()))
        assert node_of(archive).local("lan", LocalAttempt(PASSWORD, code), PLACE).account.name == "lan"


def test_a_provider_needs_all_of_its_settings() -> None:
    told = {"issuer": "https://login.example.vn", "client_id": "archive"}
    sites = {name: {"url": f"file:{name}"} for name in ("primary", "standby")}
    with pytest.raises(ValueError, match="redirect_uri"):
        Settings(archive="8d0f3c1e-5a7b", sites=sites, sign_on={"provider": told})  # type: ignore[arg-type]


def test_two_nodes_share_what_a_provider_gives_once_only(node: Node, provider: FakeProvider) -> None:
    """A provider that gives a new refresh token each time, and takes no old one."""
    provider.rotates = True
    one = known_at(node, provider)
    secret = come_back(one, provider).secret
    other = with_provider(node, provider)[0]
    for _ in range(4):
        node.home.clock.advance(5 * MINUTE)
        for sign_ons in (other, one):
            node.home.clock.advance(timedelta(seconds=2))
            assert sign_ons.caller(secret).account.name == "lan"
    assert node.told("session.ended") == []
    assert "refresh-" not in str(node.told("session.renewed"))


def test_a_renewal_that_was_written_by_hand_changes_nothing(node: Node, provider: FakeProvider) -> None:
    sign_ons = known_at(node, provider)
    opened = come_back(sign_ons, provider)
    told = {"session": opened.session.id, "id": opened.session.account, "sealed": "ab.cd"}
    node.archive.record_events(lambda: [node.archive.system_event("session.renewed", told)])
    node.home.clock.advance(5 * MINUTE)
    assert sign_ons.caller(opened.secret).account.name == "lan"


def test_a_device_signs_on_once_its_person_has_confirmed_at_any_node(
    node: Node, provider: FakeProvider
) -> None:
    grant, sealed = known_at(node, provider).at_provider.begin_device(PLACE)
    assert grant.device_code not in sealed
    other = with_provider(node, provider)[0]
    assert other.at_provider.finish_device(sealed, PLACE) == "pending"
    provider.confirmed = True
    opened = other.at_provider.finish_device(sealed, PLACE)
    assert isinstance(opened, SessionOpened) and opened.session.method == "provider"
    assert other.caller(opened.secret).account.name == "lan"
    for wrong in ("", "x.y", sealed[:-4] + "AAAA"):
        with pytest.raises(AccessDenied):
            other.at_provider.finish_device(wrong, PLACE)


def test_beginnings_from_one_network_are_slowed_down_and_no_others(
    node: Node, provider: FakeProvider
) -> None:
    sign_ons = known_at(node, provider)
    for _ in range(60):
        sign_ons.at_provider.begin("/", PLACE)
    for step in (
        lambda: sign_ons.at_provider.begin("/", PLACE),
        lambda: sign_ons.at_provider.finish("", [], PLACE),
        lambda: sign_ons.at_provider.begin_device(PLACE),
    ):
        with pytest.raises(Busy) as told:
            step()
        assert told.value.retry_after == 1
    assert node.local().account.name == "lan", "who has a password waits for nobody"
    assert sign_ons.at_provider.begin("/", CallerPlace(ip_address("198.51.100.9"), 1))
