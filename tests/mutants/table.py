"""All mutants, room by room. Those of a room stand in the file of its name in ``rooms``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.mutants.model import Mutant

_FILES = sorted(path.stem for path in (Path(__file__).parent / "rooms").glob("[a-z]*.py"))

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant for name in _FILES for mutant in import_module(f"tests.mutants.rooms.{name}").MUTANTS
)
