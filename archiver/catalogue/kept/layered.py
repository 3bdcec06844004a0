"""An index store over what sites keep: a file that is not here yet is read from a site, by range.

``KeptIndex`` says what is offered. A file that was fetched whole is read here from then on.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.catalogue.index.store import (
    FILTER_SUFFIX,
    IndexStore,
    MappedFile,
    RangeFile,
    StoredFile,
    not_held,
)
from vanvault.archiver.catalogue.kept.directory import KeptFile
from vanvault.archiver.catalogue.kept.place import KeptPlace
from vanvault.archiver.catalogue.kept.refused import RefusedFiles
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.stores import write_failed

#: A site and what its directory says of a file.
_Offer = tuple[KeptPlace, KeptFile]
#: Outside of the class, in which ``list`` is a method.
_Offers = list[_Offer]


class LayeredStore:
    """``IndexStore`` over this node's own store; safe to share between threads."""

    def __init__(self, own: IndexStore, work: Path) -> None:
        """``work``: a local folder for files on their way."""
        self.own = own
        self._work = work
        self._offers: dict[str, _Offers] = {}
        self._gave: dict[str, KeptPlace] = {}  # by file, who gave bytes of it the last time
        self.refused = RefusedFiles(work)
        self._lock = threading.Lock()

    def offer(self, place: KeptPlace, file: KeptFile) -> bool:
        """From now on the file can be read, unless it is here; false: it was found damaged there, or another
        site tells another digest of it.
        """
        if self.refused.holds(place.site, file):
            return False
        with self._lock:
            offers = self._offers.get(file.name, [])
            if any(other.sha256 != file.sha256 for _, other in offers):
                return False
            if all(other is not place for other, _ in offers):
                self._offers[file.name] = [*offers, (place, file)]
        return True

    def is_offered(self, name: str) -> bool:
        """Can the file be read from a site?"""
        with self._lock:
            return name in self._offers

    def withdraw(self, name: str | None = None) -> bool:
        """A file (None: nothing) is offered no more; whether it was."""
        with self._lock:
            if name is not None:
                self._gave.pop(name, None)
                return self._offers.pop(name, None) is not None
            self._gave.clear()
            self._offers.clear()
            return True

    def refuse(self, name: str) -> bool:
        """What a site gave of a file is damaged: it is taken from there no more. False: no site gave it."""
        with self._lock:
            place = self._gave.pop(name, None)
        if place is None:
            return False
        self._refuse(name, place)
        return True

    def offered(self) -> Sequence[KeptFile]:
        """What is not here yet, the newest first."""
        with self._lock:
            files = [offers[0][1] for offers in self._offers.values()]
        return sorted(files, key=lambda file: file.name.partition("/")[2], reverse=True)

    def bring(self, file: KeptFile) -> None:
        """Fetch a file whole, filter first. Raises NotFound (no site gives it whole), SiteUnavailable."""
        self._bring(file.name, filter=True)
        self._bring(file.name, filter=False)
        with self._lock:
            self._offers.pop(file.name, None)
            self._gave.pop(file.name, None)

    def put(self, name: str, source: Path) -> None:
        self.own.put(name, source)

    def open(self, name: str) -> RangeFile:
        try:
            return self.own.open(name)
        except NotFound:
            return _OfferedFile(self, name, self._offer(name)[0][1].size)

    def fetch(self, name: str, offset: int, length: int) -> bytes:
        try:
            return self.own.fetch(name, offset, length)
        except NotFound:
            return self.read_offered(name, offset, length)

    def map(self, name: str) -> MappedFile:
        with suppress(NotFound):
            return self.own.map(name)
        base = name.removesuffix(FILTER_SUFFIX)
        self._bring(base, filter=name != base)
        return self.own.map(name)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        found = {one.name: one for one in self.own.list(prefix)}
        for file in self.offered():
            if file.name.startswith(prefix):
                found.setdefault(file.name, StoredFile(file.name, file.size))
        return iter([found[name] for name in sorted(found)])

    def path(self, name: str) -> Path | None:
        return self.own.path(name)

    def size(self, name: str) -> int:
        try:
            return self.own.size(name)
        except NotFound:
            base = name.removesuffix(FILTER_SUFFIX)
            file = self._offer(base)[0][1]
            return file.filter_size if name != base else file.size

    def delete(self, name: str) -> None:
        """Remove it here; it is offered no more, until a directory is read again."""
        self.withdraw(name)
        self.own.delete(name)

    def forget(self, name: str) -> None:
        """What was read of it is damaged: the site that gave it is not asked for it any more."""
        self.own.forget(name)
        base = name.removesuffix(FILTER_SUFFIX)
        if name == base:
            self.refuse(name)
        elif self.is_offered(base):
            self.own.delete(name)  # it was good when it came, so it is fetched once more

    def close(self) -> None:
        self.own.close()

    def read_offered(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an offered file, from the first site that gives them. Raises NotFound, SiteUnavailable."""
        failure: NotFound | SiteUnavailable = not_held(name)
        for place, _ in sorted(self._offer(name), key=lambda offer: offer[0].late):
            try:
                data = place.read(name, offset, length)
            except Damaged:
                self._refuse(name, place)
                continue
            except (NotFound, SiteUnavailable) as error:
                failure = error
                continue
            with self._lock:
                self._gave[name] = place
            return data
        if isinstance(failure, NotFound):
            self.withdraw(name)  # merged away at every site: another directory names what came
        raise failure

    def _offer(self, name: str) -> _Offers:
        with self._lock:
            offers = [*self._offers.get(name, ())]
        if not offers:
            raise not_held(name)
        return offers

    def _bring(self, name: str, *, filter: bool) -> None:
        """One file, or its filter, from the first site that gives what its directory says."""
        try:
            self._fetch(name, filter=filter)
        except OSError as error:  # of the folder of work
            raise write_failed(error, site="index", may_be_stored=False) from error

    def _fetch(self, name: str, *, filter: bool) -> None:
        failure: NotFound | SiteUnavailable | None = None
        self._work.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place, file in sorted(self._offer(name), key=lambda offer: offer[0].late):
            with tempfile.TemporaryDirectory(dir=self._work, prefix="making-") as scratch:
                path = Path(scratch) / "new"
                try:
                    place.fetch(file, path, filter=filter)
                except Damaged:
                    self._refuse(name, place)
                    continue
                except NotFound:
                    self._drop(name, place)
                    continue
                except SiteUnavailable as error:
                    failure = error
                    continue
                self.own.put(name + FILTER_SUFFIX if filter else name, path)
                return
        raise failure or NotFound(
            f"no site gives {name} whole", hint="It is made again from segments: vanvault index rebuild."
        )

    def _refuse(self, name: str, place: KeptPlace) -> None:
        """It is damaged at this site; that is noted, for whoever keeps the index there and for people."""
        file = self._drop(name, place)
        if file is not None:
            self.refused.add(place.site, file)

    def _drop(self, name: str, place: KeptPlace) -> KeptFile | None:
        """This site offers the file no more; what its directory says of it, if it did."""
        with self._lock:
            offers = self._offers.get(name, [])
            if left := [one for one in offers if one[0] is not place]:
                self._offers[name] = left
            else:
                self._offers.pop(name, None)
        return next((file for other, file in offers if other is place), None)


class _OfferedFile:
    """A file that is read from a site until it is here."""

    def __init__(self, store: LayeredStore, name: str, size: int) -> None:
        self._store, self._name = store, name
        self._own: RangeFile | None = None
        self.size = size

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        if self._own is None and self._store.path(self._name) is not None:
            self._own = self._store.own.open(self._name)
        if self._own is not None:
            return self._own.read(offset, length, keep=keep)
        try:
            return self._store.read_offered(self._name, offset, length)
        except NotFound:
            return self._store.own.fetch(self._name, offset, length)  # it has just come here

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
