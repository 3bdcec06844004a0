"""A home whose master keys are on a PKCS#11 token, from init to restore."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Served, start_node, stop_node
from tests.servers.softhsm import PIN, SoftHsm
from tests.support.command import json_of, lines_of, run_cli
from tests.support.server import free_port

_numbers = itertools.count(1)


@pytest.fixture
def options(softhsm: SoftHsm, tmp_path: Path) -> list[object]:
    label = f"appliance {next(_numbers)}"
    softhsm.add_token(label)
    (tmp_path / "pin").write_text(PIN)
    (tmp_path / "pin").chmod(0o600)
    return ["--pkcs11-module", softhsm.module, "--token-label", label, "--pin-file", tmp_path / "pin"]


def made_home(folder: Path, *options: object) -> Path:
    made = json_of(run_cli(folder / "home", "init", *options, "--json"))
    (folder / "token").write_text(made["token"])
    return folder / "home"


def test_a_home_on_a_token_takes_gives_verifies_and_restores(options: list[object], tmp_path: Path) -> None:
    home = made_home(tmp_path, *options)
    assert not list((home / "keys").glob("*.key"))
    assert PIN not in (home / "vanvault.toml").read_text()
    paths = [tmp_path / "small.xml", tmp_path / "large.bin"]
    for path, content in zip(paths, (b"<x/>", bytes(range(256)) * 8192), strict=True):
        path.write_bytes(content)
    port = free_port()
    process = start_node(home, port)
    try:
        served = Served(home, f"http://127.0.0.1:{port}", tmp_path / "token", process)
        pushed = served.run("push", paths[0], "--json")
        json_of(run_cli(home, "keys", "rotate", "originals", "--json"))
        pushed_later = served.run("push", paths[1], "--json")
    finally:
        code, log = stop_node(process)
    assert code == 0
    assert PIN not in log
    receipts = [lines_of(result)[0] for result in (pushed, pushed_later)]
    for path, receipt in zip(paths, receipts, strict=True):
        assert run_cli(home, "get", receipt["id"]).stdout_bytes == path.read_bytes()
    assert json_of(run_cli(home, "verify", "--json"))["findings"] == []
    shutil.rmtree(home / "sites" / "standby")
    assert run_cli(home, "restore", "--from", "primary").exit_code == 0
    assert json_of(run_cli(home, "verify", "--json"))["findings"] == []
    listed = json_of(run_cli(home, "keys", "list", "--json"))["keys"]
    assert {"purpose": "originals", "key_id": "originals/2", "active": True} in listed
    numbers = ("--threshold", 2, "--shares", 3)
    refused = run_cli(home, "keys", "escrow", "split", *numbers, "--output", tmp_path / "e")
    assert refused.exit_code == 6
    assert "gives none of them away" in refused.stderr


def escrow_of(folder: Path) -> list[object]:
    shares = sorted(folder.glob("share-*.txt"))[:2]
    given = [part for share in shares for part in ("--share", share)]
    return ["--bundle", folder / "escrow-bundle.vve", *given]


def test_an_escrow_made_with_the_keys_opens_the_archive_without_the_token(
    options: list[object], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    home = made_home(tmp_path, *options, "--escrow", first, "--threshold", 2, "--shares", 3)
    assert run_cli(home, "keys", "rotate", "log").exit_code == 2
    numbers = ("--threshold", 2, "--shares", 3)
    made = json_of(run_cli(home, "keys", "rotate", "all", "--escrow", second, *numbers, "--json"))
    assert made["key_ids"] == ["originals/2", "log/2", "index/2", "credentials/2"]
    for folder in (first, second):
        json_of(run_cli(home, "keys", "escrow", "verify", *escrow_of(folder), "--json"))

    without = {"VANVAULT_KEYS__PROVIDER": "files"}
    drill = tmp_path / "drill"
    shutil.copytree(home, drill)
    shutil.rmtree(drill / "cache")
    for folder in (second, first):
        run_cli(drill, "keys", "escrow", "restore", *escrow_of(folder), env=without)
    assert sorted(path.name for path in (drill / "keys").glob("log-*.key")) == ["log-1.key", "log-2.key"]
    assert json_of(run_cli(drill, "verify", "--json", env=without))["findings"] == []


def test_an_escrow_fills_a_new_token(options: list[object], softhsm: SoftHsm, tmp_path: Path) -> None:
    folder = tmp_path / "escrow"
    home = made_home(tmp_path, *options, "--escrow", folder, "--threshold", 2, "--shares", 3)
    softhsm.add_token("replacement")
    new = {"VANVAULT_KEYS__PKCS11__TOKEN_LABEL": "replacement"}
    assert run_cli(home, "status", env=new).exit_code == 7
    shown = json_of(run_cli(home, "keys", "escrow", "restore", *escrow_of(folder), "--json", env=new))
    assert shown["restored"] == ["credentials/1", "index/1", "log/1", "originals/1"]
    assert json_of(run_cli(home, "verify", "--json", env=new))["findings"] == []


def test_options_of_a_token_and_of_its_escrow_belong_together(options: list[object], tmp_path: Path) -> None:
    wrong: list[list[object]] = [
        options[2:],
        [*options, "--escrow", tmp_path / "e"],
        ["--escrow", tmp_path / "e", "--threshold", 2, "--shares", 3],
    ]
    for given in wrong:
        assert run_cli(tmp_path / "home", "init", *given).exit_code == 2
    assert run_cli(tmp_path / "home", "init", *options[:4]).exit_code == 6
    assert not (tmp_path / "home" / "vanvault.toml").exists()
    made_home(tmp_path, *options)
