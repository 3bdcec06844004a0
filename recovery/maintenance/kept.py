"""The index files beside the sites, levelled at the end of a verb that changed the index."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KeptLevel
from vanvault.archiver.core.errors import VanVaultError
from vanvault.recovery.work import Observer

Kept = tuple[KeptLevel, ...]


def keep_index(archive: Archive, observer: Observer) -> Kept:
    """What fails is a warning: a node or the next run does it, and ``status`` tells what is lacking."""
    try:
        archive.index.catch_up()
        done = archive.keep_index()
    except VanVaultError as error:
        observer.warn(f"index files were not kept beside the sites: {error.message}")
        return ()
    for one in done:
        if one.failure:
            observer.warn(f"index files were not kept beside {one.site}: {one.failure}")
    return done


def kept_fields(done: Kept) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {"site": one.site, "added": one.added, "removed": one.removed, "failure": one.failure} for one in done
    ]
