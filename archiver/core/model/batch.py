"""Batches: what one group commit wrote, and what the next batches say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vanvault.archiver.core.model.entry import Entry


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a copy lies: one version of one key at one site, locked until a date."""

    site: str
    key: str
    version: str
    retain_until: str  # RFC 3339, UTC, whole seconds: 2037-11-22T00:00:00Z

    def as_json(self) -> dict[str, str]:
        """The same as JSON values, as in receipts."""
        return {
            "key": self.key,
            "retain_until": self.retain_until,
            "site": self.site,
            "version": self.version,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, str]) -> Placement:
        """A placement from JSON values. Raises KeyError, TypeError on other shapes."""
        texts = fields["site"], fields["key"], fields["version"], fields["retain_until"]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a part of a placement is no text")
        return cls(*texts)


@dataclass(frozen=True, slots=True)
class Commit:
    """What made a batch acknowledged: its placements, and the signature over its receipts.

    A batch cannot hold its own (versions exist only after the put), so a later object of the same or
    a following writer carries it. With it, the first receipt can be given again at any later time,
    on any node, even after a site was rebuilt or the signing key changed.
    """

    key: str
    placements: tuple[Placement, ...]
    signing_key: str  # id of the Ed25519 key
    signature: bytes  # 64, over the receipt tree's statement (core/evidence/receipts.py)


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """Facts about one batch object, stored in its encrypted footer."""

    archive: str  # id of the archive, fixed at init
    writer: str  # 16 characters, unique per process start
    sequence: int  # 0, 1, 2, ... without a gap within one writer
    kind: str  # "messages" or "events"
    created_us: int
    retain_until: str  # the lock that the writer asked for, RFC 3339
    rows: int
    previous: str  # SHA-256 (hex) of the writer's object with sequence - 1; "" for sequence 0
    commits: tuple[Commit, ...] = ()  # of earlier batches that no object recorded before
    heads: tuple[str, ...] = ()  # sequence 0 only: last known object of every earlier writer
    final: bool = False  # the writer closed after this object
    large: tuple[Placement, ...] = ()  # copies of the large objects that the rows name


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch object."""

    key: str
    header: BatchHeader
    entries: tuple[Entry, ...]
