"""The lock files: every package has hashes, none is missing, and a host gets nothing that only tests need."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
#: Lock file -> the tables of pyproject.toml that it makes whole, beside the files before it.
LOCKS = {
    "requirements.lock": (),
    "requirements-dask.lock": ("dask",),
    "requirements-dev.lock": ("dask", "dev"),
}


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked(name: str) -> dict[str, tuple[Version, list[str]]]:
    """Package -> version and the SHA-256 of its files."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.\-]+)==([^\s;]+).*((?:\n    --hash=.*)*)$", text, re.MULTILINE)
    return {
        canonicalize_name(package): (Version(version), re.findall(r"sha256:([0-9a-f]{64})\b", hashes))
        for package, version, hashes in found
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_hashes_and_pip_asks_for_them(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    options = [line for line in lines if line.startswith("--")]
    assert options == ["--require-hashes", "--only-binary :all:"]
    packages = locked(name)
    assert len(packages) == sum(1 for line in lines if line[:1].isalnum())
    assert [package for package, (_, hashes) in packages.items() if not hashes] == []


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_locked(name: str) -> None:
    known: dict[str, Version] = {}
    for lock in LOCKS:
        known |= {package: version for package, (version, _) in locked(lock).items()}
        if lock == name:
            break
    asked = list(project()["dependencies"])
    for extra in LOCKS[name]:
        asked += project()["optional-dependencies"][extra]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(known[canonicalize_name(requirement.name)]), requirement


def test_no_package_stands_in_two_files() -> None:
    names = [package for lock in LOCKS for package in locked(lock)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "package", ["pytest", "mypy", "ruff", "hypothesis", "distributed", "ansible-core", "uv"]
)
def test_a_host_gets_nothing_that_only_tests_need(package: str) -> None:
    assert package not in locked("requirements.lock")


def test_pip_takes_no_file_with_another_hash(tmp_path: Path) -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = re.search(r"^annotated-types==.*(?:\n    --hash=.*)+", text, re.MULTILINE)
    assert found
    good, bad = tmp_path / "good.lock", tmp_path / "bad.lock"
    good.write_text(f"--require-hashes\n{found[0]}\n")
    bad.write_text(re.sub(r"sha256:(.)", lambda one: f"sha256:{int(one[1], 16) ^ 1:x}", good.read_text()))
    for lock, code in ((good, 0), (bad, 1)):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(tmp_path / lock.stem)]
        done = subprocess.run([*command, "--requirement", str(lock)], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
    assert "DO NOT MATCH THE HASHES" in done.stderr
