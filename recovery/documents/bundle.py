"""A signed report and its renderings on disk: files in a folder, and the same as one ZIP."""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.core.errors import NotFound, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import sync_folder, synced_file

#: The file of a bundle that counts: the others show the same.
REPORT = "report.json"

#: Every ZIP of the same files has the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files durably into ``folder``, which must not exist. Raises SettingsError."""
    try:
        folder.mkdir(parents=True, mode=0o700)
        for name, data in files.items():
            with synced_file(folder / name, mode=0o644, new=True) as file:
                file.write(data)
        sync_folder(folder)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"the evidence cannot be written: {error.strerror}") from error


def read_bundle(folder: Path, name: str, missing: NotFound) -> bytes:
    """The signed report of a bundle: its name in ``folder``, or the path of a bundle or report.

    Raises ``missing`` where there is none, SettingsError where it cannot be read.
    """
    for path in (folder / name / REPORT, Path(name) / REPORT, Path(name)):
        try:
            if path.is_file():
                return path.read_bytes()
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    raise missing
