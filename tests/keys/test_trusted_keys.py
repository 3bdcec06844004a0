"""Trust in signing keys: introduced by a trusted one, revoked from a position, kept whole by the escrow."""

from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from tests.support.waiting import PATIENCE_S

from vanvault.archiver.core.errors import KeyUnavailable, MachineLimit
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.keys import KeyFiles, SigningKeys, key_folder, public_pem
from vanvault.archiver.keys.escrow import read_key_files, restore_key_files, to_restore
from vanvault.archiver.keys.escrow.escrow import open_with, split
from vanvault.archiver.keys.signing import key_id_of
from vanvault.archiver.keys.trust import ObjectList, TrustAct, check_act, evaluate, introduce

ENTROPY = SeededEntropy(3)
ARCHIVE = "0b6a1f8e-52b1-4d59-9d8f-000000000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    KeyFiles.create(tmp_path / "keys", ENTROPY)
    SigningKeys.create(tmp_path / "keys", ENTROPY)
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> SigningKeys:
    return SigningKeys(folder)


def act(keys: SigningKeys, key_id: str, kind: str = "revoke") -> TrustAct:
    """The next act of the trust record, not yet signed."""
    trust = keys.trust()
    return TrustAct(
        act=kind,  # type: ignore[arg-type]
        number=trust.acts + 1,
        previous=trust.last,
        key_id=key_id,
        trusted=tuple(sorted(trust.keys)),
        stolen_since="2026-11-20T00:00:00Z",
        made_at=rfc3339_seconds(ManualClock().now()),
        reason="copied from a laptop",
        who="operator",
    )


def revoke(keys: SigningKeys, key_id: str, stands: list[str], kind: str = "revoke") -> TrustAct:
    objects = ObjectList.of(stands)
    return keys.record_trust(act(keys, key_id, kind), objects)


def test_the_first_key_is_trusted_and_each_new_one_is_introduced(keys: SigningKeys, folder: Path) -> None:
    first = keys.active().key_id
    second, third = (keys.rotate(ENTROPY, ManualClock()) for _ in range(2))
    trust = SigningKeys(folder).trust()
    assert list(trust.keys) == [first, second, third]
    assert [one.introduced_by for one in trust.introductions.values()] == [first, second]
    assert trust.unintroduced == ()


def test_a_key_that_only_lies_in_the_folder_verifies_receipts_and_signs_nothing(
    keys: SigningKeys, folder: Path
) -> None:
    first = keys.active().key_id
    stranger = Ed25519PrivateKey.generate().public_key()
    (folder / "signing-2.pub.pem").write_bytes(public_pem(stranger))
    assert keys.trust().unintroduced == (key_id_of(stranger),)
    assert set(keys.trusted()) == {first}
    assert set(keys.public_keys()) == {first, key_id_of(stranger)}
    assert keys.active().key_id == first
    assert not keys.trust().stands(key_id_of(stranger), "x")
    third = keys.rotate(ENTROPY)
    assert keys.active().key_id == third
    assert (folder / "signing-3.pem").exists()


def test_an_introduction_by_a_stranger_introduces_nobody(
    keys: SigningKeys, folder: Path, tmp_path: Path
) -> None:
    elsewhere = SigningKeys.create(tmp_path / "other", ENTROPY)
    stranger = elsewhere.rotate(ENTROPY)
    for name in ("signing-2.pub.pem", "signing-2.intro.json"):
        shutil.copy(tmp_path / "other" / name, folder / name)
    assert keys.trust().unintroduced == (stranger,)


@pytest.mark.parametrize("change", [(b"introduced_by", b"introduced-by"), (b"2026", b"2025"), (b"{", b" {")])
def test_an_introduction_that_was_changed_stops_the_use_of_the_folder(
    keys: SigningKeys, folder: Path, change: tuple[bytes, bytes]
) -> None:
    keys.rotate(ENTROPY, ManualClock())
    path = folder / "signing-2.intro.json"
    path.write_bytes(path.read_bytes().replace(*change, 1))
    with pytest.raises(KeyUnavailable, match=r"signing-2\.intro\.json"):
        SigningKeys(folder)


