"""The index files that sites keep: taken by a node that lacks them, and kept level with this node's index.

What is true about the archive is what its segments' manifests say. A directory is compared with them: a
segment that it leaves out, or of which it tells another count of rows, is not covered: it is indexed anew.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vanvault.archiver.catalogue.index.file import IndexFile
from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX, IndexStore
from vanvault.archiver.catalogue.kept.directory import (
    DIRECTORY_NAME,
    MOST_KEPT_FILES,
    Believes,
    KeptDirectory,
    KeptFile,
    Signs,
    decode_directory_of,
    encode_directory,
    is_index_file,
)
from vanvault.archiver.catalogue.kept.layered import LayeredStore
from vanvault.archiver.catalogue.kept.place import KeptPlace
from vanvault.archiver.catalogue.kept.plan import (
    GRACE,
    OwnFile,
    choose_files,
    leaving_since,
    removable,
    whole_files,
)
from vanvault.archiver.core.errors import (
    Damaged,
    InvalidInput,
    KeyUnavailable,
    MachineLimit,
    NotFound,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.stores import printable

_PIECE = 4 * 2**20
#: Files of each use, their filters, those that are leaving, and strangers' among them.
_MOST_LISTED = 4 * MOST_KEPT_FILES


@dataclass(frozen=True, slots=True)
class KeptStanding:
    """How one site's kept index stands."""

    site: str
    configured: bool = True
    made_at: str = ""  # of the directory, RFC 3339; empty: there is none that counts
    files: int = 0
    bytes: int = 0
    segments: int = 0  # of the archive's, that it covers
    lacking: tuple[str, ...] = ()  # log parts of the archive's that it does not cover
    trouble: str = ""  # why it cannot be used, or what in it was set aside, for people
    away: bool = False  # nobody could look


@dataclass(frozen=True, slots=True)
class KeptLevel:
    """What one round did at one site."""

    site: str
    added: int = 0  # files
    removed: int = 0
    failure: str = ""  # for people; empty: it is level now


