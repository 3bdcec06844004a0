"""One vocabulary: type names are unique, retired words stay out, and every path that a text names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOPS = ("archiver", "recovery", "api", "cli")

#: Names of types that several modules define, and why each may.
SHARED_TYPES = {
    "State": "of the committer and of a node's readiness: each is only used in its own module",
}

#: Public functions of ``recovery`` that several modules define, and why each may.
SHARED_FUNCTIONS = {
    "main": "the start of a process",
    "rehearse": "every scenario of a drill has one",
}

#: Words that were retired, as they are written in code: what stands in their place is in GLOSSARY.md.
RETIRED = (
    "Heed",
    "heed",
    "Heard",
    "heard",
    "Spared",
    "spared",
    "Stand",
    "spares",
    "KeeperPace",
    "group_entries",
    "keep_days_min",
    "health_rules",
    "s3_options",
)


def sources() -> list[Path]:
    return sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def pages() -> list[Path]:
    """Pages of the project itself; what changed in the past may name what is gone."""
    tops = [*TOPS, "docs", "runbooks", "ansible", "benchmarks", "tests"]
    found = [path for top in tops for path in (ROOT / top).rglob("*.md")] + list(ROOT.glob("*.md"))
    # A page that is shipped in a second place is a link to the first, where its own links lead somewhere.
    return sorted(path for path in found if path.name != "CHANGELOG.md" and not path.is_symlink())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def type_names() -> Iterator[tuple[str, str]]:
    """(name, file) of each public class and each public alias of a type at the level of a module."""
    for path in sources():
        for node in tree_of(path).body:
            for name in defined_types(node):
                if not name.startswith("_"):
                    yield name, name_of(path)


def defined_types(node: ast.stmt) -> list[str]:
    """The class or the aliases that a statement defines: an alias is written LikeThis, a constant is not."""
    if isinstance(node, ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if re.fullmatch(r"_*[A-Z]\w*[a-z]\w*", name)]


def function_names() -> Iterator[tuple[str, str]]:
    """(name, file) of each public function of ``recovery`` at the level of a module."""
    for path in sources():
        if not path.is_relative_to(ROOT / "recovery"):
            continue
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node.name, name_of(path)


def with_several_homes(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that more than one file defines, and those files."""
    homes: dict[str, list[str]] = {}
    for name, file in names:
        homes.setdefault(name, []).append(file)
    return {name: files for name, files in homes.items() if len(files) > 1}


def test_a_public_type_name_means_one_thing() -> None:
    assert with_several_homes(type_names()).keys() == SHARED_TYPES.keys()


def test_a_function_of_recovery_has_a_name_of_its_own_or_a_reason() -> None:
    assert with_several_homes(function_names()).keys() == SHARED_FUNCTIONS.keys()


def names_in(path: Path) -> set[str]:
    """All identifiers of a module."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
    return found


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_retired_words_do_not_come_back(path: Path) -> None:
    assert names_in(path).isdisjoint(RETIRED)


#: A path of the project: folders with a slash and a name with an ending, below a top folder or a room.
_PATH = re.compile(r"(?<![\w/.<>*:-])((?:[\w-]+/)+[\w-]+\.(?:py|md|yml|toml))(?![\w/*])")
#: Folders that a path may be relative to, besides the folder of the text itself and those above it.
_BASES = (ROOT, ROOT / "archiver", ROOT / "archiver" / "core", ROOT / "recovery")


def exists(named: str, text: Path) -> bool:
    return any(
        (base / named).exists() for base in (*_BASES, *text.parents[: len(text.relative_to(ROOT).parts)])
    )


def docstrings(path: Path) -> Iterator[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree_of(path)):
        if isinstance(node, kinds):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_every_path_in_backticks_of_a_page_exists(path: Path) -> None:
    spans = re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
    named = {found for span in spans for found in _PATH.findall(span)}
    assert {found for found in named if not exists(found, path)} == set()


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    local = {link for link in links if not re.match(r"[a-z]+:", link)}
    assert {link for link in local if not (path.parent / link).exists()} == set()


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_path_in_a_docstring_exists(path: Path) -> None:
    named = {found for text in docstrings(path) for found in _PATH.findall(text)}
    assert {found for found in named if not exists(found, path)} == set()


MODULE_NAMES = {path.name for path in sources()}


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_module_that_a_docstring_names_exists(path: Path) -> None:
    named = {found for text in docstrings(path) for found in re.findall(r"``(\w+\.py)``", text)}
    assert named <= MODULE_NAMES


def test_the_glossary_gives_each_word_one_line_in_both_languages() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| Term")
    ]
    terms = [row[0] for row in rows]
    assert len(terms) == len(set(terms)) > 50
    assert [row for row in rows if len(row) != 3 or not all(row)] == []
