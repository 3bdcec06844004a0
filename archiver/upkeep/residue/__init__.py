"""Residue segments: what stands in the place of segments of which something was disposed of."""

from __future__ import annotations

from vanvault.archiver.upkeep.residue.reduce import Disposed
from vanvault.archiver.upkeep.residue.remains import (
    drop_from_index,
    let_go_large,
    replaced_keys,
    replaced_objects,
)
from vanvault.archiver.upkeep.residue.write import write_residue

__all__ = [
    "Disposed",
    "drop_from_index",
    "let_go_large",
    "replaced_keys",
    "replaced_objects",
    "write_residue",
]
