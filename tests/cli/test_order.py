"""Of several things that are wrong, the first that has to be put right is told first."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import run_cli


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def spoil_settings(home: Path) -> None:
    path = home / "vanvault.toml"
    path.write_text(path.read_text() + "\n[clock]\nmax_skew_s = 0\n")


def spoil_jobs(home: Path) -> None:
    path = home / "vanvault.toml"
    path.write_text(path.read_text() + '\n[schedule.jobs.verify]\nevery = "999999d"\n')


def spoil_sites(home: Path) -> None:
    path = home / "vanvault.toml"
    path.write_text(path.read_text().replace("file:sites/standby", "file:sites/primary"))


def spoil_keys(home: Path) -> None:
    shutil.rmtree(home / "keys")


def spoil_gateways(home: Path) -> None:
    (home / "gateways.json").write_text("{")


#: In the order in which they are told: what is wrong, words of its message, exit code.
TROUBLES = (
    (spoil_settings, "clock.max_skew_s", 6),
    (spoil_jobs, "schedule.jobs.verify.every", 6),
    (spoil_sites, "sites.primary.url and sites.standby.url are one place", 6),
    (spoil_keys, "key folder", 6),
    (spoil_gateways, "gateways.json", 6),
)


@pytest.mark.parametrize("first", range(len(TROUBLES) + 1))
def test_serve_tells_the_first_thing_wrong_and_ports_last(home: Path, taken: int, first: int) -> None:
    for spoil, _, _ in TROUBLES[first:]:
        spoil(home)
    told = run_cli(home, "serve", "--port", taken)
    last = (f"cannot listen at 127.0.0.1 port {taken}", 2)
    words, code = TROUBLES[first][1:] if first < len(TROUBLES) else last
    assert told.exit_code == code, told.stderr
    assert words in told.stderr
    assert told.stderr.count("error: ") == 1


def test_a_home_that_is_none_is_told_before_all_else(tmp_path: Path, taken: int) -> None:
    none, empty = tmp_path / "none", tmp_path / "empty"
    empty.touch()
    for words in (
        ("serve", "--port", taken),
        ("keys", "escrow", "restore", "--bundle", empty, "--share", empty),
        ("keys", "escrow", "split", "--threshold", 2, "--shares", 3, "--output", tmp_path / "out"),
        ("gateway", "list"),
        ("backup", "check"),
        ("drill", "list"),
        ("schedule", "run", "verify"),
    ):
        told = run_cli(none, *words)
        assert told.exit_code == 6, (words, told.stderr)
        assert "is no VanVault home" in told.stderr


@pytest.mark.parametrize(
    "verb", ["status", "verify", "search", "failover status", "schedule list", "coverage"]
)
def test_sites_come_before_keys(home: Path, verb: str) -> None:
    spoil_sites(home)
    spoil_keys(home)
    told = run_cli(home, *verb.split())
    assert told.exit_code == 6
    assert "sites.primary.url" in told.stderr
