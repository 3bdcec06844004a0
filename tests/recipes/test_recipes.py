"""The recipes, as their README starts them: they read what the keys of a result open, and nothing else."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Node, event, message
from tests.support.command import run_cli
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact

FOLDER = Path(__file__).parents[2] / "recipes"
BODIES = [f"<x>{number}</x>".encode() for number in range(12)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a segment and batches, and ``keys.json`` of all messages and events of gateways."""
    folder = tmp_path_factory.mktemp("recipes")
    init_home(folder / "home")
    with Archive.open(folder / "home") as archive:
        for turn in range(2):
            with Node(archive) as node:
                node.wait_ready()
                drafts: list[Any] = [
                    message(f"m-{number}", body, given=about(number))
                    for number, body in list(enumerate(BODIES))[turn * 6 : turn * 6 + 6]
                ]
                node.submit([*drafts, event(f"e-{turn}")])
            archive.catch_up()
            if not turn:
                compact(archive, until=archive.clock.now())
    words = ("--gateway", "gateway-1", "--reason", "recipes", "--output", folder / "keys.json", "--yes")
    assert run_cli(folder / "home", "keys", "unwrap", *words).exit_code == 0
    return folder


def about(number: int) -> Metadata:
    state = "accepted" if number % 3 else "refused"
    return Metadata(employer_code="TA", state=state, procedure="600a", insurance_numbers=("7900000001",))


def run(recipe: str, *words: object, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(FOLDER / recipe), *map(str, words)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def site(place: Path) -> Path:
    return place / "home" / "sites" / "primary"


def lines(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_pyarrow_counts_the_messages_and_gives_the_originals(place: Path, tmp_path: Path) -> None:
    done = run("with_pyarrow.py", place / "keys.json", site(place), "--originals", tmp_path / "out")
    assert lines(done)[1:3] == [["accepted", "600a", "8"], ["refused", "600a", "4"]]
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == set(BODIES)


def test_duckdb_counts_the_messages_and_answers_a_question(place: Path) -> None:
    size = sum(len(body) for number, body in enumerate(BODIES) if number % 3)
    found = lines(run("with_duckdb.py", place / "keys.json", site(place)))
    assert found[0] == ["accepted", "600a", "8", str(size)]
    asked = "SELECT entry, count(*) FROM entries WHERE gateway = 'gateway-1' GROUP BY entry ORDER BY entry"
    found = lines(run("with_duckdb.py", place / "keys.json", site(place), asked))
    assert found == [["event", "2"], ["message", "12"]]


def with_spark() -> str | None:
    """A Python that has Spark; None: there is none here."""
    if importlib.util.find_spec("pyspark") is not None:
        return sys.executable
    return os.environ.get("SPARK_PYTHON")


def test_spark_counts_the_messages_and_reads_lists(place: Path) -> None:
    python = with_spark()
    if python is None or shutil.which("javac") is None:
        pytest.skip("pyspark, or a JDK, is not on this machine")
    found = lines(run("with_spark.py", place / "keys.json", site(place), python=python))
    assert [row[:3] for row in found] == [["accepted", "600a", "8"], ["refused", "600a", "4"]]
    asked = "SELECT n, count(*) FROM (SELECT explode(insurance_numbers) n FROM entries) GROUP BY n"
    found = lines(run("with_spark.py", place / "keys.json", site(place), asked, python=python))
    assert ["7900000001", "12"] in found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_each_recipe_is_python_and_needs_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert not any(name.startswith("vanvault") for name in imported)
    assert (ast.get_docstring(tree) or "").strip()
    assert path.name in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", ["with_pyarrow.py", "with_duckdb.py"])
def test_a_changed_object_is_not_read(place: Path, tmp_path: Path, recipe: str) -> None:
    copy = tmp_path / "copy"
    for one in json.loads((place / "keys.json").read_bytes())["opens"]:
        folder, _, last = one["object"].rpartition("/")
        versions = (site(place) / "objects" / folder / f"~{last[:7]}").glob(f"{last}~*")
        (source,) = (path for path in versions if path.name.count("~") == 1)
        (copy / folder).mkdir(parents=True, exist_ok=True)
        (copy / folder / last).write_bytes(source.read_bytes())
    assert run(recipe, place / "keys.json", copy).returncode == 0, "as an S3 client copies them"
    changed = copy / one["object"]
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    done = run(recipe, place / "keys.json", copy)
    assert done.returncode == 1
    assert hashlib.sha256(changed.read_bytes()).hexdigest() in done.stderr
    changed.unlink()
    assert "does not hold" in run(recipe, place / "keys.json", copy).stderr
