"""What a search or a count could not look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unread:
    """What a search could not look at: these entries may be missing from its answer."""

    object: str  # key of the log part, or of the batch
    reason: str  # "damaged", "unavailable", "missing", "not indexed yet"
    first: str  # RFC 3339: of the entries in it
    last: str
