"""Sessions: how long they are good, that all nodes agree on them, and that guesses wait."""

from __future__ import annotations

import json
from datetime import timedelta
from ipaddress import ip_address
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on import (
    ProviderLink,
    Session,
    SessionBook,
    SessionEnd,
    SessionRules,
    SessionUse,
    Throttle,
    ThrottleRules,
    granted_roles,
    network_of,
    new_session_secret,
    session_detail,
    session_digest,
    session_id,
    session_of,
    session_proof,
    standing_of_session,
)
from vanvault.archiver.people.sign_on.oidc import LogoutOrder

NOW = ManualClock().now()
RULES = SessionRules()
ISSUER = "https://login.example.vn/staff"


def opened(number: int = 0, *, after: timedelta = timedelta(0), **change: Any) -> Session:
    """A session of account ``a-1`` with a secret of its own."""
    digest = session_digest(new_session_secret(SeededEntropy(number)))
    at = NOW + after
    told: dict[str, Any] = {"account": "a-1", "method": "authenticator", "link": None} | change
    return Session(session_id(digest), digest, opened=at, authenticated=at, until=at + RULES.longest, **told)


def linked(session: str = "p1", subject: str = "lan", issuer: str = ISSUER) -> ProviderLink:
    return ProviderLink(ProviderIdentity(issuer, subject), session, "sealed")


def test_a_secret_is_found_by_its_digest_and_stands_nowhere() -> None:
    secret = new_session_secret(SeededEntropy(1))
    digest = session_digest(secret)
    session = Session(session_id(digest), digest, "a-1", "password+code", NOW, NOW, NOW + RULES.longest)
    book = SessionBook().with_events([session], [], NOW)
    assert book.find(secret) == session
    assert secret not in repr(book) and secret not in json.dumps(session_detail(session, "lan"))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "vvs_",
        "vvs_" + "a" * 42,
        "vvs_" + "a" * 44,
        "vv1_" + "a" * 43,
        "vvs_" + "é" * 43,
        "vvs_" + "a" * 43 + "\n",
    ],
)
def test_what_has_not_the_form_of_a_secret_finds_nothing(secret: str) -> None:
    assert session_digest(secret) == ""
    assert SessionBook().with_events([opened()], [], NOW).find(secret) is None


def test_a_session_is_idle_after_fifteen_minutes_and_over_after_eight_hours() -> None:
    session = opened()

    def standing(after: timedelta, seen: timedelta) -> str:
        return standing_of_session(session, SessionUse(NOW + seen, NOW), RULES, NOW + after)

    minute = timedelta(minutes=1)
    assert standing(14 * minute, 0 * minute) == "good"
    assert standing(15 * minute, 0 * minute) == "idle"
    assert standing(479 * minute, 478 * minute) == "good"
    assert standing(480 * minute, 479 * minute) == "over"
    assert standing(-1 * minute, 0 * minute) == "good"  # another node's clock
    assert standing(-2 * minute, 0 * minute) == "early"


def test_the_provider_is_asked_again_after_five_minutes() -> None:
    session = opened(link=linked(), method="provider")
    for minutes, standing in [(4, "good"), (5, "recheck"), (15, "idle")]:
        now = NOW + timedelta(minutes=minutes)
        assert standing_of_session(session, SessionUse(NOW, NOW), RULES, now) == standing
    later = NOW + timedelta(minutes=9)
    assert standing_of_session(session, SessionUse(later, NOW + timedelta(minutes=5)), RULES, later) == "good"


def test_a_longer_end_on_record_does_not_make_a_session_longer() -> None:
    digest = opened().digest
    long = Session(session_id(digest), digest, "a-1", "password", NOW, NOW, NOW + timedelta(days=400))
    later = NOW + RULES.longest
    assert standing_of_session(long, SessionUse(later, later), RULES, later) == "over"


def test_a_proof_is_fresh_for_as_long_as_is_asked() -> None:
    session = opened()
    assert session.is_fresh(NOW + timedelta(minutes=5), timedelta(minutes=5))
    assert not session.is_fresh(NOW + timedelta(minutes=5, microseconds=1), timedelta(minutes=5))


