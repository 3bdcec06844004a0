"""``vanvault clear``: with the disposers' credentials it removes, without them it says whose are missing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import json_of, run_cli
from vanvault.archiver.core.error_table import ExitCode


def disposers(home: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for site in ("primary", "standby"):
        json_of(run_cli(home, "site", "init", site, "--json"))
        lines = (home / "credentials" / f"{site}.disposer.env").read_text().splitlines()
        found |= dict(line.split("=", 1) for line in lines)
    return found


def test_without_credentials_the_site_is_named(home: Path) -> None:
    refused = run_cli(home, "clear")
    assert refused.exit_code == ExitCode.SETTINGS
    assert "site primary has no credentials for its disposer" in refused.stderr
    assert "VANVAULT_PRIMARY_DISPOSER" in refused.stderr


def test_a_dry_run_needs_none(home: Path) -> None:
    told = run_cli(home, "clear", "--dry-run", "--json")
    assert told.exit_code == ExitCode.CHECK_FAILED, "nothing was verified yet"
    assert any("not verified whole" in why for why in json.loads(told.stdout)["halted"])


def test_where_nothing_is_spent_nothing_goes(home: Path) -> None:
    environment = disposers(home)
    json_of(run_cli(home, "verify", "--json"))
    done = json_of(run_cli(home, "clear", "--json", env=environment))
    assert (done["batches"], done["halted"], done["left"], done["more"]) == (0, [], [], False)
    shown = run_cli(home, "clear", env=environment)
    assert shown.stdout.splitlines() == [
        "primary: 0 batches removed, 0 B",
        "standby: 0 batches removed, 0 B",
    ]


def test_another_secret_is_refused(home: Path) -> None:
    environment = disposers(home)
    environment["VANVAULT_STANDBY_DISPOSER_SECRET_KEY"] = "00" * 20
    refused = run_cli(home, "clear", env=environment)
    assert refused.exit_code == ExitCode.SETTINGS
    assert "not the credentials of the disposer of site standby" in refused.stderr
