"""The signed statement about one export. Pure.

A manifest is one canonical JSON object (archiver/FORMAT.md, section 9). Its signature is Ed25519 over
three lines, each ended by 0x0A: ``vanvault export v1``, the archive id, and the SHA-256 (hex) of the
canonical JSON of the manifest without ``signature``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.export.request import ExportState
from vanvault.archiver.keys import SigningKey

MANIFEST_FORMAT = "vanvault-export-v1"

#: Files of a ZIP that the list of digests does not name: itself, and the manifest that holds its digest.
SUMS, MANIFEST = "SHA256SUMS", "manifest.json"


def statement(archive: str, digest: str) -> bytes:
    """The signed text."""
    return f"vanvault export v1\n{archive}\n{digest}\n".encode()


def signed_manifest(
    state: ExportState,
    *,
    archive: str,
    content: dict[str, Any],
    filter: dict[str, Any],
    unreadable: Sequence[dict[str, str]],
    finished_at: str,
    signer: SigningKey,
    withheld: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """The manifest of a complete export; ``disposed`` names how many entries were not there any more.

    Args:
        content: what binds the bytes. A file: ``bytes`` and ``sha256``. A ZIP: ``list`` (name of the list
            of digests), ``members`` (how many it names) and ``sha256`` (of the list).
        filter: the entries that were asked for, ``to`` being the moment of the start if not earlier.
        unreadable: what is not here: ``id`` of a message or ``object`` (a batch, its entries unknown), and
            ``reason``, "damaged", "missing" (at every site) or "disposed" (only its original).
        withheld: entries that the requester may not see: how their ``type`` begins, or their ``kind``, and
            what that ``needs``.
    """
    extraction = state.request.get("extraction")
    body = {
        "archive": archive,
        "content": content,
        "counts": {
            "events": state.counts.events,
            "items": state.counts.items,
            "messages": state.counts.messages,
            "originals": state.counts.originals,
        },
        "export": state.export,
        "filter": filter,
        "finished_at": finished_at,
        "format": MANIFEST_FORMAT,
        "kind": "extraction" if extraction else state.request["format"],
        "reason": state.request["reason"],
        "signing_key": signer.key_id,
        "started_at": state.started_at,
        "unreadable": list(unreadable),
        "who": state.who,
    }
    if extraction:
        body["extraction"] = extraction
    if state.disposed:
        body["disposed"] = [
            {"certificate": certificate, "entries": count}
            for certificate, count in sorted(state.disposed.items())
        ]
    if withheld:
        body["withheld"] = list(map(dict, withheld))
    digest = hashlib.sha256(canonical(body)).hexdigest()
    signature = base64.b64encode(signer.sign(statement(archive, digest))).decode()
    return canonical({**body, "signature": signature})
