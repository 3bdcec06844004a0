"""An export of some fields only, for somebody to whom just these were granted. Pure.

Entries lack all other fields; the manifest says which were granted and by what, so that nothing is missed in
silence. Entries of the archive's own gateway never go along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.model import SYSTEM_GATEWAY

#: Makes further files of all narrowed items, as NDJSON: name -> bytes.
MakeCopies = Callable[[Iterable[bytes]], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What may go along. ``extraction`` becomes a part of the signed manifest."""

    fields: frozenset[str]  # of an item, or ``original`` and ``receipt``
    extraction: Mapping[str, Any]
    count: int  # of the entries; where others are found now, nothing is sealed
    members: Mapping[str, bytes] = field(default_factory=dict)  # further files of the ZIP
    copies: MakeCopies = lambda lines: {}

    def takes(self, item: Item) -> bool:
        """Is this somebody's entry that is still there, and none of the archive's own?"""
        return str(item["gateway"]) != SYSTEM_GATEWAY and item["entry"] != "disposed"

    def narrowed(self, item: Item) -> Item:
        """Only what was granted; ``id`` and ``entry`` tell which entry it is."""
        return {name: value for name, value in item.items() if name in self.fields or name in ("id", "entry")}
