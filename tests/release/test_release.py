"""A release built from a commit: a wheel that needs only what is locked for it, and its bill of materials."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.release.test_locks import locked

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once: it installs everything into a fresh environment, which takes a minute."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("a release is built from a commit, and this is no checkout")
    folder = tmp_path_factory.mktemp("release") / "dist"
    subprocess.run([sys.executable, "scripts/release", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def sbom(release: Path) -> Any:
    return json.loads(next(release.glob("*.cdx.json")).read_text(encoding="utf-8"))


def test_all_files_are_there_with_their_digests(release: Path) -> None:
    lines = (release / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert set(sums) == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    assert {Path(name).suffix for name in sums} == {".whl", ".gz", ".lock", ".json"}
    for name, digest in sums.items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest


def test_the_wheel_has_the_runbooks_and_the_guide_for_auditors_as_they_are(release: Path) -> None:
    with zipfile.ZipFile(next(release.glob("*.whl"))) as wheel:
        help = "vanvault/api/console/help"
        for page in (ROOT / "runbooks").glob("*.*.md"):
            assert wheel.read(f"{help}/runbooks/{page.name}") == page.read_bytes()
        for page in (ROOT / "docs").glob("auditors*.md"):
            assert wheel.read(f"{help}/{page.name}") == page.read_bytes()


def test_the_bill_of_materials_is_valid_and_whole(sbom: Any) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(sbom)) is None
    assert sbom["metadata"]["component"]["name"] == "vanvault"
    assert sbom["metadata"]["timestamp"]
    named = {component["name"].lower().replace("_", "-") for component in sbom["components"]}
    known = locked("requirements.lock")
    assert named <= set(known), "what is not locked"
    assert {"pyarrow", "cryptography", "fastapi", "boto3"} <= named
    assert not {"pytest", "pip", "setuptools"} & named
    assert len(named) >= len(known) - 5, "what another Python or system needs is not installed here"
    for component in sbom["components"]:
        assert component["purl"].startswith("pkg:pypi/")
        assert any(reference.get("hashes") for reference in component["externalReferences"])


def test_every_dependency_is_named(sbom: Any) -> None:
    edges = {edge["ref"]: edge.get("dependsOn", []) for edge in sbom["dependencies"]}
    assert edges[sbom["metadata"]["component"]["bom-ref"]]
    assert {component["bom-ref"] for component in sbom["components"]} <= set(edges)
