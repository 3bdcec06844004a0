"""Names of objects: signed by their writer, judged by the keys in the key folder, before a byte is read."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clocks import ManualClock

from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.ports import ClockStopwatch, SystemEntropy
from vanvault.archiver.keys import ObjectList, ObjectSigner, ObjectTrust, SigningKeys, TrustAct, TrustedKeys
from vanvault.archiver.keys import object_trust as module

ARCHIVE, WRITER = "7f0e4f0c-0000-4000-8000-000000000001", "1js2qvs7g0abcdef"
DIGEST = hashlib.sha256(b"the bytes").digest()


@dataclass
class Lab:
    """A key folder, and what judges and signs with it."""

    folder: Path
    signing: SigningKeys
    clock: ManualClock
    trust: ObjectTrust
    signer: ObjectSigner

    def fresh(self) -> ObjectTrust:
        """Another process on the same keys: it remembers nothing."""
        return ObjectTrust(ARCHIVE, SigningKeys(self.folder), ClockStopwatch(self.clock))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    clock = ManualClock()
    signing = SigningKeys.create(tmp_path / "keys", SystemEntropy())
    trust = ObjectTrust(ARCHIVE, signing, ClockStopwatch(clock))
    return Lab(tmp_path / "keys", signing, clock, trust, ObjectSigner(signing, trust))


def signed(lab: Lab, sequence: int = 7) -> str:
    return lab.signer.sign_name(lab.signer.subject("batch", WRITER, sequence, "messages"), DIGEST)


def name_in(key: str) -> ObjectName:
    name = parse_key(key)
    assert name is not None
    return name


def test_what_the_archive_signed_is_proved_in_every_process(lab: Lab) -> None:
    key = signed(lab)
    for trust in (lab.trust, lab.fresh()):
        assert (trust.judge(key).name, trust.judge(key).reason) == (name_in(key), None)


def test_what_stands_within_an_object_is_signed_by_the_key_that_it_names(lab: Lab) -> None:
    signer = lab.signing.active()
    signature = signer.sign(b"a statement")
    assert lab.trust.is_signed(signer.key_id, signature, b"a statement")
    assert not lab.trust.is_signed(signer.key_id, signature, b"another statement")
    assert not lab.trust.is_signed(signer.key_id, bytes(64), b"a statement")
    assert not lab.trust.is_signed("ab" * 8, signature, b"a statement")


@pytest.mark.parametrize(
    "change",
    [
        lambda name: replace(name, writer="1js2qvs7g0abcdeg"),
        lambda name: replace(name, sequence=8),
        lambda name: replace(name, kind="events"),
        lambda name: replace(name, family="large", kind="framed"),
        lambda name: replace(name, sha256=hashlib.sha256(b"other bytes").digest()),
        lambda name: replace(name, signature=bytes(64)),
        lambda name: replace(name, signature=name.signature[:63] + bytes([name.signature[63] ^ 1])),
    ],
)
def test_an_alias_or_a_forged_name_is_proved_by_nobody(
    lab: Lab, change: Callable[[ObjectName], ObjectName]
) -> None:
    alias = change(name_in(signed(lab)))
    for trust in (lab.trust, lab.fresh()):
        assert (trust.judge(alias.key).name, trust.judge(alias.key).reason) == (alias, "bad-signature")


def test_another_archives_object_is_no_object_of_this_one(lab: Lab) -> None:
    elsewhere = ObjectTrust("another-archive", lab.signing, ClockStopwatch(lab.clock))
    assert elsewhere.judge(signed(lab)).reason == "bad-signature"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "junk"),
        ("batch", "junk"),
        ("batch/somebody/else", "junk"),
        (f"batch/{WRITER}/0000000000-{DIGEST.hex()}.events.parquet", "junk"),
        (f"junk/{DIGEST.hex()}.x", "unknown-family"),
        (f"index/{WRITER}/0000000000-{DIGEST.hex()}.idx", "unknown-family"),
        ("note.txt", "junk"),
        ("Batch/x", "junk"),
        ("//", "junk"),
        ("batch/\udcff", "junk"),
        ("x" * 100_000 + "/y", "junk"),
    ],
)
def test_what_spells_no_name_says_why(lab: Lab, key: str, reason: str) -> None:
    judged = lab.trust.judge(key)
    assert (judged.name, judged.reason) == (None, reason)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode(errors="surrogateescape")))
def test_no_text_harms_the_judge(key: str) -> None:
    trust = ObjectTrust(ARCHIVE, cast(SigningKeys, Counted({})))
    assert trust.judge(key).reason in ("junk", "unknown-family", "bad-signature")


def test_names_of_every_signing_key_stay_good_and_a_new_one_counts_at_once(lab: Lab) -> None:
    other = lab.fresh()
    first = signed(lab)
    assert other.judge(first).reason is None
    lab.signing.rotate(SystemEntropy())
    second = signed(lab, 8)
    assert [other.judge(key).reason for key in (first, second)] == [None, None]


def test_a_key_that_is_no_longer_trusted_proves_nothing_within_a_second(lab: Lab) -> None:
    first = signed(lab)
    lab.signing.rotate(SystemEntropy())
    second = signed(lab, 8)
    other = lab.fresh()
    assert [other.judge(key).reason for key in (first, second)] == [None, None]
    (lab.folder / "signing-2.intro.json").unlink()
    lab.clock.advance(timedelta(seconds=2))
    assert [other.judge(key).reason for key in (first, second)] == [None, "bad-signature"]


def test_a_refused_name_counts_once_its_key_is_trusted(lab: Lab, tmp_path: Path) -> None:
    """As on a node to which a new public key has not come yet."""
    shutil.copytree(lab.folder, tmp_path / "other")
    other = ObjectTrust(ARCHIVE, SigningKeys(tmp_path / "other"), ClockStopwatch(lab.clock))
    lab.signing.rotate(SystemEntropy())
    key = signed(lab)
    assert [other.judge(key).reason for _ in range(2)] == ["bad-signature"] * 2
    for path in lab.folder.glob("signing-2.*"):
        shutil.copy(path, tmp_path / "other")
    assert other.judge(key).reason is None


def test_of_a_revoked_key_only_what_is_listed_is_proved(lab: Lab) -> None:
    other = lab.fresh()
    honest, back_dated = signed(lab), signed(lab, 8)
    assert [other.judge(key).reason for key in (honest, back_dated)] == [None, None]
    stolen = lab.signing.active().key_id
    lab.signing.rotate(SystemEntropy())
    draft = TrustAct(
        act="revoke",
        number=1,
        previous="",
        key_id=stolen,
        trusted=tuple(lab.signing.trusted()),
        stolen_since="",
        made_at="2026-11-29T00:00:00Z",
        reason="stolen",
        who="operator",
    )
    lab.signing.record_trust(draft, ObjectList.of([honest]))
    lab.clock.advance(timedelta(seconds=2))
    later = signed(lab, 9)
    for judge in (other, lab.trust, lab.fresh()):
        judged = [judge.judge(key).reason for key in (honest, back_dated, later)]
        assert judged == [None, "revoked-key", None]
        assert judge.signer(back_dated) == stolen


class Counted:
    """The trusted keys of a folder, each of which counts what it verifies."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self.verified = 0
        counting: Any = {key_id: _CountingKey(self, key) for key_id, key in keys.items()}
        self._trust = TrustedKeys(counting, {}, {}, (), {})

    def trusted(self) -> Mapping[str, Any]:
        return self._trust.keys

    def trust(self) -> TrustedKeys:
        return self._trust


class _CountingKey:
    def __init__(self, counted: Counted, key: Ed25519PublicKey) -> None:
        self._counted, self._key = counted, key

    def verify(self, signature: bytes, data: bytes) -> None:
        self._counted.verified += 1
        self._key.verify(signature, data)


def test_a_name_is_verified_once_and_what_is_remembered_is_bounded(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 4)
    keys = [signed(lab, sequence) for sequence in range(20)]
    counted = Counted(lab.signing.trusted())
    trust = ObjectTrust(ARCHIVE, cast(SigningKeys, counted), ClockStopwatch(lab.clock))
    assert {trust.judge(key).reason for key in keys for _ in range(3)} == {None}
    assert counted.verified == 20
    assert trust.judge(keys[0]).reason is None  # forgotten long ago
    assert counted.verified == 21
    forged = replace(name_in(keys[0]), sequence=99).key
    assert [trust.judge(forged).reason for _ in range(3)] == ["bad-signature"] * 3
    assert counted.verified == 22
