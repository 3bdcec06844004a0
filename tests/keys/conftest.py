"""A token for each test, and its keys."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.softhsm import PIN, SoftHsm

from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.settings import KeysSettings, Pkcs11Settings

ENTROPY = SystemEntropy()
_numbers = itertools.count(1)


@dataclass(frozen=True)
class TokenPlace:
    """One token, and a folder that stands for the home."""

    home: Path
    label: str
    module: Path

    def settings(self, **changes: object) -> KeysSettings:
        given: dict[str, object] = {
            "module": str(self.module),
            "token_label": self.label,
            "pin_file": "pin",
        }
        return KeysSettings(provider="pkcs11", pkcs11=Pkcs11Settings.model_validate(given | changes))


@pytest.fixture
def new_token(softhsm: SoftHsm, tmp_path: Path) -> Callable[[], TokenPlace]:
    """Makes a token that nothing else uses, with its PIN in a file of the home."""

    def make() -> TokenPlace:
        label = f"test {next(_numbers)}"
        softhsm.add_token(label)
        home = tmp_path / label
        (home / "keys").mkdir(parents=True, mode=0o700)
        (home / "pin").write_text(f"{PIN}\n")
        (home / "pin").chmod(0o600)
        return TokenPlace(home, label, softhsm.module)

    return make


@pytest.fixture
def place(new_token: Callable[[], TokenPlace]) -> TokenPlace:
    return new_token()