@dataclass(slots=True)
class KeptIndex:
    """What sites keep, for one node."""

    store: LayeredStore
    places: Mapping[str, KeptPlace | None]  # by site; None: nowhere is configured there
    archive: str
    believes: Believes
    work: Path  # a local folder
    is_off: bool = False  # the index shall come from segments alone

    def close(self) -> None:
        """Let go of the sites."""
        for place in self.places.values():
            if place is not None:
                place.close()

    def adopt(
        self,
        wanting: frozenset[str],
        held: frozenset[str],
        rows: Mapping[str, int],
        order: Iterable[str],
    ) -> frozenset[str]:
        """Offer what sites keep of the log parts that this node's index lacks; those that are covered now.

        Args:
            held: log parts that this node's index holds: a file that repeats one of them is left out.
            rows: of each segment that the archive has, by its log part.
            order: sites, the one to ask first in front; one that gave no answer comes last all the same.
        """
        taken: set[str] = set()
        if self.is_off:
            return frozenset()
        places = [place for site in order if (place := self.places.get(site)) is not None]
        for place in sorted(places, key=lambda one: one.late):
            if not wanting - taken:
                break
            found = self._directory(place)
            for file in sorted(found.files, key=lambda one: one.name, reverse=True) if found else ():
                again = self.store.is_offered(file.name)  # another copy of it
                if not again and (not file.logs.isdisjoint(held) or not file.logs.isdisjoint(taken)):
                    continue
                if any(rows.get(log) != count for log, count in file.segments):
                    continue
                if self.store.offer(place, file):
                    taken |= file.logs
        return frozenset(taken & wanting)

    def bring_next(self) -> bool:
        """Fetch the newest offered file whole; false when nothing is left.

        Raises SiteUnavailable, SiteFull.
        """
        left = self.store.offered()
        if not left:
            return False
        try:
            self.store.bring(left[0])
        except NotFound:
            return True  # it is no longer offered
        return True

    def standing(self, rows: Mapping[str, int], away: Collection[str] = ()) -> tuple[KeptStanding, ...]:
        """How each site's kept index stands against the archive's segments; ``away``: sites not to ask."""
        return tuple(
            self._standing(site, place, rows)
            if site not in away or place is None
            else KeptStanding(site, lacking=tuple(sorted(rows)), trouble="the site is away", away=True)
            for site, place in self.places.items()
        )

    def level(
        self, own: Sequence[IndexFile], rows: Mapping[str, int], now: datetime, sign: Signs
    ) -> tuple[KeptLevel, ...]:
        """Bring what sites keep level with this node's index files; what fails at one site stops no other.

        Raises KeyUnavailable (no signing key).
        """
        here = {file.name: file for file in own if self._is_here(file.name)}
        done = []
        for site, place in self.places.items():
            if place is not None:
                try:
                    done.append(_Round(self, place, here, rows, now).run(sign))
                except (SiteUnavailable, Damaged, NotFound, InvalidInput, OSError, RecursionError) as error:
                    why = error.message if isinstance(error, VanVaultError) else str(error)
                    done.append(KeptLevel(site, failure=why))
        return tuple(done)

    def holding(self, logs: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """Site and name of each file that a site's directory names and that holds one of these log parts.

        Raises Damaged (a directory does not count), SiteUnavailable, KeyUnavailable.
        """
        found: list[tuple[str, str]] = []
        for site, place in self.places.items():
            directory = self.read_directory(place) if place is not None else None
            files = directory.files if directory is not None else ()
            found += [(site, file.name) for file in files if not logs.isdisjoint(file.logs)]
        return tuple(found)

    def read_directory(self, place: KeptPlace) -> KeptDirectory | None:
        """None: there is none. Raises Damaged (it does not count), SiteUnavailable, KeyUnavailable."""
        try:
            data = place.directory()
        except NotFound:
            return None
        return decode_directory_of(data, self.archive, self.believes)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A whole file of this node's store on local disk. Raises NotFound, SiteUnavailable, OSError."""
        path = self.store.own.path(name)
        if path is not None:
            yield path
            return
        self.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.work, prefix="making-") as scratch:
            path = Path(scratch) / "copy"
            _copy(self.store.own, name, path)
            yield path

    def _is_here(self, name: str) -> bool:
        try:
            self.store.own.size(name)
        except NotFound:
            return False
        return True

    def _directory(self, place: KeptPlace) -> KeptDirectory | None:
        """The directory of a site; None when there is none that counts: ``standing`` says why."""
        try:
            return self.read_directory(place)
        except (Damaged, SiteUnavailable):
            return None

    def sound(self, site: str, files: Iterable[KeptFile]) -> list[KeptFile]:
        """Without those that were found damaged at this site."""
        return [one for one in files if not self.store.refused.holds(site, one)]

    def _standing(self, site: str, place: KeptPlace | None, rows: Mapping[str, int]) -> KeptStanding:
        if place is None:
            return KeptStanding(site, configured=False, lacking=tuple(sorted(rows)))
        none = KeptStanding(site, lacking=tuple(sorted(rows)))
        try:
            found = self.read_directory(place)
            listing = place.list(_MOST_LISTED) if found is not None else {}
        except Damaged as error:
            return replace(none, trouble=error.message)
        except (SiteUnavailable, MachineLimit, KeyUnavailable) as error:
            return replace(none, trouble=error.message, away=True)
        except (OSError, RecursionError, InvalidInput) as error:  # told, and no alarm of anything else stops
            return replace(none, trouble=f"it cannot be looked at: {error}")
        if found is None:
            return none
        present = _true(whole_files(found.files, listing), rows)
        whole = self.sound(site, present)
        covered = {log for file in whole for log in file.logs}
        gone = len(found.files) - len(present)
        refused = sorted({one.name for one in present} - {one.name for one in whole})
        strangers = sorted(printable(name) for name in listing if not _is_ours(name))
        what = [
            *([f"{gone} files of its directory are missing, or not what it says"] if gone else []),
            *([f"{len(refused)} files are damaged, such as {refused[0]}"] if refused else []),
            *([f"{len(strangers)} files are not the index's, such as {strangers[0]}"] if strangers else []),
        ]
        return KeptStanding(
            site,
            made_at=found.made_at,
            files=len(whole),
            bytes=sum(file.whole_size for file in whole),
            segments=len(covered & rows.keys()),
            lacking=tuple(sorted(rows.keys() - covered)),
            trouble="; ".join(what),
        )


