"""Does the third copy hold some objects? Asked of the repository itself, of every snapshot in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.names import digest_in
from vanvault.recovery.backup.place import open_restic, place_of
from vanvault.recovery.backup.repository import Repository


@dataclass(frozen=True, slots=True)
class CopyLooked:
    """What a repository was found to hold."""

    repository: str  # for people, without secrets
    snapshots: int  # all that there are
    holding: tuple[str, ...]  # those that hold any of the objects
    strange: tuple[str, ...]  # others that are not as this program makes them: what they hold, nobody sees
    forgotten: bool  # bytes lie there that no snapshot or no index names: of what, nobody sees

    @property
    def is_clear(self) -> bool:
        """Is nothing of the objects there?"""
        return not self.holding and not self.strange and not self.forgotten


def look_for_objects(archive: Archive, keys: Iterable[str]) -> CopyLooked | None:
    """Look for objects by the names of files, which are their digests in a slice; None: none is named.

    No byte of a file is read. So only a snapshot with the tags and the files of a slice or a record counts as
    looked into; any other may hold an object under another name, and is named as strange. What a backup was
    copied to is not seen from here.

    Raises SettingsError, SiteUnavailable, NotFound (no repository), Busy, KeyUnavailable (password), Damaged
    (also: no keys, or one without a digest, which no file name could show).
    """
    settings = archive.settings.backup
    if settings.repository is None:
        return None
    wanted = _names(keys)
    place = place_of(settings, archive.home)
    restic = open_restic(place, cache=archive.home / "cache" / "restic")
    repository = Repository(restic, archive.settings.archive)
    repository.snapshots()  # another archive's is refused
    contents = repository.contents()
    holding = tuple(one.snapshot for one in contents if not wanted.isdisjoint(one.names))
    strange = tuple(one.snapshot for one in contents if not one.is_ours and one.snapshot not in holding)
    # Blobs are compared last, and not at all where the answer is no already.
    forgotten = not (holding or strange) and repository.has_forgotten(contents)
    return CopyLooked(place.told, len(contents), holding, strange, forgotten)


def _names(keys: Iterable[str]) -> frozenset[str]:
    """The names of files that hold these objects. Raises Damaged."""
    digests = {key: digest_in(key) for key in keys}
    if not digests:
        raise Damaged("nothing is known of the objects that went, so no backup can be looked into")
    names = frozenset(digest.hex() for digest in digests.values() if digest is not None)
    if lacking := sorted(key for key, digest in digests.items() if digest is None):
        raise Damaged(
            f"{len(lacking)} of the objects that went have no digest in their key: {lacking[0][:80]}"
        )
    return names
