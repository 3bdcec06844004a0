"""The data key of one object, shown to a person: first on record, then shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from vanvault.archiver.appliance import Archive
from vanvault.archiver.export import unwrap_object


@dataclass(frozen=True, slots=True)
class UnwrappedKey:
    """What opens one object, and nothing else."""

    object: str
    master: str  # the master key under which it was wrapped
    key: bytes = field(repr=False)


def unwrap_key(archive: Archive, object: str, *, who: str) -> UnwrappedKey:
    """The data key of an object. When this returns, the look is on record.

    Raises as ``unwrap_object`` does, and SiteUnavailable: it could not be put on record.
    """
    found = unwrap_object(archive, object)
    archive.record("keys.unwrapped", {"object": found.object, "master": found.master, "who": who})
    return UnwrappedKey(found.object, found.master, found.key)
