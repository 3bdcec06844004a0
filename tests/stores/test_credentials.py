"""Credentials by site and duty: values, files, commands, and no secret in any message."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.stores import Credentials, site_credentials
from vanvault.archiver.stores.credentials import SiteCredentials, run_command

GENERAL = {"VANVAULT_PRIMARY_ACCESS_KEY": "general", "VANVAULT_PRIMARY_SECRET_KEY": "hunter2"}


def test_one_pair_for_every_duty() -> None:
    one = Credentials("general", "hunter2")
    assert site_credentials("primary", GENERAL) == SiteCredentials(one, one, one)


def test_a_duty_of_its_own() -> None:
    found = site_credentials(
        "primary",
        {
            **GENERAL,
            "VANVAULT_PRIMARY_READER_ACCESS_KEY": "reader",
            "VANVAULT_PRIMARY_READER_SECRET_KEY": "swordfish",
        },
    )
    assert found.reader == Credentials("reader", "swordfish")
    assert found.writer == found.keeper == Credentials("general", "hunter2")


def test_all_duties_and_nothing_general() -> None:
    environment = {}
    for duty in ("WRITER", "READER", "KEEPER"):
        environment[f"VANVAULT_PRIMARY_{duty}_ACCESS_KEY"] = duty.lower()
        environment[f"VANVAULT_PRIMARY_{duty}_SECRET_KEY"] = "hunter2"
    found = site_credentials("primary", environment)
    assert [found.writer.access_key, found.reader.access_key, found.keeper.access_key] == [
        "writer",
        "reader",
        "keeper",
    ]


def test_a_name_that_is_no_variable() -> None:
    environment = {"VANVAULT_SITE_2_ACCESS_KEY": "a", "VANVAULT_SITE_2_SECRET_KEY": "b"}
    assert site_credentials("site-2", environment).writer == Credentials("a", "b")


def test_from_a_file_and_a_command(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("from file\n")
    script = "print('from command')"
    found = site_credentials(
        "primary",
        {
            "VANVAULT_PRIMARY_ACCESS_KEY_FILE": str(tmp_path / "access"),
            "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": f'{sys.executable} -c "{script}"',
        },
    )
    assert found.writer == Credentials("from file", "from command")


def test_commands_are_not_run_by_a_shell() -> None:
    seen: list[list[str]] = []

    def run(command: list[str]) -> str:
        seen.append(command)
        return "x"

    site_credentials(
        "primary",
        {
            "VANVAULT_PRIMARY_ACCESS_KEY": "general",
            "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": "vault read 'a b' | tee $HOME",
        },
        run,
    )
    assert seen[0] == ["vault", "read", "a b", "|", "tee", "$HOME"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"VANVAULT_PRIMARY_SECRET_KEY": None}, "VANVAULT_PRIMARY_SECRET_KEY"),
        ({"VANVAULT_PRIMARY_ACCESS_KEY": None}, "VANVAULT_PRIMARY_ACCESS_KEY"),
        (
            {"VANVAULT_PRIMARY_ACCESS_KEY": None, "VANVAULT_PRIMARY_SECRET_KEY": None},
            "VANVAULT_PRIMARY_ACCESS_KEY",
        ),
        ({"VANVAULT_PRIMARY_SECRET_KEY": "  "}, "VANVAULT_PRIMARY_SECRET_KEY"),
        ({"VANVAULT_PRIMARY_SECRET_KEY_FILE": "/nowhere"}, "VANVAULT_PRIMARY_SECRET_KEY_FILE"),
        (
            {"VANVAULT_PRIMARY_SECRET_KEY": None, "VANVAULT_PRIMARY_SECRET_KEY_FILE": "/nowhere"},
            "VANVAULT_PRIMARY_SECRET_KEY_FILE",
        ),
        (
            {
                "VANVAULT_PRIMARY_SECRET_KEY": None,
                "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": "sh -c 'echo hunter2; echo hunter2 >&2; exit 1'",
            },
            "VANVAULT_PRIMARY_SECRET_KEY_COMMAND",
        ),
        (
            {
                "VANVAULT_PRIMARY_SECRET_KEY": None,
                "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": "no-such-program hunter2",
            },
            "VANVAULT_PRIMARY_SECRET_KEY_COMMAND",
        ),
        (
            {
                "VANVAULT_PRIMARY_SECRET_KEY": None,
                "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": "unbalanced ' hunter2",
            },
            "VANVAULT_PRIMARY_SECRET_KEY_COMMAND",
        ),
        ({"VANVAULT_PRIMARY_READER_ACCESS_KEY": "reader"}, "VANVAULT_PRIMARY_READER_SECRET_KEY"),
    ],
)
def test_what_is_wrong_is_named_without_the_secret(change: dict[str, str | None], named: str) -> None:
    environment = {name: value for name, value in {**GENERAL, **change}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        site_credentials("primary", environment)
    told = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert named in told
    assert "hunter2" not in told


def test_a_command_that_prints(tmp_path: Path) -> None:
    assert run_command(["echo", "value"]) == "value\n"