def test_nobody_can_open_a_session_under_the_secret_of_another() -> None:
    """Session fixation by the record: a second event with the same digest changes nothing."""
    first, second = opened(1), opened(1, after=timedelta(seconds=1), account="a-2")
    for events in ([first, second], [second, first]):
        book = SessionBook()
        for event in events:
            book = book.with_events([event], [], NOW)
        assert [one.account for one in book.sessions.values()] == ["a-1"]


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (SessionEnd("signed-off", NOW, session=opened(1).id), {2, 3, 4}),
        (SessionEnd("suspended", NOW, account="a-1"), {2, 4}),
        (SessionEnd("provider", NOW, issuer=ISSUER, provider_session="p1"), {1, 2, 4}),
        (SessionEnd("provider", NOW, issuer=ISSUER, subject="lan"), {1, 2, 4}),
        (SessionEnd("provider", NOW, issuer="https://other.example", provider_session="p1"), {1, 2, 3, 4}),
        (SessionEnd("provider", NOW, provider_session="p1", subject="lan"), {1, 2, 3, 4}),
        (SessionEnd("nobody", NOW), {1, 2, 3, 4}),
        (SessionEnd("provider", NOW, issuer=ISSUER), {1, 2, 3, 4}),
        (SessionEnd("suspended", NOW - timedelta(seconds=1), account="a-1"), {1, 2, 3, 4}),
    ],
)
def test_an_end_ends_what_it_names(end: SessionEnd, left: set[int]) -> None:
    sessions = [
        opened(1),
        opened(2, account="a-2"),
        opened(3, link=linked(), method="provider"),
        opened(4, link=linked("p2", "minh"), method="provider", account="a-4"),
    ]
    book = SessionBook().with_events(sessions, [end], NOW)
    assert set(book.sessions) == {opened(number).digest for number in left}


def test_a_provider_that_names_a_session_signs_off_that_one_alone() -> None:
    order = LogoutOrder(ISSUER, "lan", "p1", "j1", NOW)
    end = SessionEnd.of_order(order, NOW)
    assert end.ends(opened(link=linked())) and not end.ends(opened(link=linked("p2")))
    everything = SessionEnd.of_order(LogoutOrder(ISSUER, "lan", "", "j1", NOW), NOW)
    assert everything.ends(opened(link=linked("p2")))


sessions = st.builds(
    opened,
    st.integers(0, 5),
    after=st.integers(-36_000, 60).map(lambda s: timedelta(seconds=s)),
    account=st.sampled_from(["a-1", "a-2"]),
    link=st.none() | st.builds(linked, st.sampled_from(["p1", "p2"]), st.sampled_from(["lan", "minh"])),
    method=st.just("provider"),
)
ends = st.builds(
    SessionEnd,
    st.just("test"),
    st.integers(-36_000, 60).map(lambda s: NOW + timedelta(seconds=s)),
    session=st.sampled_from(["", opened(1).id]),
    account=st.sampled_from(["", "a-1"]),
    issuer=st.sampled_from(["", ISSUER]),
    provider_session=st.sampled_from(["", "p1"]),
    subject=st.sampled_from(["", "lan"]),
)


