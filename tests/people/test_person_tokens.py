"""Tokens of people: short, for no more than the account has today, and gone for good once removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vanvault.archiver.core.errors import AccessDenied, InvalidInput, KeyUnavailable, NotFound
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.keys import KeyFiles
from vanvault.archiver.people.accounts import Accounts, Allowed, Refused, fold
from vanvault.archiver.people.tokens import (
    DEFAULT_LIFE,
    MOST_LIFE,
    MOST_TOKENS,
    TOKEN_PERMISSIONS,
    NewPersonToken,
    PersonTokens,
    TokenWish,
    fold_tokens,
    is_person_secret,
    judge_token,
    to_add_token,
    to_remove_token,
    token_of_secret,
)

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
MAI, BINH, GATE = "a-0000000000000001", "a-0000000000000002", "g-0000000000000003"
ENTROPY = SystemEntropy()


def added(id: str, name: str, *roles: str) -> RecordedEvent:
    detail: dict[str, object] = {"id": id, "account": name, "kind": "person", "full_name": name, "unit": ""}
    held = [{"role": role, "from": "2026-11-01", "until": None} for role in roles]
    return RecordedEvent(
        f"e-{name}", "account.added", NOW - timedelta(days=3),
        {**detail, "owner": "", "valid_from": "2026-11-01", "valid_until": None, "roles": held, "who": "op"},
    )  # fmt: skip


BASE = [
    added(MAI, "mai", "auditor-original"),
    added(BINH, "binh", "account-manager"),
    RecordedEvent("e-gate", "gateway.added", NOW, {"id": GATE, "gateway": "gate", "who": "op"}),
]
ACCOUNTS = fold(BASE)
NONE = PersonTokens()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles.create(tmp_path_factory.mktemp("tokens") / "keys", ENTROPY)


def made_for(
    keys: KeyFiles, name: str = "mai", wish: TokenWish | None = None, held: PersonTokens = NONE
) -> NewPersonToken:
    return to_add_token(ACCOUNTS.get(name), wish or TokenWish(), held, NOW, keys, ENTROPY)


def event(made: NewPersonToken, *, at: datetime = NOW, **changes: object) -> RecordedEvent:
    return RecordedEvent(f"e-{made.id}", "account.token-added", at, {**made.detail, "who": "op", **changes})


def removal(made: NewPersonToken, account: str = MAI, at: datetime = NOW) -> RecordedEvent:
    return RecordedEvent(f"r-{made.id}", "account.token-removed", at, {"id": account, "token": made.id})


def suspended(accounts: list[RecordedEvent], id: str) -> Accounts:
    detail: Mapping[str, object] = {"id": id, "reason": "moved away", "from": "2026-11-30", "who": "op"}
    return fold([*accounts, RecordedEvent("e-s", "account.suspended", NOW, detail)])


def test_a_secret_leads_to_its_token_and_stands_nowhere(keys: KeyFiles) -> None:
    made = made_for(keys)
    held = fold_tokens([event(made)])
    found = token_of_secret(made.secret, held, keys, NOW)
    assert (found.id, found.account, found.who) == (made.id, MAI, "op")
    assert found.not_after == NOW + DEFAULT_LIFE
    assert is_person_secret(made.secret)
    assert made.secret not in repr(made)
    assert made.secret not in str(made.detail)


def test_without_a_wish_it_is_good_for_what_the_account_has_and_a_token_may_do(keys: KeyFiles) -> None:
    assert set(made_for(keys).permissions) == {"search", "receipts", "originals", "export", "verify-results"}
    only = made_for(keys, wish=TokenWish(permissions=("search",)))
    (token,) = fold_tokens([event(only)])
    mai = ACCOUNTS.get("mai")
    assert isinstance(judge_token(token, mai, "search", NOW), Allowed)
    assert isinstance(judge_token(token, mai, "originals", NOW), Refused)
    assert isinstance(judge_token(token, replace(mai, id=BINH), "search", NOW), Refused)


@pytest.mark.parametrize("permission", ["approve", "manage-accounts", "push", "read-own", "everything"])
def test_no_token_is_good_for_what_asks_for_a_person_or_a_gateway(keys: KeyFiles, permission: str) -> None:
    with pytest.raises(InvalidInput):
        made_for(keys, wish=TokenWish(permissions=(permission,)))
    assert permission not in TOKEN_PERMISSIONS


def test_what_the_account_has_not_is_refused_with_the_reason(keys: KeyFiles) -> None:
    with pytest.raises(AccessDenied, match="see-access"):
        made_for(keys, wish=TokenWish(permissions=("search", "see-access")))
    with pytest.raises(AccessDenied):
        made_for(keys, "binh")


def test_a_gateway_has_tokens_of_another_kind(keys: KeyFiles) -> None:
    with pytest.raises(InvalidInput) as refused:
        made_for(keys, "gate")
    assert "gateway token add" in refused.value.hint


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=59), MOST_LIFE + timedelta(seconds=1)])
def test_a_life_that_is_no_life_or_too_long_is_refused(keys: KeyFiles, life: timedelta) -> None:
    with pytest.raises(InvalidInput):
        made_for(keys, wish=TokenWish(life=life))


def test_it_is_good_until_its_end_and_not_at_it(keys: KeyFiles) -> None:
    made = made_for(keys, wish=TokenWish(life=MOST_LIFE))
    held = fold_tokens([event(made)])
    (token,) = held
    last = made.not_after - timedelta(microseconds=1)
    assert token_of_secret(made.secret, held, keys, last) == token
    for moment, state in ((made.not_after, "over"), (NOW - timedelta(minutes=2), "early")):
        assert token.state(moment) == state
        with pytest.raises(AccessDenied):
            token_of_secret(made.secret, held, keys, moment)
        assert isinstance(judge_token(token, ACCOUNTS.get("mai"), "search", moment), Refused)


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": "2026-12-24T00:00:00Z"},
        {"permissions": ["export", "search"]},
        {"networks": []},
        {"id": BINH},
        {"nonce": "00" * 16},
        {"kind": "password"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_record_that_says_more_than_was_sealed_makes_no_token_good(
    keys: KeyFiles, changes: dict[str, object]
) -> None:
    made = made_for(keys, wish=TokenWish(permissions=("search",), networks=("10.0.0.0/8",)))
    assert token_of_secret(made.secret, fold_tokens([event(made)]), keys, NOW)
    with pytest.raises(AccessDenied):
        token_of_secret(made.secret, fold_tokens([event(made, **changes)]), keys, NOW)


def test_a_longer_life_than_any_may_have_counts_for_nothing(keys: KeyFiles) -> None:
    """Another node, or another version, wrote it; the time of receipt tells."""
    made = made_for(keys, wish=TokenWish(life=MOST_LIFE))
    (token,) = fold_tokens([event(made, at=NOW - timedelta(hours=1))])
    assert token.state(NOW) == "too-long"


def test_all_refusals_of_a_secret_say_the_same(keys: KeyFiles) -> None:
    made, removed = made_for(keys), made_for(keys)
    held = fold_tokens([event(made), event(removed), removal(removed)])
    other = made_for(keys).secret
    near = made.secret[:-1] + ("A" if made.secret[-1] != "A" else "E")
    told = set()
    for secret in (removed.secret, other, near, "", "vv1_x", made.secret + "\n", f"{made.secret}="):
        with pytest.raises(AccessDenied) as refused:
            token_of_secret(secret, held, keys, NOW)
        assert not refused.value.authenticated
        told.add((refused.value.message, refused.value.hint))
    assert len(told) == 1


def test_a_lost_master_is_no_wrong_token(tmp_path: Path) -> None:
    keys = KeyFiles.create(tmp_path / "keys", ENTROPY)
    made = made_for(keys)
    (tmp_path / "keys" / "credentials-1.key").unlink()
    with pytest.raises(KeyUnavailable):
        token_of_secret(made.secret, fold_tokens([event(made)]), keys, NOW)


def test_a_token_of_an_account_that_is_off_is_off(keys: KeyFiles) -> None:
    (token,) = fold_tokens([event(made_for(keys))])
    off = suspended(BASE, MAI).get("mai")
    refused = judge_token(token, off, "search", NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "suspended"


def test_networks_bind_it(keys: KeyFiles) -> None:
    (token,) = fold_tokens([event(made_for(keys, wish=TokenWish(networks=("10.1.0.0/16",))))])
    token.check_address(ip_address("10.1.2.3"))
    for address in (ip_address("10.2.0.1"), None):
        with pytest.raises(AccessDenied):
            token.check_address(address)
    with pytest.raises(InvalidInput):
        made_for(keys, wish=TokenWish(networks=("10.1.0.1/16",)))


def test_an_account_has_only_so_many_at_once(keys: KeyFiles) -> None:
    made = [made_for(keys) for _ in range(MOST_TOKENS)]
    with pytest.raises(InvalidInput, match="the most there may be"):
        made_for(keys, held=fold_tokens(map(event, made)))
    assert made_for(keys, held=fold_tokens([*map(event, made), removal(made[0])]))


def test_only_its_own_account_takes_a_token_away(keys: KeyFiles) -> None:
    made = made_for(keys)
    held = fold_tokens([event(made), removal(made, account=BINH)])
    assert token_of_secret(made.secret, held, keys, NOW)
    with pytest.raises(NotFound):
        to_remove_token(ACCOUNTS.get("binh"), made.id, held)
    with pytest.raises(NotFound):
        to_remove_token(ACCOUNTS.get("mai"), "t-0000", held)
    assert to_remove_token(ACCOUNTS.get("mai"), made.id, held) == {
        "id": MAI,
        "account": "mai",
        "token": made.id,
    }
    assert to_remove_token(ACCOUNTS.get("mai"), made.id, fold_tokens([event(made), removal(made)])) is None


def test_any_order_and_any_repetition_is_one_truth(keys: KeyFiles) -> None:
    one, two = made_for(keys), made_for(keys)
    events = [event(one), event(two), removal(one, at=NOW - timedelta(seconds=5)), removal(two)]
    truth = fold_tokens(events)
    assert [token.state(NOW) for token in truth] == ["removed", "removed"]
    for order in permutations(events):
        assert fold_tokens([*order, order[0]]) == truth


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": "search"},
        {"networks": "10.0.0.0/8"},
        {"networks": ["everywhere"]},
        {"not_after": "soon"},
        {"not_after": None},
        {"token": 7},
        {"sealed": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_named_and_good_for_nothing(
    keys: KeyFiles, changes: dict[str, object]
) -> None:
    made = made_for(keys)
    held = fold_tokens([event(made, **changes)])
    assert held.strange == (f"e-{made.id}",)
    assert list(held) == []


@settings(max_examples=100)
@given(secret=st.text(max_size=60))
def test_no_other_text_is_a_secret(keys: KeyFiles, secret: str) -> None:
    with pytest.raises(AccessDenied):
        token_of_secret(secret, fold_tokens([]), keys, NOW)


class TokensOnRecord(RuleBasedStateMachine):
    """Nobody is let in by a token that the record does not hold good at that moment, whatever came before."""

    keys: KeyFiles

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.accounts = list(BASE)
        self.events: list[RecordedEvent] = []
        self.good: dict[str, datetime] = {}  # secret -> its end
        self.gone: set[str] = set()
        self.by_secret: dict[str, NewPersonToken] = {}
        self.is_off = False

    @precondition(lambda self: not self.is_off and len(self.good) < 5)
    @rule(hours=st.integers(1, 720))
    def add(self, hours: int) -> None:
        mai = fold(self.accounts).get("mai")
        wish = TokenWish(life=timedelta(hours=hours))
        made = to_add_token(mai, wish, fold_tokens(self.events), self.now, self.keys, ENTROPY)
        self.events.append(replace(event(made), at=self.now))
        self.good[made.secret] = made.not_after
        self.by_secret[made.secret] = made

    @precondition(lambda self: self.good)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        secret = data.draw(st.sampled_from(sorted(self.good)))
        self.events.insert(0, replace(removal(self.by_secret[secret]), at=self.now))
        self.gone.add(secret)
        del self.good[secret]

    @rule()
    def suspend(self) -> None:
        day = (self.now + timedelta(hours=7)).date().isoformat()
        detail: Mapping[str, object] = {"id": MAI, "reason": "x", "from": day, "who": "op"}
        id = f"e-{len(self.accounts):05d}"
        self.accounts.append(RecordedEvent(id, "account.suspended", self.now, detail))
        self.is_off = True

    @rule()
    def resume(self) -> None:
        id = f"e-{len(self.accounts):05d}"
        self.accounts.append(RecordedEvent(id, "account.resumed", self.now, {"id": MAI, "reason": ""}))
        self.is_off = False

    @rule(hours=st.integers(1, 100))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        id = f"e-{len(self.accounts):05d}"
        self.accounts.append(RecordedEvent(id, "account.reviewed", self.now, {"id": MAI}))

    @invariant()
    def only_what_the_record_allows(self) -> None:
        held, mai = fold_tokens(self.events), fold(self.accounts).get("mai")
        for secret, end in self.good.items():
            if self.now >= end:
                with pytest.raises(AccessDenied):
                    token_of_secret(secret, held, self.keys, self.now)
                continue
            token = token_of_secret(secret, held, self.keys, self.now)
            assert isinstance(judge_token(token, mai, "search", self.now), Allowed) is not self.is_off
        for secret in self.gone:
            with pytest.raises(AccessDenied):
                token_of_secret(secret, held, self.keys, self.now)


def test_the_record_decides(keys: KeyFiles) -> None:
    machine = type("Machine", (TokensOnRecord,), {"keys": keys})
    machine.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
    case = machine.TestCase()
    case.runTest()
