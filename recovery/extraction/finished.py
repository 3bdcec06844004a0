"""The complete file of a run, read back: also where a kill came before the run was put on record."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import Conflict, Damaged
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.people.extraction import Extraction

_HASHED_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class FinishedExtraction:
    """What goes on record about a file; ``detail`` lacks who does it."""

    detail: dict[str, object]
    unreadable: tuple[dict[str, str], ...]


def finished_file(archive: ArchiveReader, extraction: Extraction, output: Path) -> FinishedExtraction | None:
    """The file of this extraction at ``output``, or None: there is no file.

    Its manifest must be the one that the record of the export's end has. Raises Conflict: it is another file.
    """
    if not output.exists():
        return None
    try:
        with zipfile.ZipFile(output) as file:
            raw = file.read("manifest.json")
        manifest = orjson.loads(raw)
        told, export, counts = manifest["extraction"], manifest["export"], manifest["counts"]
        unreadable = tuple(manifest["unreadable"])
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        if isinstance(error, OSError):
            raise_limit(error)
        raise _another(output) from error
    digest = hashlib.sha256(raw).hexdigest()
    if told["id"] != extraction.id or digest not in _manifests(archive, export):
        raise _another(output)
    return FinishedExtraction(
        {
            "extraction": extraction.id,
            "digest": extraction.form.digest,
            "export": export,
            "items": counts["items"],
            "bytes": output.stat().st_size,
            "sha256": _digest(output),
            "manifest_sha256": digest,
        },
        unreadable,
    )


def _manifests(archive: ArchiveReader, export: str) -> set[str]:
    found = set()
    for event in own_events(archive.search, EventType.EXPORT_FINISHED):
        try:
            detail = event.detail
        except Damaged:
            continue
        if detail.get("export") == export:
            found.add(str(detail.get("manifest_sha256")))
    return found


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASHED_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _another(output: Path) -> Conflict:
    return Conflict(f"{output} is not the file of this extraction", hint="Move it away, and run this again.")
