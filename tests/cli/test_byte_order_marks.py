"""A byte order mark at the start of a file that people or scripts write is no error."""

from __future__ import annotations

import codecs
from pathlib import Path

from tests.cli.conftest import Served
from tests.support.command import json_of
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.home_files import load_settings
from vanvault.archiver.keys.pkcs11.pin import pin_from_file
from vanvault.archiver.people import Gateways
from vanvault.archiver.stores import Credentials, site_credentials
from vanvault.cli.credentials import bearer_token


def marked(path: Path) -> None:
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())


def test_settings_and_gateways(tmp_path: Path) -> None:
    token = init_home(tmp_path)
    archive = load_settings(tmp_path).archive
    marked(tmp_path / "vanvault.toml")
    marked(tmp_path / "gateways.json")
    assert load_settings(tmp_path).archive == archive
    gateways = Gateways(tmp_path)
    assert gateways.authenticate(token, SystemClock()).gateway == "gateway-1"
    gateways.add("gateway-2", SystemEntropy(), SystemClock())
    assert gateways.authenticate(token, SystemClock()).gateway == "gateway-1"


def test_receipts(served: Served, tmp_path: Path) -> None:
    source = tmp_path / "marked.txt"
    source.write_bytes(b"marked")
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(codecs.BOM_UTF8 + served.run("push", source, "--json").stdout_bytes)
    assert json_of(served.run("receipt", "verify", receipt, "--original", source, "--json"))["ok"]


def test_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_bytes(codecs.BOM_UTF8 + b"word\r\n")
    assert bearer_token(path, {}) == "word"
    assert bearer_token(None, {"VANVAULT_TOKEN_FILE": str(path)}) == "word"
    assert bearer_token(None, {"VANVAULT_TOKEN_COMMAND": f"cat {path}"}) == "word"
    assert pin_from_file(path) == "word"
    environment = {
        "VANVAULT_PRIMARY_ACCESS_KEY_FILE": str(path),
        "VANVAULT_PRIMARY_SECRET_KEY_COMMAND": f"cat {path}",
    }
    assert site_credentials("primary", environment).writer == Credentials("word", "word")
