"""What a look at a receipt says beside it: its object was cleared, and which segment holds its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.names import parse_key


@dataclass(frozen=True, slots=True)
class ClearedObject:
    """The object that a receipt names is gone at these sites."""

    segment: str  # id of the one that holds its rows
    sites: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"segment": self.segment, "sites": list(self.sites)}

    @property
    def line(self) -> str:
        """One line for people."""
        at = " and ".join(self.sites)
        return f"the object that it names was cleared at {at}: the segment {self.segment} holds its rows"


def cleared_object(archive: ArchiveReader, receipt: Mapping[str, Any]) -> ClearedObject | None:
    """Was the object of this receipt cleared? None: it lies where the receipt says, as far as sites tell.

    Asks each site that the receipt names. The receipt itself stays as it is.
    """
    key = str(receipt.get("object", ""))
    name = parse_key(key)
    segment = archive.catalogue.covering(name.writer, name.sequence) if name is not None else None
    if segment is None:
        return None
    gone = []
    for site in sorted({str(one.get("site")) for one in receipt.get("placements", ())} & set(archive.sites)):
        try:
            if not archive.readable[site].versions(key):
                gone.append(site)
        except SiteUnavailable:
            continue  # nobody knows now
    return ClearedObject(segment.manifest.segment, tuple(gone)) if gone else None
