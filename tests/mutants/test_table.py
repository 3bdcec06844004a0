"""The table of small bugs fits the code. Whether the tests notice each of them: ``make mutants``."""

from __future__ import annotations

import ast
import json
from functools import cache

import pytest

from tests.mutants.model import ROOT, Misplaced, Mutant, patched
from tests.mutants.run import main
from tests.mutants.table import MUTANTS

#: What stores, signs, locks, finds, restores or admits. A new room of this kind is added here.
ROOMS = (
    "api",
    "archiver/catalogue",
    "archiver/core",
    "archiver/core/evidence",
    "archiver/core/format",
    "archiver/disk",
    "archiver/export",
    "archiver/intake",
    "archiver/journal",
    "archiver/keys",
    "archiver/people",
    "archiver/replicas",
    "archiver/stores",
    "archiver/upkeep",
    "recovery/access",
    "recovery/backup",
    "recovery/clearing",
    "recovery/custody",
    "recovery/drill",
    "recovery/failover",
    "recovery/objects",
    "recovery/reconcile",
    "recovery/repair",
    "recovery/restore",
    "recovery/sign_on",
    "recovery/verify",
)


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) >= 120


def test_the_last_line_of_a_run_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "no-such-bug"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["mutants"], told["killed"], told["survived"]) == (0, 0, [])


def test_names_are_unique() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_some(room: str) -> None:
    assert len([mutant for mutant in MUTANTS if mutant.room == room]) >= 2


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_row_fits_the_code_and_the_tests(mutant: Mutant) -> None:
    source = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert patched(mutant, source) != source
    assert mutant.tests
    for test in mutant.tests:
        path, *names = test.split("::")
        assert (ROOT / path).is_file(), path
        for name in names:
            assert name in names_in(path), test


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def test_a_row_that_does_not_fit_is_named() -> None:
    source = "def f(a):\n    return a < 1 or a < 2\n"
    for function, before in (("f", "a < "), ("f", "a > "), ("g", "a < 1"), ("", "x")):
        with pytest.raises(Misplaced, match="the-name"):
            patched(Mutant("the-name", "archiver/x.py", function, before, "b", ()), source)
    assert "a <= 1" in patched(Mutant("the-name", "archiver/x.py", "f", "a < 1", "a <= 1", ()), source)


def test_a_bug_that_does_not_compile_is_none() -> None:
    with pytest.raises(SyntaxError):
        patched(
            Mutant("the-name", "archiver/x.py", "f", "return a", "return (", ()), "def f(a):\n    return a\n"
        )
