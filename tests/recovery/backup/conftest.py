"""A repository is made once; each test works on a copy of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.recovery.backup.kit import PASSWORD, Kit, equip
from tests.recovery.backup.quick_key import make_quick
from tests.servers import restic
from tests.servers.fixtures import unavailable
from tests.servers.processes import ServerUnavailable
from tests.support.lab import Lab

#: Names another restic than the installed one; its life is tested, too.
NEWER = "VANVAULT_TEST_RESTIC"


def program_of(name: str) -> str:
    if name == "newer":
        found = os.environ.get(NEWER, "")
        if not found:
            pytest.skip(f"no other restic can be had by the package clients here; {NEWER} may name one")
        return found
    try:
        return restic.program()
    except ServerUnavailable as error:
        unavailable("restic", str(error))


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("restic") / "empty"
    subprocess.run(
        [program_of("installed"), "-r", str(path), "init"],
        env={**os.environ, "RESTIC_PASSWORD": PASSWORD},
        capture_output=True,
        check=True,
    )
    make_quick(path, PASSWORD)
    return path


@pytest.fixture
def kit(lab: Lab, empty_repository: Path, tmp_path: Path) -> Kit:
    return equip(lab, empty_repository, tmp_path)
