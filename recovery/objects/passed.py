"""What no copy is made of any more, wherever it still lies: what was replaced or let go of in a disposal."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.upkeep.residue import let_go_large

#: Is no copy made of the object with this key?
PassedOver = Callable[[str], bool]


def nothing_passed(key: str) -> bool:
    """Everything is copied."""
    return False


def passed_over(archive: Archive) -> PassedOver:
    """By what the catalogue knows now, so bring it level with the sites first.

    What it gives raises Damaged, SiteUnavailable, KeyUnavailable where a residue segment cannot be read, when
    it is first asked for a large object.
    """
    replaced = archive.catalogue.replaced_ids()

    @lru_cache(maxsize=1)
    def large() -> frozenset[str]:
        return let_go_large(archive)

    def is_passed(key: str) -> bool:
        name = parse_key(key)
        if name is None or not replaced:
            return False
        if name.family == "batch":
            return archive.catalogue.is_reduced(name.writer, name.sequence)
        return name.writer in replaced if name.family == "segment" else key in large()

    return is_passed
