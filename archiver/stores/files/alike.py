"""Folders of a file site that are made anew: each is as open as the same folder of another file site."""

from __future__ import annotations

import stat
import threading
from contextlib import suppress
from pathlib import Path

from vanvault.archiver.stores.files.layout import folder_of
from vanvault.archiver.stores.files.root import OBJECTS, TEMP

_KNOWN = 4096  # folders that are remembered; more only cost some needless look-ups


class FoldersAlike:
    """Makes folders in the site at ``root`` with the modes of the site at ``model``. Threads may share it.

    A folder that is there keeps its mode. What cannot be made is left to the put, which says why.
    """

    def __init__(self, root: Path, model: Path) -> None:
        self._root = root
        self._model = model
        self._lock = threading.Lock()
        self._known: set[Path] = set()

    def missing(self) -> tuple[Path, ...]:
        """The folders of the site itself that are not there yet."""
        own = (Path(), Path(OBJECTS), Path(TEMP))
        return tuple(folder for folder in own if not (self._root / folder).exists())

    def fit(self, folders: tuple[Path, ...]) -> None:
        """Give folders that were just made the modes of the other site's, where it has them."""
        for folder in folders:
            with suppress(OSError):
                mode = stat.S_IMODE((self._model / folder).stat().st_mode)
                (self._root / folder).chmod(mode)

    def make_for(self, key: str) -> None:
        """Make the folders of a key's files, where they are not there."""
        folder = Path(OBJECTS, folder_of(key))
        with self._lock:
            if folder in self._known:
                return
            for one in (*reversed(folder.parents[:-2]), folder):
                with suppress(OSError):
                    (self._root / one).mkdir(mode=0o750)
                    self.fit((one,))
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known.add(folder)
