"""Does the third copy hold some objects? Asked of the repository itself, of every snapshot in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import digest_in
from vanvault.recovery.backup.place import open_restic, place_of
from vanvault.recovery.backup.repository import Repository


@dataclass(frozen=True, slots=True)
class CopyLooked:
    """What a repository was found to hold."""

    repository: str  # for people, without secrets
    snapshots: int  # that were looked into: all that there are
    holding: tuple[str, ...]  # those that hold any of the objects
    forgotten: bool  # bytes lie there that no snapshot names: of what, only they themselves tell

    @property
    def is_clear(self) -> bool:
        """Is nothing of the objects there?"""
        return not self.holding and not self.forgotten


def look_for_objects(archive: Archive, keys: Iterable[str]) -> CopyLooked | None:
    """Look for objects by their digests, which are the names of files in a slice; None: none is named.

    A snapshot that lost its tags, or that somebody else made, is looked into as well. What a backup was
    copied to is not seen from here.

    Raises SettingsError, SiteUnavailable, NotFound (no repository), Busy, KeyUnavailable (password), Damaged.
    """
    settings = archive.settings.backup
    if settings.repository is None:
        return None
    place = place_of(settings, archive.home)
    restic = open_restic(place, cache=archive.home / "cache" / "restic")
    repository = Repository(restic, archive.settings.archive)
    repository.snapshots()  # another archive's is refused
    wanted = {digest.hex() for key in keys if (digest := digest_in(key)) is not None}
    snapshots = repository.every_snapshot()
    holding = tuple(one for one in snapshots if not wanted.isdisjoint(repository.names_in(one)))
    return CopyLooked(place.told, len(snapshots), holding, repository.has_forgotten())
