"""The record of a backup: what it holds and until when each object is locked, signed. Pure.

::

    manifest.json               canonical JSON: {"manifest": ..., "signature": ..., "signing_key": ...}
    slices/<id>.ndjson          one line for each object: [key, bytes, retain-until]
    control/<name>              the files of the control plane, such as vanvault.toml

The manifest names every other file with its SHA-256, so the Ed25519 signature over its canonical JSON
(RFC 8785) covers them all. restic knows nothing of locks: without the record, no object is restored.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.canonical import canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.names import digest_in
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.keys import SigningKey, verify

FORMAT = "vanvault-backup-1"
MANIFEST = "manifest.json"
_CONTROL, _SLICES = "control/", "slices/"
_HINT = "Restore an older backup (vanvault backup list), and make a new one: vanvault backup run --full"


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One object."""

    key: str
    size: int  # bytes
    retain_until: datetime | None  # None: it was not locked


@dataclass(frozen=True, slots=True)
class SavedSlice:
    """Objects that one snapshot of restic holds, as ``objects/<sha256>``."""

    id: str
    snapshot: str
    entries: tuple[SavedObject, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One backup."""

    archive: str
    created: datetime  # whole seconds
    what: str  # "control" or "control+objects"
    site: str  # whose objects
    control: Mapping[str, bytes]  # path relative to the home -> bytes
    slices: tuple[SavedSlice, ...]  # oldest first
    left_out: tuple[str, ...]  # objects that no site gives whole, or that are known and no site lists
    versions: Mapping[str, str]  # of the programs that made it
    listed: datetime | None = None  # when the listing of the sites began; None: an older version made it
    away: tuple[str, ...] = ()  # sites that could not be listed

    @property
    def lacking(self) -> tuple[str, ...]:
        """What was left out and is in no slice either; an earlier run may have saved the rest."""
        held = {entry.key for one in self.slices for entry in one.entries} if self.left_out else set()
        return tuple(key for key in self.left_out if key not in held)

    @property
    def good(self) -> bool:
        """Does it hold all that it should?"""
        return not self.left_out


def write_record(record: Record, key: SigningKey) -> dict[str, bytes]:
    """The files of a record, by their path."""
    files = {_CONTROL + name: data for name, data in record.control.items()}
    slices = []
    for one in record.slices:
        lines = b"".join(orjson.dumps(_line(entry)) + b"\n" for entry in one.entries)
        files[f"{_SLICES}{one.id}.ndjson"] = lines
        slices.append({"id": one.id, "objects": len(one.entries), "snapshot": one.snapshot})
    manifest = {
        "archive": record.archive,
        "created": rfc3339_seconds(record.created),
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in files.items()},
        "format": FORMAT,
        "left_out": list(record.left_out),
        "site": record.site,
        "slices": slices,
        "versions": dict(record.versions),
        "what": record.what,
        "away": list(record.away),
        **({"listed": rfc3339_seconds(record.listed)} if record.listed else {}),
    }
    signed = {
        "manifest": manifest,
        "signature": base64.b64encode(key.sign(canonical(manifest))).decode(),
        "signing_key": key.key_id,
    }
    return {**files, MANIFEST: canonical(signed)}


def read_record(
    files: Mapping[str, bytes], public: Callable[[str], Ed25519PublicKey], *, lists: bool = True
) -> Record:
    """The record that these files spell, its signature and every digest checked.

    Args:
        public: a public key by its id. Raises KeyUnavailable for one that is not trusted.
        lists: read the lists of slices; without them no slice has entries.

    Raises Damaged (anything missing, added or changed).
    """
    try:
        signed = parse_canonical(files[MANIFEST])
        manifest = signed["manifest"]
        verify(public(signed["signing_key"]), base64.b64decode(signed["signature"]), canonical(manifest))
        if manifest["format"] != FORMAT:
            raise Damaged("the record of the backup is of a format that this version does not know")
        _check_files(manifest["files"], files)
        return Record(
            archive=manifest["archive"],
            created=parse_rfc3339(manifest["created"]),
            what=manifest["what"],
            site=manifest["site"],
            control={
                path.removeprefix(_CONTROL): data for path, data in files.items() if path.startswith(_CONTROL)
            },
            slices=tuple(_slice(one, files, lists) for one in manifest["slices"]),
            left_out=tuple(manifest["left_out"]),
            versions=manifest["versions"],
            listed=parse_rfc3339(manifest["listed"]) if "listed" in manifest else None,
            away=tuple(manifest.get("away", ())),
        )
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise Damaged("the record of the backup cannot be read", hint=_HINT) from error


def _line(entry: SavedObject) -> list[Any]:
    return [entry.key, entry.size, rfc3339_seconds(entry.retain_until) if entry.retain_until else None]


def _check_files(promised: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    found = {path: hashlib.sha256(data).hexdigest() for path, data in files.items() if path != MANIFEST}
    if found != promised:
        wrong = sorted(
            path for path in found.keys() | promised.keys() if found.get(path) != promised.get(path)
        )
        raise Damaged(f"the record of the backup is not whole: {', '.join(wrong[:3])}", hint=_HINT)


def _slice(fields: Mapping[str, Any], files: Mapping[str, bytes], lists: bool) -> SavedSlice:
    lines = files[f"{_SLICES}{fields['id']}.ndjson"].splitlines() if lists else []
    return SavedSlice(str(fields["id"]), str(fields["snapshot"]), tuple(map(_entry, lines)))


def _entry(line: bytes) -> SavedObject:
    key, size, until = orjson.loads(line)
    if digest_in(key) is None:
        raise Damaged("the record of the backup names what is no archive object", hint=_HINT)
    return SavedObject(key, int(size), parse_rfc3339(until) if until is not None else None)