def test_an_introduction_is_of_one_key_at_one_place(keys: SigningKeys, folder: Path) -> None:
    for _ in range(2):
        keys.rotate(ENTROPY, ManualClock())
    public = {
        version: (key_id, key)
        for (key_id, key), version in zip(keys.trust().keys.items(), (1, 2, 3), strict=True)
    }
    introductions = {version: (folder / f"signing-{version}.intro.json").read_bytes() for version in (2, 3)}
    assert len(evaluate(public, introductions, ()).keys) == 3
    for wrong in ({2: introductions[3], 3: introductions[3]}, {2: introductions[2], 3: introductions[2]}):
        with pytest.raises(KeyUnavailable, match="introduces another key"):
            evaluate(public, wrong, ())
    with pytest.raises(KeyUnavailable, match="introduces another key"):
        evaluate(public | {3: public[2]}, introductions, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 2}, "does not follow"),
        ({"previous": "ab" * 32}, "does not follow"),
        ({"key_id": "ab" * 8}, "cannot apply"),
        ({"act": "accept"}, "cannot apply"),
        ({"signed_by": "ab" * 8}, "not signed by"),
        ({"signed_by": "itself"}, "not signed by"),
    ],
)
def test_an_act_follows_the_record_and_is_signed_by_another_trusted_key(
    keys: SigningKeys, change: dict[str, object], message: str
) -> None:
    first = keys.active().key_id
    second = keys.rotate(ENTROPY, ManualClock())
    good = replace(act(keys, first), signed_by=second)
    check_act(good, keys.trust())
    if change == {"signed_by": "itself"}:
        change = {"signed_by": first}
    with pytest.raises(KeyUnavailable, match=message):
        check_act(replace(good, **change), keys.trust())  # type: ignore[arg-type]


def test_a_rotation_that_died_leaves_a_key_that_never_signs(keys: SigningKeys, folder: Path) -> None:
    first = keys.active().key_id
    dead = keys.rotate(ENTROPY)
    for name in ("signing-2.pub.pem", "signing-2.intro.json"):
        (folder / name).unlink()
    again = SigningKeys(folder)
    assert again.active().key_id == first
    assert again.trust().unintroduced == (dead,)
    assert again.rotate(ENTROPY) == again.active().key_id != dead


def test_without_any_trusted_private_key_no_new_one_is_made(keys: SigningKeys, folder: Path) -> None:
    keys.rotate(ENTROPY)
    for version in (1, 2):
        (folder / f"signing-{version}.pem").unlink()
    with pytest.raises(KeyUnavailable, match="cannot be introduced"):
        keys.rotate(ENTROPY)


def test_of_a_revoked_key_stands_what_is_listed(keys: SigningKeys, folder: Path) -> None:
    stolen = keys.active().key_id
    other = SigningKeys(folder)
    new = keys.rotate(ENTROPY)
    revoke(keys, stolen, ["honest"])
    for one in (keys, other, SigningKeys(folder)):
        trust = one.trust()
        assert trust.stands(stolen, "honest")
        assert not trust.stands(stolen, "back-dated")
        assert trust.stands(new, "whatever")
        assert not trust.may_sign(stolen)
        assert one.active().key_id == new


def test_what_waits_stands_once_it_is_accepted(keys: SigningKeys) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    revoke(keys, stolen, ["one"])
    revoke(keys, stolen, ["two"], "accept")
    trust = keys.trust()
    assert [trust.stands(stolen, name) for name in ("one", "two", "three")] == [True, True, False]
    assert trust.revoked[stolen].count == 2
    assert [one.reason for one in trust.revoked[stolen].accepted] == ["copied from a laptop"]


def test_an_object_of_another_key_may_be_withdrawn_and_accepted_again(keys: SigningKeys) -> None:
    stolen = keys.active().key_id
    new = keys.rotate(ENTROPY)
    objects = ObjectList.of([], ["segment"])
    keys.record_trust(act(keys, stolen), objects)
    assert not keys.trust().stands(new, "segment")
    assert keys.trust().stands(new, "other")
    revoke(keys, stolen, ["segment"], "accept")
    assert keys.trust().stands(new, "segment")


def test_a_key_that_a_stolen_one_introduces_afterwards_is_not_trusted(
    keys: SigningKeys, folder: Path
) -> None:
    """The thief can date his introduction back; what stands is named by the revocation."""
    stolen = keys.active()
    new = keys.rotate(ENTROPY)
    revoke(keys, stolen.key_id, [])
    later = keys.rotate(ENTROPY)
    thiefs = Ed25519PrivateKey.generate().public_key()
    _, data = introduce(
        4, thiefs, at="2020-01-01T00:00:00Z", by=stolen.key_id, sign=stolen.sign, key_id=key_id_of(thiefs)
    )
    (folder / "signing-4.intro.json").write_bytes(data)
    (folder / "signing-4.pub.pem").write_bytes(public_pem(thiefs))
    assert set(keys.trusted()) == {stolen.key_id, new, later}
    assert keys.trust().unintroduced == (key_id_of(thiefs),)
    assert keys.active().key_id == later


