"""A mutant is one small bug: in which function, which text becomes which, and which tests must notice it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """One bug. The texts are parts of lines, or whole lines of the function, as the source has them.

    ``function``: its qualified name, such as ``Writer._place``; empty for what stands outside of functions.
    ``tests``: files, or tests of a file (``tests/core/test_x.py::test_y``, also with a class), quick ones of
    the room; the bug counts as noticed when one of them fails.
    ``equivalent``: why no test can tell the changed code from ours; empty: one must.
    """

    name: str
    path: str
    function: str
    before: str
    after: str
    tests: tuple[str, ...]
    equivalent: str = ""

    @property
    def room(self) -> str:
        """Where it is, as a folder or module: ``archiver/stores``, ``recovery/verify``, ``api``."""
        top, *rest = self.path.split("/")
        if top in ("api", "cli") or len(rest) < 2:
            return top
        if rest[0] == "core" and len(rest) > 2:
            return f"{top}/core/{rest[1]}"
        return f"{top}/{rest[0]}"


class Misplaced(Exception):
    """The table does not fit the code any more."""


def patched(mutant: Mutant, source: str) -> str:
    """The source with the bug. Raises Misplaced: the function or the text is not there exactly once."""
    start, end = _span(mutant, source)
    within = source[start:end]
    if within.count(mutant.before) != 1:
        raise Misplaced(
            f"{mutant.name}: {mutant.path} has {mutant.before!r} {within.count(mutant.before)} times in"
            f" {mutant.function or 'the module'}, instead of once"
        )
    changed = source[:start] + within.replace(mutant.before, mutant.after) + source[end:]
    compile(changed, mutant.path, "exec")
    return changed


def _span(mutant: Mutant, source: str) -> tuple[int, int]:
    """Where the function begins and ends, in characters."""
    if not mutant.function:
        return 0, len(source)
    node: ast.AST = ast.parse(source)
    for name in mutant.function.split("."):
        found = [one for one in ast.iter_child_nodes(node) if getattr(one, "name", None) == name]
        if len(found) != 1:
            raise Misplaced(f"{mutant.name}: {mutant.path} has no single {mutant.function}")
        node = found[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    lines = source.splitlines(keepends=True)
    assert node.end_lineno is not None
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    start = sum(map(len, lines[: first - 1]))
    return start, start + sum(map(len, lines[first - 1 : node.end_lineno]))
