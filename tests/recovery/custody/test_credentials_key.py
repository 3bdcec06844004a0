"""The masters of credentials: made late in a home from before, never made twice, never shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive, credentials_master, init_home
from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.people.credentials import CredentialPlace, SealedCredential, seal_credential
from vanvault.recovery.custody.known_keys import sealing_now

ACCOUNT, NONCE = "a-0123456789abcdef", "00112233445566778899aabbccddeeff"
KEY = "credentials-1.key"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def before(home: Path) -> Path:
    """A home from before there were masters of credentials."""
    (home / "keys" / KEY).unlink()
    return home


def set_credential(home: Path, kind: str = "password", nonce: str = NONCE) -> str:
    """Put a credential on record; returns the master that it needs."""
    with Archive.open(home) as archive:
        credentials_master(archive, "op")
        sealed = seal_credential(
            archive.keys, CredentialPlace(ACCOUNT, kind, nonce), b"$argon2id$...", SystemEntropy()
        )
        archive.record("account.credential-set", {"account": "mai", **sealed.as_detail(), "who": "op"})
        return sealed.key_id


def status_of(home: Path) -> tuple[dict[str, str], Any]:
    found = json.loads(run_cli(home, "status", "--json").stdout)
    return {one["id"]: one["text"] for one in found["conditions"]}, found


def escrow_in(home: Path, folder: Path) -> list[object]:
    """Split all keys of a home; the options that open the bundle."""
    numbers = ("--threshold", 2, "--shares", 2)
    json_of(run_cli(home, "keys", "escrow", "split", *numbers, "--output", folder, "--json"))
    first, second = sorted(folder.glob("share-*.txt"))
    return ["--bundle", folder / "escrow-bundle.vve", "--share", first, "--share", second]


def test_a_new_home_has_one_and_uses_it(home: Path) -> None:
    listed = json_of(run_cli(home, "keys", "list", "--json"))["keys"]
    assert {"purpose": "credentials", "key_id": "credentials/1", "active": True} in listed
    assert set_credential(home) == "credentials/1"
    assert "keys-missing" not in status_of(home)[0]


def test_a_home_from_before_is_whole_without_one(before: Path, tmp_path: Path) -> None:
    conditions, found = status_of(before)
    assert found["keys"]["credentials"] == []
    assert found["keys_missing"] == []
    assert "keys-missing" not in conditions
    assert "none yet" in run_cli(before, "status").stdout
    purposes = {one["purpose"] for one in json_of(run_cli(before, "keys", "list", "--json"))["keys"]}
    assert purposes == {"originals", "log", "index", "signing"}
    shares = escrow_in(before, tmp_path / "escrow")
    assert json_of(run_cli(before, "keys", "escrow", "verify", *shares, "--json"))["without"] == [
        "credentials"
    ]
    assert "no key for credentials" in run_cli(before, "keys", "escrow", "verify", *shares).stdout


def test_a_home_from_before_gets_its_first_at_the_first_need_on_record(before: Path) -> None:
    assert set_credential(before) == "credentials/1"
    assert set_credential(before, nonce=NONCE[::-1]) == "credentials/1"
    made = json_of(run_cli(before, "search", "--type", "vanvault.keys.rotated", "--json"))
    assert str(made).count("credentials/1") == 1
    assert "keys-missing" not in status_of(before)[0]


def test_a_home_from_before_gets_its_first_by_a_rotation(before: Path) -> None:
    made = json_of(run_cli(before, "keys", "rotate", "credentials", "--json"))
    assert made == {"purpose": "credentials", "key_id": "credentials/1"}
    assert set_credential(before) == "credentials/1"


def test_an_escrow_from_before_restores_a_home_that_says_what_it_lacks(before: Path, tmp_path: Path) -> None:
    shares = escrow_in(before, tmp_path / "escrow")
    set_credential(before)
    conditions, found = status_of(before)
    assert "escrow-stale" in conditions
    assert found["escrow"]["lacking"] == ["credentials/1"]
    shutil.rmtree(before / "keys")
    restored = json_of(run_cli(before, "keys", "escrow", "restore", *shares, "--json"))
    assert restored["without"] == ["credentials"]
    assert f"{KEY}" not in restored["restored"]
    conditions, found = status_of(before)
    assert found["keys_missing"] == ["credentials/1"]
    assert "credentials/1" in conditions["keys-missing"]
    assert json_of(run_cli(before, "verify", "--json"))["findings"] == []
    assert "credentials/1" in status_of(before)[0]["keys-missing"], "a verification reads no credentials"


def test_a_lost_one_is_not_made_again_but_the_next_and_the_loss_ends_with_new_credentials(home: Path) -> None:
    set_credential(home)
    (home / "keys" / KEY).unlink()
    with Archive.open(home) as archive, pytest.raises(KeyUnavailable, match="has used credentials/1") as lost:
        credentials_master(archive, "op")
    assert "escrow" in lost.value.hint
    made = json_of(run_cli(home, "keys", "rotate", "credentials", "--json"))
    assert made["key_id"] == "credentials/2"
    assert status_of(home)[1]["keys_missing"] == ["credentials/1"]
    set_credential(home, nonce=NONCE[::-1])
    assert status_of(home)[1]["keys_missing"] == []


def test_one_that_sealed_nothing_is_missed_by_nobody(before: Path) -> None:
    """A rotation that was interrupted, or a key that was lost before its first use."""
    run_cli(before, "keys", "rotate", "credentials")
    (before / "keys" / KEY).unlink()
    assert status_of(before)[1]["keys_missing"] == []


def test_of_each_account_and_kind_the_newest_credential_counts() -> None:
    class Fixed(SealedCredential):
        """One that names its master at once."""

        @property
        def key_id(self) -> str:
            return self.text

    def one(account: str, kind: str, master: str) -> SealedCredential:
        return Fixed(CredentialPlace(f"a-{account * 16}", kind, NONCE), master)

    newest_first = [
        one("1", "password", "credentials/3"),
        one("1", "totp", "credentials/2"),
        one("1", "password", "credentials/1"),
        one("2", "password", "credentials/2"),
    ]
    assert sealing_now(newest_first) == {"credentials/2", "credentials/3"}


@pytest.mark.parametrize(
    "words", [("credentials/1",), ("credentials/1", "--yes"), ("credentials/7", "--yes")]
)
def test_no_such_key_is_ever_shown(home: Path, words: tuple[str, ...]) -> None:
    refused = run_cli(home, "keys", "unwrap", *words)
    assert refused.exit_code == 9
    assert "ever shown" in refused.stderr
    assert refused.stdout == ""


def test_what_it_opens_is_no_entry(home: Path) -> None:
    refused = run_cli(home, "keys", "exposed", "--key", "credentials/1")
    assert refused.exit_code == 2
    assert "keys rotate credentials" in refused.stderr