@given(st.lists(sessions | ends, max_size=8), st.randoms())
def test_all_nodes_agree_whatever_they_hear_first_and_how_often(events: list[Any], chance: Any) -> None:
    def folded(order: list[Any]) -> SessionBook:
        book = SessionBook()
        for event in order:
            known = ([event], []) if isinstance(event, Session) else ([], [event])
            book = book.with_events(*known, NOW)
        return book

    other = events + chance.sample(events, len(events) // 2)
    chance.shuffle(other)
    assert folded(events) == folded(other)


@given(sessions, ends)
def test_sessions_and_ends_come_back_from_their_events(session: Session, end: SessionEnd) -> None:
    detail = json.loads(json.dumps(session_detail(session, "lan")))
    assert session_of(detail, session_proof(session, "lan")) == session
    assert SessionEnd.of_detail(json.loads(json.dumps(end.detail()))) == end


@pytest.mark.parametrize(
    "change",
    [
        {"method": "magic"},
        {"method": "password+code"},
        {"session": "s-0000"},
        {"id": "a-2"},
        {"account": "minh"},
        {"opened": 7},
        {"until": "soon"},
        {"until": "2030-01-01T00:00:00.000000Z"},
        {"issuer": ISSUER, "subject": "lan", "provider_session": "", "sealed": ""},
    ],
)
def test_a_session_that_was_tampered_with_is_told(change: dict[str, Any]) -> None:
    session = opened()
    detail, proof = session_detail(session, "lan"), session_proof(session, "lan")
    assert session_of(detail, proof) == session
    with pytest.raises(Damaged):
        session_of(detail | change, proof)
    with pytest.raises(Damaged):
        session_of(detail, proof[:-1])
    with pytest.raises(Damaged):
        SessionEnd.of_detail({"reason": "x"})


@given(
    record=st.frozensets(st.sampled_from("abc")),
    groups=st.lists(st.sampled_from(["g1", "g2", "g3"])),
    mapping=st.dictionaries(st.sampled_from(["g1", "g2"]), st.lists(st.sampled_from("abcd"))),
)
def test_groups_never_add_a_role(
    record: frozenset[str], groups: list[str], mapping: dict[str, list[str]]
) -> None:
    found = granted_roles(record, groups, mapping)
    assert found <= record
    if mapping:
        assert all(any(role in mapping.get(group, []) for group in groups) for role in found)
        assert granted_roles(record, [], mapping) == frozenset()
    else:
        assert found == record


HERE, THERE = ip_address("203.0.113.7"), ip_address("198.51.100.9")


def test_guesses_wait_longer_and_longer_but_never_without_end() -> None:
    throttle, now, waits = Throttle(ThrottleRules(forget_s=10**6)), 0.0, []
    for _ in range(30):
        waits.append(throttle.admit("lan", HERE, now))
        now += waits[-1]
        assert not waits[-1] or throttle.admit("lan", HERE, now) == 0.0
    assert waits[:5] == [0.0] * 5
    assert waits[5:9] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == 900.0 and all(one <= other for one, other in pairwise(waits))


def test_strangers_lock_nobody_out_from_elsewhere() -> None:
    throttle = Throttle()
    for second in range(10_000):
        throttle.admit("approver", HERE, second / 10)
    assert throttle.admit("approver", THERE, 1000.0) == 0.0


def test_guesses_at_once_count_before_any_of_them_is_answered() -> None:
    throttle = Throttle()
    assert [throttle.admit("lan", HERE, 0.0) > 0 for _ in range(8)] == [False] * 5 + [True] * 3


def test_a_good_sign_on_forgets_what_failed_before() -> None:
    throttle = Throttle()
    for _ in range(5):
        throttle.admit("lan", HERE, 0.0)
    throttle.passed("lan", HERE)
    assert throttle.admit("lan", HERE, 0.0) == 0.0


def test_a_network_that_tries_many_accounts_waits_as_a_whole() -> None:
    throttle = Throttle()
    admitted = [throttle.admit(f"account-{n}", HERE, 0.0) == 0.0 for n in range(80)]
    assert admitted.count(True) == 50
    assert throttle.admit("somebody", ip_address("203.0.113.200"), 0.0) > 0
    assert throttle.admit("somebody", THERE, 0.0) == 0.0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
    ],
)
def test_a_network_is_what_a_guesser_changes_its_address_within(address: str, network: str) -> None:
    assert network_of(ip_address(address)) == network
    assert network_of(None) == ""


class Guessing(RuleBasedStateMachine):
    """However attempts are spread over time and accounts, few of them get through from one network."""

    def __init__(self) -> None:
        super().__init__()
        self.throttle, self.now, self.admitted = Throttle(), 0.0, 0

    @rule(name=st.sampled_from(["lan", "minh"]), after=st.floats(0, 5))
    def guess(self, name: str, after: float) -> None:
        self.now += after
        self.admitted += self.throttle.admit(name, HERE, self.now) == 0.0

    @rule()
    def guess_at_once(self) -> None:
        for _ in range(20):
            self.admitted += self.throttle.admit("lan", HERE, self.now) == 0.0

    @invariant()
    def few_get_through(self) -> None:
        # Five each are free; then n more take 1 + 2 + 4 + ... seconds.
        free = 2 * 5
        doubled = 2 * (int(self.now + 1).bit_length() + 1)
        assert self.admitted <= free + doubled


TestGuessing = Guessing.TestCase
