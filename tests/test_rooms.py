"""Imports go one way, and rooms are entered by their doors (the table: ``tests/rooms.py``)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms import ROOMS, Room

ROOT = Path(__file__).parent.parent
TOPS = ("archiver", "recovery", "api", "cli")
BY_NAME = {room.name: room for room in ROOMS}


def path_of(module: str) -> Path:
    return ROOT / module.replace(".", "/")


def modules() -> list[str]:
    """Every module of the product, dotted, without ``vanvault.``; a package by its folder's name."""
    paths = [path.relative_to(ROOT) for top in TOPS for path in (ROOT / top).rglob("*.py")]
    return sorted(
        ".".join((path.parent if path.name == "__init__.py" else path.with_suffix("")).parts)
        for path in paths
    )


MODULES = frozenset(modules())


def file_of(module: str) -> Path:
    path = path_of(module)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(module: str) -> Iterator[tuple[str, str, int]]:
    """(module, name, line) of each import of our own, wherever the statement stands in the file."""
    for node in ast.walk(ast.parse(file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            found = str(node.module).removeprefix("vanvault").removeprefix(".")
            if str(node.module).split(".")[0] == "vanvault" and found:
                yield from ((found, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("vanvault."), f"{module}:{node.lineno}: use from ... import"


def room_of(module: str) -> str | None:
    """The innermost room that a module lies in."""
    held = [name for name in BY_NAME if module == name or module.startswith(f"{name}.")]
    return max(held, key=len, default=None)


def folder_of(room: str) -> str:
    """The outermost room around a room: its modules may import each other without doors."""
    around = [name for name in BY_NAME if room == name or room.startswith(f"{name}.")]
    return min(around, key=len)


def door_of(room: str) -> list[str]:
    """The names in the ``__all__`` of a room's ``__init__.py``."""
    for node in ast.parse(file_of(room).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def allows(rule: str, room: str) -> bool:
    if rule.endswith(".*"):
        return room == rule[:-2] or room.startswith(rule[:-1])
    return rule == room


def test_every_module_lies_in_a_room() -> None:
    shelves = {"archiver", "archiver.core", "recovery"}  # hold rooms, and nothing else
    assert [module for module in modules() if room_of(module) is None and module not in shelves] == []
    assert [shelf for shelf in shelves if "import" in file_of(shelf).read_text(encoding="utf-8")] == []


def test_a_room_may_import_only_rooms_that_stand_before_it() -> None:
    seen: set[str] = set()
    for room in ROOMS:
        for rule in room.may_import:
            found = {name for name in BY_NAME if allows(rule, name)}
            assert found, f"{room.name}: {rule} is no room"
            assert found <= seen, f"{room.name} may import {sorted(found - seen)}, which stand after it"
        seen.add(room.name)


@pytest.mark.parametrize("module", modules())
def test_imports_keep_to_the_table_and_come_in_by_doors(module: str) -> None:
    own = room_of(module)
    for found, name, line in imports_of(module):
        other = room_of(found)
        if other is None or own is None:
            assert found in ("archiver", "recovery", "archiver.core") and own is None, f"{module}:{line}"
            continue
        if folder_of(own) == folder_of(other):
            continue
        where = f"{module}:{line}: {own} takes {name} from {found}"
        assert any(allows(rule, other) for rule in BY_NAME[own].may_import), f"{where}: not in the table"
        assert found == other, f"{where}: not by the door, which is {other}"
        if BY_NAME[other].door is not None:
            assert name in door_of(other), f"{where}: not a name of that door"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_door_has_the_names_that_the_table_says(room: Room) -> None:
    if room.door is None:
        assert path_of(room.name).with_suffix(".py").is_file()
        return
    names = door_of(room.name)
    assert len(names) == room.door
    assert len(set(names)) == len(names)
    shown = [name for found, name, _ in imports_of(room.name) if f"{found}.{name}" in MODULES]
    assert shown == [], "a door shows names, not modules"


def named_in(rules: tuple[str, ...]) -> set[str]:
    """What ``may_import`` names, as a README writes it: without ``archiver.`` before and ``.*`` behind."""
    return {rule.removesuffix(".*").removeprefix("archiver.") for rule in rules}


@pytest.mark.parametrize(
    "room", [room for room in ROOMS if room.door is not None], ids=lambda room: room.name
)
def test_a_room_has_a_readme_that_says_what_it_may_import(room: Room) -> None:
    text = (path_of(room.name) / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80, "a README of a room is read in a minute"
    said = re.search(r"^May import: (.*?)\.?$(?=\n\n|\n?\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert said is not None, "it lacks the line: May import: ..."
    found = set(
        re.findall(r"[a-z_0-9]+(?:\.[a-z_0-9]+)*", re.sub(r"\([^)]*\)", "", said[1]).replace(".*", ""))
    )
    parts = [other.may_import for other in ROOMS if other.name.startswith(f"{room.name}.")]
    must, may = named_in(room.may_import), named_in(tuple(rule for rules in parts for rule in rules))
    assert must <= found - {"nothing"} <= must | may


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Within a room, too, and wherever the import stands: in a function, or for the type checker alone."""
    imported = {
        module: {
            name if (name := f"{found}.{taken}") in MODULES else found
            for found, taken, _ in imports_of(module)
        }
        for module in MODULES
    }
    doors = {room.name for room in ROOMS if room.door is not None}
    # A room's own modules are reached through its door by others only, so a door depends on nothing here.
    graph = {module: found - doors for module, found in imported.items() if module not in doors}
    circles = []
    done: set[str] = set()
    for start in sorted(graph):
        path: list[str] = []
        walk(start, graph, path, done, circles)
    assert circles == []


def walk(
    module: str, graph: dict[str, set[str]], path: list[str], done: set[str], circles: list[list[str]]
) -> None:
    if module in path:
        circles.append([*path[path.index(module) :], module])
        return
    if module in done:
        return
    for other in sorted(graph.get(module, ())):
        walk(other, graph, [*path, module], done, circles)
    done.add(module)
