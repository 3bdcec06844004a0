"""The stage: one folder in which slices lie on their way, one run at a time, never more than one slice."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vanvault.archiver.core.errors import Busy, SettingsError, SiteFull, SiteUnavailable, VanVaultError
from vanvault.archiver.core.machine import machine_limit, raise_limit
from vanvault.archiver.core.system_files import is_system_file
from vanvault.archiver.disk import try_lock

_LOCK = "lock"
_STAGE = "stage"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Stage:
    """An empty folder of one's own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def empty(self) -> None:
        """Remove everything but the lock and system files. Raises SettingsError."""
        try:
            for entry in self.path.iterdir():
                if entry.name == _LOCK or is_system_file(entry.name):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"the stage of the backup cannot be emptied: {error.strerror}") from error

    def write(self, name: str, data: bytes) -> None:
        """Write one file. Raises SiteFull, SiteUnavailable."""
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise stage_failed(error) from error

    def read(self, name: str) -> bytes | None:
        """One file, or None where there is none. Raises SiteUnavailable."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise stage_failed(error) from error


@contextmanager
def open_stage(path: Path) -> Iterator[Stage]:
    """The stage, emptied before and after. Raises Busy: another run uses it; SettingsError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = try_lock(path / _LOCK)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(
            f"the stage of the backup cannot be used: {error.strerror}", hint="Correct backup.stage."
        ) from error
    if lock is None:
        raise Busy("another backup or restore is running here", retry_after=60)
    with lock:
        stage = Stage(path)
        stage.empty()
        try:
            yield stage
        finally:
            stage.empty()


def stage_failed(error: OSError) -> VanVaultError:
    """What a failed write or read of the stage means."""
    if error.errno in _FULL:
        return SiteFull(
            "the stage of the backup has no room left",
            site=_STAGE,
            hint="Free space there, or set backup.stage or a smaller backup.stage_bytes.",
        )
    return machine_limit(error) or SiteUnavailable(
        f"the stage of the backup failed: {error.strerror}", site=_STAGE, may_be_stored=False
    )
