"""A real token: what it keeps to itself, what it shares with key files, and how it fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import AttributeSensitive, PKCS11Error
from tests.keys.conftest import ENTROPY, TokenPlace
from tests.servers.softhsm import PIN, SoftHsm

from vanvault.archiver.core.errors import Conflict, KeyUnavailable, SettingsError
from vanvault.archiver.core.key_port import PURPOSES, key_id
from vanvault.archiver.core.settings import KeysSettings
from vanvault.archiver.keys import KeyFiles, bring_back, differing, masters_in, open_token
from vanvault.archiver.keys.derive import derive_with
from vanvault.archiver.keys.files import encode_master
from vanvault.archiver.keys.pkcs11.keys import Pkcs11Keys
from vanvault.archiver.keys.pkcs11.session import TokenSession, token_session
from vanvault.archiver.keys.wrapping import unwrap_with, wrap_with

CONTEXT = b"here"
DATA_KEY = bytes(range(32))


def opened(place: TokenPlace, archive: str = "archive-1", **changes: object) -> Pkcs11Keys:
    return open_token(place.home, place.home / "keys", place.settings(**changes), archive, ENTROPY)


def session_of(place: TokenPlace) -> TokenSession:
    return token_session(place.module, place.label, lambda: PIN)


@pytest.fixture
def keys(place: TokenPlace) -> Pkcs11Keys:
    made = opened(place)
    made.create()
    return made


def tokens_folder(softhsm: SoftHsm, place: TokenPlace) -> Path:
    """The folder of one token, known by its label within."""
    label = place.label.encode()
    (found,) = [
        path for path in softhsm.folder.iterdir() if label + b" " in (path / "token.object").read_bytes()
    ]
    return found


def test_no_key_can_be_read_out_of_the_token(keys: Pkcs11Keys, place: TokenPlace) -> None:
    def check(session: pkcs11.Session) -> int:
        found = list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))
        for key in found:
            assert key[Attribute.SENSITIVE]
            assert not key[Attribute.EXTRACTABLE]
            assert key[Attribute.LOCAL]
            assert key[Attribute.NEVER_EXTRACTABLE]
            with pytest.raises(AttributeSensitive):
                _ = key[Attribute.VALUE]
        return len(found)

    assert session_of(place).run(check) == 2 * len(PURPOSES)


def test_a_master_from_outside_wraps_and_derives_as_its_key_file_would(place: TokenPlace) -> None:
    keys, secret = opened(place), ENTROPY.token(32)
    keys.put("log/3", secret)
    assert unwrap_with(AESGCM(secret), "log/3", keys.wrap("log/3", DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY
    assert (
        keys.unwrap("log/3", wrap_with(AESGCM(secret), "log/3", DATA_KEY, bytes(12), CONTEXT), CONTEXT)
        == DATA_KEY
    )
    for length in (1, 32, 33, 100):
        assert keys.derive("log/3", b"use", length) == derive_with(secret, "log/3", b"use", length)
    with pytest.raises(KeyUnavailable, match="already"):
        keys.put("log/3", secret)


def test_two_archives_share_a_token_and_not_their_keys(keys: Pkcs11Keys, place: TokenPlace) -> None:
    other = opened(place, "archive-2")
    assert other.versions("log") == []
    other.create()
    with pytest.raises(KeyUnavailable, match="not the one"):
        other.unwrap("log/1", keys.wrap("log/1", DATA_KEY, CONTEXT), CONTEXT)
    assert keys.derive("log/1", b"use") != other.derive("log/1", b"use")


def test_keys_are_made_once(keys: Pkcs11Keys) -> None:
    with pytest.raises(SettingsError, match="already"):
        keys.create()
    assert keys.versions("log") == [1]


def test_what_an_interrupted_rotation_left_is_no_version_and_not_used(
    keys: Pkcs11Keys, place: TokenPlace
) -> None:
    def destroy_wrap_key(session: pkcs11.Session) -> None:
        session.get_key(label="vanvault log/2 wrap").destroy()

    keys.rotate("log")
    session_of(place).change(destroy_wrap_key)
    again = opened(place)
    assert again.versions("log") == [1]
    with pytest.raises(KeyUnavailable, match="log/2 is missing"):
        again.derive("log/2", b"use")
    assert again.rotate("log") == "log/3"


def test_two_keys_of_one_id_only_unwrap(keys: Pkcs11Keys, place: TokenPlace) -> None:
    """Two hosts that rotate at once can do that; nothing that either wrapped may be lost."""

    def copy_id(session: pkcs11.Session) -> None:
        session.get_key(label="vanvault log/2 wrap")[Attribute.LABEL] = "vanvault log/1 wrap"

    first = keys.wrap("log/1", DATA_KEY, CONTEXT)
    keys.rotate("log")
    second = keys.wrap("log/2", DATA_KEY, CONTEXT)
    session_of(place).change(copy_id)
    again = opened(place)
    assert again.unwrap("log/1", first, CONTEXT) == DATA_KEY
    with pytest.raises(KeyUnavailable, match="not the one"):
        again.unwrap("log/1", second, CONTEXT)  # the id is part of what was sealed
    with pytest.raises(KeyUnavailable, match="more than one"):
        again.wrap("log/1", DATA_KEY, CONTEXT)
    assert again.rotate("log") == "log/3"
    assert again.unwrap("log/3", again.wrap("log/3", DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_a_lost_session_is_opened_again_unseen(keys: Pkcs11Keys, place: TokenPlace) -> None:
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT)
    session_of(place).run(lambda session: session.close())
    assert keys.unwrap("log/1", wrapped, CONTEXT) == DATA_KEY
    pkcs11.lib(str(place.module.resolve())).reinitialize()
    assert keys.unwrap("log/1", keys.wrap("log/1", DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_a_token_that_is_taken_away_says_so_and_goes_on_when_it_is_back(
    keys: Pkcs11Keys, place: TokenPlace, softhsm: SoftHsm
) -> None:
    wrapped, folder = keys.wrap("log/1", DATA_KEY, CONTEXT), tokens_folder(softhsm, place)
    folder.rename(softhsm.folder.parent / "away")
    calls: tuple[Callable[[], object], ...] = (
        lambda: keys.wrap("log/1", DATA_KEY, CONTEXT),
        lambda: keys.unwrap("log/1", wrapped, CONTEXT),
        lambda: keys.derive("log/1", b"use"),
        lambda: keys.active("log"),
        lambda: keys.rotate("log"),
    )
    for call in calls:
        with pytest.raises(KeyUnavailable, match=f"token {place.label}") as caught:
            call()
        assert caught.value.hint
    (softhsm.folder.parent / "away").rename(folder)
    assert keys.unwrap("log/1", wrapped, CONTEXT) == DATA_KEY
    assert keys.versions("log") == [1]


def test_a_key_that_vanished_from_the_token_is_named(keys: Pkcs11Keys, place: TokenPlace) -> None:
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT)
    session_of(place).change(lambda session: session.get_key(label="vanvault log/1 wrap").destroy())
    for call in (
        lambda: keys.wrap("log/1", DATA_KEY, CONTEXT),
        lambda: keys.unwrap("log/1", wrapped, CONTEXT),
    ):
        with pytest.raises(KeyUnavailable, match=r"missing|no master key for log"):
            call()
    with pytest.raises(KeyUnavailable):
        keys.rotate("log")


def test_a_refused_pin_is_not_tried_again(place: TokenPlace) -> None:
    (place.home / "pin").write_text("99999999")
    tries: list[str] = []

    def pin() -> str:
        tries.append("asked")
        return (place.home / "pin").read_text()

    token = token_session(place.module, place.label, pin)
    with pytest.raises(KeyUnavailable, match="refuses the PIN") as caught:
        token.run(lambda session: None)
    assert "start VanVault again" in caught.value.hint
    (place.home / "pin").write_text(PIN)
    for _ in range(3):
        with pytest.raises(KeyUnavailable, match="refuses the PIN"):
            token.run(lambda session: None)
    assert tries == ["asked"]
    assert "99999999" not in _everything_said(caught.value)
    assert PIN not in _everything_said(caught.value)


def _everything_said(error: BaseException | None) -> str:
    said = ""
    while error is not None:
        said += f"{error!r} {error} {getattr(error, 'hint', '')}"
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"module": "/nowhere/lib.so"}, "no PKCS#11 module"),
        ({"module": __file__}, "cannot be used as a PKCS#11 module"),
        ({"module": None}, "needs module"),
        ({"token_label": None}, "needs module"),
        ({"pin_file": None}, "needs module"),
        ({"pin_command": "cat pin"}, "needs module"),
        ({"pin_file": "nothing"}, "PIN cannot be read"),
        ({"pin_file": None, "pin_command": "false"}, "gave no PIN"),
        ({"pin_file": None, "pin_command": "/nowhere/pin"}, "gave no PIN"),
        ({"pin_file": None, "pin_command": "true"}, "empty PIN"),
        ({"pin_file": None, "pin_command": "'"}, "gave no PIN"),
    ],
)
def test_settings_to_mend_are_named(place: TokenPlace, changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        opened(place, **changes)


def test_a_pin_may_come_from_a_command(place: TokenPlace) -> None:
    assert opened(place, pin_file=None, pin_command=f"echo {PIN}").versions("log") == []


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_pin_file_open_to_others_is_refused(place: TokenPlace, mode: int) -> None:
    (place.home / "pin").chmod(mode)
    with pytest.raises(SettingsError, match="open to other users") as caught:
        opened(place)
    assert PIN not in _everything_said(caught.value)


def test_a_token_that_is_not_there_is_named(place: TokenPlace) -> None:
    with pytest.raises(KeyUnavailable, match="The token nobody is not there"):
        opened(place, token_label="nobody")


def test_another_process_sees_the_keys_and_its_rotation_is_seen(keys: Pkcs11Keys, place: TokenPlace) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from vanvault.archiver.keys.provider import open_token\n"
        "from vanvault.archiver.core.settings.settings import KeysSettings\n"
        "from vanvault.archiver.core.ports import SystemEntropy\n"
        "home = Path(sys.argv[1]); settings = KeysSettings.model_validate_json(sys.argv[2])\n"
        "keys = open_token(home, home / 'keys', settings, 'archive-1', SystemEntropy())\n"
        "assert keys.unwrap('log/1', bytes.fromhex(sys.argv[3]), b'here') == bytes(range(32))\n"
        "print(keys.rotate('log'), keys.wrap('log/2', bytes(range(32)), b'here').hex())\n"
    )
    wrapped = keys.wrap("log/1", DATA_KEY, CONTEXT).hex()
    settings: KeysSettings = place.settings()
    command = [sys.executable, "-c", program, str(place.home), settings.model_dump_json(), wrapped]
    made, theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert made == "log/2"
    again = opened(place)
    assert again.versions("log") == [1, 2]
    assert again.unwrap("log/2", bytes.fromhex(theirs), CONTEXT) == DATA_KEY


def test_masters_of_an_escrow_go_to_a_new_token(new_token: Callable[[], TokenPlace], tmp_path: Path) -> None:
    secrets = {key_id(purpose, 1): ENTROPY.token(32) for purpose in PURPOSES}
    files = {f"{name.replace('/', '-')}.key": encode_master(name, secret) for name, secret in secrets.items()}
    assert masters_in(files) == secrets
    first, second = opened(new_token()), opened(new_token())
    assert sorted(bring_back(secrets, first, ENTROPY)) == sorted(secrets)
    assert bring_back(secrets, first, ENTROPY) == []
    assert bring_back(secrets, second, ENTROPY)
    assert differing(secrets, second, ENTROPY) == {}
    assert second.unwrap("log/1", first.wrap("log/1", DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY
    third = opened(new_token())
    third.create()
    with pytest.raises(Conflict, match="credentials/1, index/1, log/1, originals/1"):
        bring_back(secrets, third, ENTROPY)
    files_of_another = KeyFiles.create(tmp_path / "other", ENTROPY)
    assert set(differing(secrets, files_of_another, ENTROPY).values()) == {True}


def test_work_that_changes_a_token_is_not_done_twice(keys: Pkcs11Keys, place: TokenPlace) -> None:
    calls: list[str] = []

    def fail(session: pkcs11.Session) -> None:
        calls.append("called")
        raise PKCS11Error

    with pytest.raises(KeyUnavailable, match="does not do its work"):
        session_of(place).change(fail)
    assert calls == ["called"]
