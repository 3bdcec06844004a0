"""What ``GET /v1/keys`` tells of the signing keys: which one signs, when each did, and which are revoked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.keys import (
    ObjectList,
    SigningKeys,
    TrustAct,
    parse_public_keys,
    public_pem,
    published_keys,
)

ENTROPY = SeededEntropy(3)


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys.create(tmp_path / "keys", ENTROPY)


def test_the_first_key_is_active_and_has_no_dates(keys: SigningKeys) -> None:
    (only,) = published_keys(keys.trust())
    assert (only.key_id, only.version, only.active) == (keys.active().key_id, 1, True)
    assert (only.from_, only.until, only.introduced_by, only.revoked) == ("", "", "", None)
    assert list(parse_public_keys([only.pem.encode()])) == [only.key_id]


def test_a_rotation_ends_one_key_and_begins_the_next(keys: SigningKeys) -> None:
    clock, first = ManualClock(), keys.active().key_id
    second = keys.rotate(ENTROPY, clock)
    began = rfc3339_seconds(clock.now())
    clock.advance(timedelta(days=30))
    third = keys.rotate(ENTROPY, clock)
    ended = rfc3339_seconds(clock.now())
    found = published_keys(keys.trust())
    assert [(one.key_id, one.active, one.from_, one.until) for one in found] == [
        (first, False, "", began),
        (second, False, began, ended),
        (third, True, ended, ""),
    ]
    assert [one.introduced_by for one in found] == ["", first, second]


def test_a_revoked_key_says_since_when_and_what_stands(keys: SigningKeys) -> None:
    clock, first = ManualClock(), keys.active().key_id
    keys.rotate(ENTROPY, clock)
    clock.advance(timedelta(days=1))
    trust = keys.trust()
    act = TrustAct(
        act="revoke",
        number=1,
        previous=trust.last,
        key_id=first,
        trusted=tuple(sorted(trust.keys)),
        stolen_since="2026-11-20T00:00:00Z",
        made_at=rfc3339_seconds(clock.now()),
        reason="copied from a laptop",
        who="operator",
    )
    keys.record_trust(act, ObjectList.of(["a", "b"]))
    old, new = published_keys(keys.trust())
    assert old.revoked is not None
    assert (old.revoked.act, old.revoked.at, old.revoked.stands) == (1, act.made_at, 2)
    assert old.revoked.stolen_since == "2026-11-20T00:00:00Z"
    assert old.until == new.from_ < act.made_at  # it had ended before
    assert (new.active, new.revoked) == (True, None)


def test_a_key_that_nobody_introduced_is_left_out(keys: SigningKeys, tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.generate().public_key()
    (tmp_path / "keys" / "signing-2.pub.pem").write_bytes(public_pem(stranger))
    (only,) = published_keys(keys.trust())
    assert (only.key_id, only.active, only.until) == (keys.active().key_id, True, "")
