"""Authenticators at a node: enrolled by who showed two factors, good once a challenge, at any node."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.test_sign_on import MINUTE, PASSWORD, PLACE, QUICK, Node, node_of
from tests.support.archives import memory_home
from tests.support.authenticator import PRESENT, SoftAuthenticator
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput, NotFound
from vanvault.archiver.people.accounts import NewAccount
from vanvault.recovery.accounts import Desk, add_account, suspend_account
from vanvault.recovery.sign_on import (
    AuthenticatorBegun,
    CredentialRequest,
    SessionOpened,
    SignedOn,
    SignOns,
    authenticator_id,
    set_credentials,
)

ORIGINS = '["https://archive.example.vn"]'


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setenv("VANVAULT_SIGN_ON__ORIGINS", ORIGINS)
    with memory_home(tmp_path / "home") as memory:
        archive = memory.archive()
        for name in ("lan", "minh"):
            add_account(Desk(archive, "anh"), NewAccount(name, "person", name, roles=("auditor-log",)))
        done = set_credentials(archive, CredentialRequest("lan", "anh", PASSWORD, new_codes=True), QUICK)
        yield Node(memory, archive, node_of(archive), done.seed)


def challenge_of(begun: AuthenticatorBegun) -> bytes:
    text = begun.options["challenge"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def enrol(node: Node, person: SignedOn, device: SoftAuthenticator, label: str = "key") -> None:
    begun = node.sign_ons.with_authenticator.begin_enrolment(person)
    answer = device.create(challenge_of(begun))
    made = node.sign_ons.with_authenticator.finish_enrolment(person, begun.ticket, answer, label)
    assert made.label == label
    node.home.clock.advance(timedelta(seconds=2))


def sign_on(sign_ons: SignOns, device: SoftAuthenticator, name: str = "lan") -> SessionOpened:
    begun = sign_ons.with_authenticator.begin(name, PLACE)
    return sign_ons.with_authenticator.finish(begun.ticket, device.get(challenge_of(begun)), PLACE)


def lan(node: Node) -> SignedOn:
    node.home.clock.advance(MINUTE)
    return node.sign_ons.caller(node.local().secret)


def test_an_authenticator_is_enrolled_and_signs_on_at_any_node(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    begun = node.sign_ons.with_authenticator.begin("lan", PLACE)
    other = node_of(node.archive)
    opened = other.with_authenticator.finish(begun.ticket, device.get(challenge_of(begun)), PLACE)
    assert (opened.account.name, opened.session.method) == ("lan", "authenticator")
    node.home.clock.advance(timedelta(seconds=1))
    assert node.sign_ons.caller(opened.secret).session.has_two_factors
    held = node.told("account.credential-set")[-1]
    assert held["holds"] == ["password", "codes", "authenticators"]
    assert "public_key" not in json.dumps(held)


def test_a_challenge_is_good_once_and_for_three_minutes(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    device.counter = -1  # one that counts nothing says 0 each time
    begun = node.sign_ons.with_authenticator.begin("lan", PLACE)
    answer = device.get(challenge_of(begun))
    assert node.sign_ons.with_authenticator.finish(begun.ticket, answer, PLACE)
    with pytest.raises(AccessDenied, match="refused"):
        node.sign_ons.with_authenticator.finish(begun.ticket, answer, PLACE)
    late = node.sign_ons.with_authenticator.begin("lan", PLACE)
    node.home.clock.advance(timedelta(minutes=3, seconds=1))
    with pytest.raises(AccessDenied, match="not good any more"):
        node.sign_ons.with_authenticator.finish(late.ticket, device.get(challenge_of(late)), PLACE)


def test_a_counter_that_does_not_grow_tells_of_a_copy_also_at_another_node(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    copy = SoftAuthenticator(key=device.key)
    for _ in range(3):
        sign_on(node.sign_ons, device)
    node.home.clock.advance(timedelta(hours=30))
    for sign_ons in (node.sign_ons, node_of(node.archive)):
        with pytest.raises(AccessDenied, match="refused"):
            sign_on(sign_ons, copy)
    assert sign_on(node_of(node.archive), device)
    assert {one["outcome"] for one in node.told("session.refused")} == {"wrong-authenticator"}


def test_a_counter_never_puts_back_a_password_that_was_set_meanwhile(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    stale = node_of(node.archive)
    stale.with_authenticator.begin("lan", PLACE)  # it knows the credentials of now
    set_credentials(node.archive, CredentialRequest("lan", "anh", "Nắng lên 1987 ở Vinh"), QUICK)
    sign_on(stale, device)
    node.home.clock.advance(MINUTE)
    with pytest.raises(AccessDenied):
        node.local(PASSWORD)
    assert node.local("Nắng lên 1987 ở Vinh")


@pytest.mark.parametrize(
    "change",
    [{"origin": "https://evil.example"}, {"party": "evil.example"}, {"flags": PRESENT}, {"id": b"another"}],
    ids=lambda change: next(iter(change)),
)
def test_an_answer_of_another_place_or_person_is_refused(node: Node, change: dict[str, Any]) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    wrong = SoftAuthenticator(key=device.key, counter=9, **change)
    with pytest.raises(AccessDenied, match="signing on was refused"):
        sign_on(node.sign_ons, wrong)


def test_a_name_without_an_authenticator_looks_like_one_that_has_one(node: Node) -> None:
    device = SoftAuthenticator(id=b"c" * 32)
    enrol(node, lan(node), device)
    for name in ("nobody", "minh"):
        asked = [node_of(node.archive).with_authenticator.begin(name, PLACE).options for _ in range(2)]
        ids = [one["allowCredentials"] for one in asked]
        assert ids[0] == ids[1] and len(ids[0]) == 1
        assert asked[0].keys() == node.sign_ons.with_authenticator.begin("lan", PLACE).options.keys()
        with pytest.raises(AccessDenied, match="signing on was refused"):
            sign_on(node.sign_ons, device, name)


def test_who_is_suspended_is_not_let_in(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    suspend_account(Desk(node.archive, "anh"), "lan", "moved", None)
    node.home.clock.advance(timedelta(seconds=3))
    with pytest.raises(AccessDenied, match="signing on was refused"):
        sign_on(node.sign_ons, device)


def test_enrolling_and_removing_ask_for_two_factors_of_the_last_five_minutes(node: Node) -> None:
    person, device = lan(node), SoftAuthenticator()
    enrol(node, person, device)
    node.home.clock.advance(5 * MINUTE)
    for step in (
        lambda: node.sign_ons.with_authenticator.begin_enrolment(person),
        lambda: node.sign_ons.with_authenticator.finish_enrolment(person, "", "{}", ""),
        lambda: node.sign_ons.with_authenticator.remove(person, "x"),
    ):
        with pytest.raises(AccessDenied, match="five minutes"):
            step()


def test_a_credential_is_registered_once_and_by_who_began(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    set_credentials(node.archive, CredentialRequest("minh", "anh", PASSWORD, new_codes=False), QUICK)
    person = lan(node)
    with pytest.raises(Conflict):
        enrol(node, person, device)
    begun = node.sign_ons.with_authenticator.begin("lan", PLACE)
    with pytest.raises(AccessDenied, match="not good any more"):
        node.sign_ons.with_authenticator.finish_enrolment(
            person, begun.ticket, SoftAuthenticator(id=b"2").create(challenge_of(begun)), ""
        )
    own = node.sign_ons.with_authenticator.begin_enrolment(person)
    with pytest.raises(InvalidInput):
        node.sign_ons.with_authenticator.finish_enrolment(person, own.ticket, "{}", "")


def test_two_that_are_enrolled_at_one_moment_are_both_there(node: Node) -> None:
    person = lan(node)
    for id in (b"1" * 16, b"2" * 16):
        begun = node.sign_ons.with_authenticator.begin_enrolment(person)
        answer = SoftAuthenticator(id=id).create(challenge_of(begun))
        node.sign_ons.with_authenticator.finish_enrolment(person, begun.ticket, answer, "")
    assert len(node.sign_ons.with_authenticator.of(person.account)) == 2
    set_credentials(node.archive, CredentialRequest("lan", "anh", no_codes=True), QUICK)
    node.home.clock.advance(timedelta(seconds=2))
    assert len(node.sign_ons.with_authenticator.of(person.account)) == 2
    with pytest.raises(AccessDenied):
        node.local()


def test_the_only_second_factor_stays(node: Node) -> None:
    first, second = SoftAuthenticator(id=b"1" * 16), SoftAuthenticator(id=b"2" * 16)
    for device in (first, second):
        enrol(node, lan(node), device)
    set_credentials(node.archive, CredentialRequest("lan", "anh", no_codes=True), QUICK)
    node.home.clock.advance(timedelta(seconds=2))
    person = node.sign_ons.caller(sign_on(node.sign_ons, second).secret)
    room = node.sign_ons.with_authenticator
    by_the_first = sign_on(node.sign_ons, first).secret
    ids = [authenticator_id(one) for one in room.of(person.account)]
    room.remove(person, ids[0])
    with pytest.raises(AccessDenied, match="was ended"):
        node.sign_ons.caller(by_the_first)
    node.home.clock.advance(timedelta(seconds=2))
    with pytest.raises(AccessDenied):
        sign_on(node.sign_ons, first)
    with pytest.raises(Conflict, match="only second factor"):
        room.remove(person, ids[1])
    with pytest.raises(NotFound):
        room.remove(person, ids[0])


def test_who_lost_an_authenticator_is_helped_by_a_verb(node: Node) -> None:
    device = SoftAuthenticator()
    enrol(node, lan(node), device)
    opened = sign_on(node.sign_ons, device)
    set_credentials(node.archive, CredentialRequest("lan", "anh", no_authenticators=True), QUICK)
    node.home.clock.advance(timedelta(seconds=2))
    with pytest.raises(AccessDenied):
        node.sign_ons.caller(opened.secret)
    with pytest.raises(AccessDenied):
        sign_on(node.sign_ons, device)
    assert lan(node).account.name == "lan"


def test_without_origins_there_are_none(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as memory, pytest.raises(NotFound):
        node_of(memory.archive()).with_authenticator.begin("lan", PLACE)
