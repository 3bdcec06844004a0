"""``vanvault account credential set``: what is set is told, and what is secret is shown once or never."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.core.error_table import ExitCode

PASSWORD = "Mưa rào 1979 ở Huế"


@pytest.fixture
def lan(home: Path) -> Path:
    """A home with the account ``lan``."""
    json_of(run_cli(home, "account", "add", "lan", "--full-name", "Lan", "--json"))
    return home


def set_for(home: Path, *words: str, password: str = "", name: str = "lan") -> object:
    verb = ("account", "credential", "set", name, *words, "--json")
    return json_of(run_cli(home, *verb, input=f"{password}\n".encode()))


def test_a_password_and_codes_are_set_and_codes_taken_away(lan: Path) -> None:
    told = set_for(lan, "--password-file", "-", "--codes", password=PASSWORD)
    assert isinstance(told, dict)
    assert told.pop("codes_uri").startswith("otpauth://totp/VanVault:lan?secret=")
    assert told == {"account": "lan", "password": True, "codes": True}
    assert set_for(lan, "--no-codes") == {"account": "lan", "password": True, "codes": False}


def test_the_password_comes_from_a_file_and_is_never_shown(lan: Path, tmp_path: Path) -> None:
    file = tmp_path / "password.txt"
    file.write_text(f"{PASSWORD}\nwhat follows does not count\n", encoding="utf-8")
    shown = run_cli(lan, "account", "credential", "set", "lan", "--password-file", str(file))
    assert shown.stdout == "lan signs on with a password\n"
    assert PASSWORD not in shown.stdout + shown.stderr
    again = run_cli(
        lan, "account", "credential", "set", "lan", "--password-file", "-", input=PASSWORD.encode()
    )
    assert again.exit_code == ExitCode.USAGE
    assert "before it" in again.stderr and PASSWORD not in again.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lan",), ExitCode.USAGE),
        (("nobody", "--codes"), ExitCode.NOT_FOUND),
        (("lan", "--password-file", "/no/such/file"), ExitCode.USAGE),
    ],
)
def test_what_cannot_be_set_is_told(lan: Path, words: tuple[str, ...], code: ExitCode) -> None:
    assert run_cli(lan, "account", "credential", "set", *words).exit_code == code


def test_a_password_that_is_no_utf8_is_told_as_that_and_not_shown(lan: Path) -> None:
    verb = ("account", "credential", "set", "lan", "--password-file", "-")
    for data in (b"caf\xe9 password 77\n", "mật khẩu 77\n".encode("utf-16")):
        refused = run_cli(lan, *verb, input=data)
        assert refused.exit_code == ExitCode.USAGE
        assert "UTF-8" in refused.stderr and "password 77" not in refused.stderr


def test_a_byte_order_mark_is_no_part_of_a_password(lan: Path) -> None:
    verb = ("account", "credential", "set", "lan", "--password-file", "-")
    assert run_cli(lan, *verb, input=codecs.BOM_UTF8 + PASSWORD.encode()).exit_code == 0
    again = run_cli(lan, *verb, input=PASSWORD.encode())
    assert again.exit_code == ExitCode.USAGE and "before it" in again.stderr


def test_a_password_without_codes_is_told_to_be_too_little(lan: Path) -> None:
    verb = ("account", "credential", "set", "lan", "--password-file", "-")
    assert "--codes" in run_cli(lan, *verb, input=PASSWORD.encode()).stderr
    assert "--codes" not in run_cli(lan, "account", "credential", "set", "lan", "--codes").stderr
