"""A signed report and its renderings on disk: files in a folder, and the same as one ZIP."""

from __future__ import annotations

import errno
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.core.errors import Damaged, NotFound, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import sync_folder, synced_file
from vanvault.recovery.documents.signed import Report

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


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 (hex) of the renderings of a report, by their names: its ``files``, signed with it."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}


def check_renderings(folder: Path, report: Report) -> None:
    """Are the files beside a report the ones that were signed with it? The report itself is verified before.

    A report alone, without any of them, is good; so is one of an older version, which names none.

    Raises Damaged: it names the files that were changed or are missing; SettingsError: one cannot be read.
    """
    told = report.get("files") or {}
    wrong = []
    try:
        if not any((folder / name).is_file() for name in told):
            return
        for name, digest in sorted(told.items()):
            path = folder / name
            if not path.is_file():
                wrong.append(f"{name} is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.append(f"{name} was changed")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be read: {error.strerror}") from error
    if wrong:
        raise Damaged(
            f"not as they were signed: {', '.join(wrong)}",
            hint=f"{REPORT} is whole; the archive holds the others as they were.",
        )


def read_bundle(folder: Path, name: str, missing: NotFound) -> tuple[bytes, Path]:
    """The signed report of a bundle, and its folder: a name in ``folder``, or the path of a bundle or report.

    Raises ``missing`` where there is none, SettingsError where it cannot be read.
    """
    for path in (folder / name / REPORT, Path(name) / REPORT, Path(name)):
        try:
            if path.is_file():
                return path.read_bytes(), path.parent
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    raise missing
