"""The report of a past drill: found by its id or its path, and checked where that is asked for."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, NotFound
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys, load_public_keys
from vanvault.recovery.documents import REPORT, Report, check_renderings, public_keys_of
from vanvault.recovery.drill.bundle import read_report
from vanvault.recovery.drill.record import message_id_of
from vanvault.recovery.drill.report import DRILL_FORM


@dataclass(frozen=True, slots=True)
class ArchivedReport:
    """A report whose signature holds, and the message of the archive in which it lies."""

    id: str
    report: Report


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of a bundle, and the message of the archive in which it lies."""

    id: str
    data: bytes


def archived_report(archive: ArchiveReader, drill: str) -> ArchivedReport:
    """The report of a drill by its id, from the bundle that was archived.

    Raises NotFound, Damaged (also: it was changed), SiteUnavailable, KeyUnavailable.
    """
    id, files = _archived_bundle(archive, drill)
    return ArchivedReport(id, DRILL_FORM.verified(files[REPORT], archive.signing.public))


def archived_file(archive: ArchiveReader, drill: str, name: str) -> ArchivedFile:
    """One file of a drill's archived bundle, as it was signed: report.json, or a page that was made of it.

    Raises NotFound (also: the bundle has no such file), Damaged (also: it was changed), SiteUnavailable,
    KeyUnavailable.
    """
    id, files = _archived_bundle(archive, drill)
    report = DRILL_FORM.verified(files[REPORT], archive.signing.public)
    if name == REPORT:
        return ArchivedFile(id, files[REPORT])
    signed = (report.get("files") or {}).get(name)
    if signed is None or name not in files:
        raise NotFound(
            f"the evidence of the drill {drill[:80]} has no file {name[:80]}",
            hint=f"It has {', '.join(sorted(files))}.",
        )
    if hashlib.sha256(files[name]).hexdigest() != signed:
        raise Damaged(f"{name} is not as it was signed", key=id)
    return ArchivedFile(id, files[name])


def _archived_bundle(archive: ArchiveReader, drill: str) -> tuple[str, dict[str, bytes]]:
    """The id of the message, and the files of the bundle in it; one is the report."""
    filters = {"gateway": SYSTEM_GATEWAY, "message_id": message_id_of(drill), "entry": "message"}
    item = next(archive.search.every(Query(filters=filters)), None)
    if item is None:
        raise NotFound(
            f"the archive holds no drill {drill[:80]}", hint="Which there were: vanvault drill list."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(archive.original(item))) as bundle:
            files = {name: bundle.read(name) for name in bundle.namelist()}
    except zipfile.BadZipFile as error:
        raise Damaged(f"the message {item['id']} is no evidence of a drill", key=item["id"]) from error
    if REPORT not in files:
        raise Damaged(f"the message {item['id']} is no evidence of a drill", key=item["id"])
    return item["id"], files


def drill_evidence(
    home: Path, drill: str, *, verify: bool, public_keys: Sequence[Path] = ()
) -> dict[str, Any]:
    """The report of ``drill``, an id or the path of its evidence.

    ``verify``: check the signature, by the keys in these files (PEM) or, without any, the home's own; and the
    files beside the report by their digests in it.

    Raises as ``read_report`` and ``SignedForm.verified``; KeyUnavailable (a file is no key).
    """
    data, folder = read_report(home, drill)
    if not verify:
        return DRILL_FORM.parsed(data)
    trusted = public_keys_of(load_public_keys(public_keys)) if public_keys else None
    report = DRILL_FORM.verified(data, trusted or SigningKeys(home / KEYS_FOLDER).public)
    check_renderings(folder, report)
    return report