@dataclass(slots=True)
class _Round:
    """One round at one site."""

    kept: KeptIndex
    place: KeptPlace
    here: Mapping[str, IndexFile]
    rows: Mapping[str, int]
    now: datetime

    def run(self, sign: Signs) -> KeptLevel:
        """Files first, then the directory that names them, then what it does not name any more."""
        before = self._before()
        listing = self.place.list(_MOST_LISTED)
        stored = _true(whole_files(before.files, listing), self.rows) if before else []
        stored = self.kept.sound(self.place.site, stored)
        own = [OwnFile(name, _logs(file)) for name, file in self.here.items()]
        choice = choose_files(stored, own)
        added = [self._add(self.here[name]) for name in choice.added]
        files = tuple(sorted((*choice.kept, *added), key=lambda one: one.name))
        names = frozenset(one.name for one in files)
        leaving = leaving_since(listing, names, before.leaving if before else {}, self.now)
        if before is None or (before.files, before.leaving) != (files, leaving):
            directory = KeptDirectory(self.kept.archive, rfc3339_seconds(self.now), files, leaving)
            self._write(encode_directory(directory, sign))
        named, new = {one.name for one in files}, {one.name for one in added}
        self.kept.store.refused.drop(self.place.site, lambda name: name in new or name not in named)
        over = removable(leaving, self.now)
        for name in over:
            self.place.delete(name)
        self.place.sweep((self.now - GRACE).timestamp())
        return KeptLevel(self.place.site, len(added), len(over))

    def _before(self) -> KeptDirectory | None:
        try:
            return self.kept.read_directory(self.place)
        except Damaged:
            return None  # it is written anew

    def _add(self, file: IndexFile) -> KeptFile:
        """Put a file there, its filter first."""
        sizes: dict[str, tuple[int, str]] = {}
        for name in (file.name + FILTER_SUFFIX, file.name):
            with self.kept.local(name) as path:
                sizes[name] = path.stat().st_size, _sha256(path)
                self.place.put(name, path)
        size, sha256 = sizes[file.name]
        filter_size, filter_sha256 = sizes[file.name + FILTER_SUFFIX]
        segments = tuple(sorted((one.key, one.rows) for one in file.table.segments))
        return KeptFile(file.name, size, sha256, filter_size, filter_sha256, file.claims, segments)

    def _write(self, data: bytes) -> None:
        self.kept.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.kept.work, prefix="making-") as scratch:
            path = Path(scratch) / "directory"
            path.write_bytes(data)
            self.place.put(DIRECTORY_NAME, path)


def _true(files: Iterable[KeptFile], rows: Mapping[str, int]) -> list[KeptFile]:
    """Those that tell of no known segment another count of rows; a segment may be newer than what is known
    here.
    """
    return [one for one in files if all(rows.get(log, count) == count for log, count in one.segments)]


def _logs(file: IndexFile) -> frozenset[str]:
    return frozenset(one.key for one in file.table.segments)


def _is_ours(name: str) -> bool:
    return name == DIRECTORY_NAME or is_index_file(name.removesuffix(FILTER_SUFFIX))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(store: IndexStore, name: str, path: Path) -> None:
    at = 0
    with path.open("xb") as target:
        while part := store.fetch(name, at, _PIECE):
            target.write(part)
            at += len(part)