def test_the_only_key_cannot_be_revoked_by_itself(keys: SigningKeys, folder: Path) -> None:
    with pytest.raises(KeyUnavailable, match="not signed by a key that is trusted"):
        revoke(keys, keys.active().key_id, [])


@pytest.mark.parametrize("lost", ["trust-1.json", "trust-1.objects", "trust-2.objects"])
def test_a_trust_record_with_a_gap_is_refused(keys: SigningKeys, folder: Path, lost: str) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    revoke(keys, stolen, ["one"])
    revoke(keys, stolen, ["two"], "accept")
    (folder / lost).unlink()
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        SigningKeys(folder)


def test_a_changed_list_or_act_is_refused(keys: SigningKeys, folder: Path) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    revoke(keys, stolen, ["one"])
    listed, recorded = folder / "trust-1.objects", folder / "trust-1.json"
    good = listed.read_bytes(), recorded.read_bytes()
    for data in (
        b"",
        hashlib.sha256(b"two").digest()[:16],
        good[0] + hashlib.sha256(b"two").digest()[:16],
    ):
        listed.write_bytes(data)
        with pytest.raises(KeyUnavailable, match=r"does not fit trust-1\.objects"):
            SigningKeys(folder)
    listed.write_bytes(good[0])
    recorded.write_bytes(good[1].replace(b"laptop", b"tablet"))
    with pytest.raises(KeyUnavailable, match="signature"):
        SigningKeys(folder)


def test_an_act_that_died_before_it_was_written_is_made_again(keys: SigningKeys, folder: Path) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    (folder / "trust-1.objects").write_bytes(hashlib.sha256(b"of the attempt").digest()[:16])
    assert keys.trust().revoked == {}
    revoke(keys, stolen, ["one"])
    assert keys.trust().stands(stolen, "one")


def test_the_escrow_keeps_trust_whole(keys: SigningKeys, folder: Path, tmp_path: Path) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    revoke(keys, stolen, ["one"])
    files = read_key_files(folder)
    made = split(files, archive=ARCHIVE, threshold=2, shares=3, clock=ManualClock(), entropy=ENTROPY)
    opened = open_with(made.bundle, made.shares[:2])
    order = to_restore(opened, {}, ARCHIVE)
    assert order[:2] == ["trust-1.json", "trust-1.objects"]
    restore_key_files(tmp_path / "restored", opened.files, order, ENTROPY)
    before, after = keys.trust(), SigningKeys(tmp_path / "restored").trust()
    assert before.revoked == after.revoked
    assert list(before.keys) == list(after.keys)


def test_no_moment_of_a_restore_trusts_the_revoked_key(
    keys: SigningKeys, folder: Path, tmp_path: Path
) -> None:
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    revoke(keys, stolen, [])
    files = read_key_files(folder)
    made = split(files, archive=ARCHIVE, threshold=2, shares=2, clock=ManualClock(), entropy=ENTROPY)
    order = to_restore(open_with(made.bundle, made.shares), {}, ARCHIVE)
    partial = tmp_path / "partial"
    partial.mkdir(mode=0o700)
    for name in order:
        (partial / name).write_bytes(files[name])
        (partial / name).chmod(0o600)
        try:
            assert not SigningKeys(partial).trust().stands(stolen, "forged")
        except KeyUnavailable:
            continue  # refused while it is not whole


def test_two_acts_at_once_leave_one_of_them_whole(keys: SigningKeys, folder: Path) -> None:
    """The list of one beside the act of the other would stop the use of the folder."""
    stolen = keys.active().key_id
    keys.rotate(ENTROPY)
    drafts = [(SigningKeys(folder), act(keys, stolen), ObjectList.of([f"batch/{n}"])) for n in range(8)]
    together = threading.Barrier(len(drafts))

    def record(one: SigningKeys, draft: TrustAct, objects: ObjectList) -> bool:
        together.wait(PATIENCE_S)
        try:
            one.record_trust(draft, objects)
        except KeyUnavailable:
            return False
        return True

    with ThreadPoolExecutor(len(drafts)) as pool:
        written = [future.result() for future in [pool.submit(record, *draft) for draft in drafts]]
    assert sum(written) == 1
    ((listed, _),) = [(one, ok) for one, ok in zip(drafts, written, strict=True) if ok]
    assert SigningKeys(folder).trust().revoked[stolen].lists == (listed[2],)


def test_too_many_open_files_are_no_missing_record(keys: SigningKeys, folder: Path) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    with mock.patch.object(Path, "open", refuse), pytest.raises(MachineLimit):
        key_folder.read_public(folder / "signing-1.pub.pem", 1000)
