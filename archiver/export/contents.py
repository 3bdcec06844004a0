"""The four forms of an export, as what takes items one by one and ends in one working file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import orjson

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Conflict, Damaged, NotFound
from vanvault.archiver.core.names import parse_archive_id
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.disk import synced_file
from vanvault.archiver.export.forms import csv_header, csv_row, ndjson_line, write_parquet
from vanvault.archiver.export.instructions import instructions
from vanvault.archiver.export.manifest import SUMS
from vanvault.archiver.export.narrowing import Narrowing
from vanvault.archiver.export.originals import OriginalReader
from vanvault.archiver.export.request import Counts, ExportRequest, ExportState
from vanvault.archiver.export.workspace import Spool, Workspace
from vanvault.archiver.export.zip_writer import ZipWriter
from vanvault.archiver.keys import public_pem

_UNREADABLE = "unreadable.ndjson"
_HASHED_BYTES = 2**20

#: Content type -> how the name of an original ends; anything else is ``bin``.
_ENDINGS = {
    "application/json": "json",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/zip": "zip",
    "text/plain": "txt",
    "text/xml": "xml",
}


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A complete working file."""

    name: str
    content: dict[str, Any]  # of the manifest


class Contents(Protocol):
    """One form of export."""

    def add(self, item: Item, counts: Counts) -> Counts:
        """Write one item; the counts with it. A ZIP raises SiteUnavailable, KeyUnavailable."""
        ...

    def unreadable(self) -> list[dict[str, str]]:
        """Messages whose originals no site could give."""
        ...

    def finish(self, state: ExportState) -> FinishedFile:
        """Write what stands at the end (a ZIP still lacks its manifest); ``state``: how far it has come."""
        ...


def contents_of(request: ExportRequest, archive: Archive, work: Workspace, state: ExportState) -> Contents:
    """The form that was asked for, as far as the checkpoint says."""
    format = request.format
    if request.narrowing is not None:
        return NarrowContents(archive, work, state, request.narrowing)
    if format == "csv":
        return LineContents(work.spool("items.csv"), csv_row, csv_header())
    if format == "ndjson":
        return LineContents(work.spool("items.ndjson"), ndjson_line)
    if format == "parquet":
        return ParquetContents(work.spool("items.ndjson"))
    return ZipContents(archive, work, state)


class LineContents:
    """CSV and NDJSON: one line for each item."""

    def __init__(self, spool: Spool, encode: Callable[[Item], bytes], header: bytes = b"") -> None:
        self._spool = spool
        self._encode = encode
        if not spool.length:
            spool.write(header)

    def add(self, item: Item, counts: Counts) -> Counts:
        self._spool.write(self._encode(item))
        return counted(item, counts)

    def unreadable(self) -> list[dict[str, str]]:
        return []

    def finish(self, state: ExportState) -> FinishedFile:
        self._spool.sync()
        return FinishedFile(self._spool.path.name, file_content(self._spool.path))


class ParquetContents(LineContents):
    """Parquet: gathered as NDJSON, because an open Parquet file cannot be taken up again after a kill."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(spool, ndjson_line)

    def finish(self, state: ExportState) -> FinishedFile:
        path = self._spool.path.with_suffix(".parquet")
        with synced_file(path) as file:
            write_parquet(self._spool.lines(), file)
        return FinishedFile(path.name, file_content(path))


class ZipContents:
    """Originals and receipts, then ``items.ndjson``, keys, verifier, instructions and digests.

    Originals and receipts have the time at which the entry was received, all else that of the start.
    """

    def __init__(self, archive: Archive, work: Workspace, state: ExportState) -> None:
        self._archive = archive
        self._originals = OriginalReader(archive)
        self._items = work.spool("items.ndjson")
        self._unreadable = work.spool(_UNREADABLE)
        self._sums = work.spool(SUMS)
        self._data = work.spool("data.zip")
        central, members = work.spool("central"), state.counts.members
        self.writer = ZipWriter(self._data, central, self._sums, members, _seconds(state.started_at))

    def add(self, item: Item, counts: Counts) -> Counts:
        parse_archive_id(item["id"])  # it becomes a name: nothing but an id of the archive may
        self._items.write(ndjson_line(item))
        receipt = self._archive.receipts.of(item["id"])
        at_s = self._time_of(item)
        self.writer.add(f"receipts/{item['id']}.json", canonical(receipt), at_s=at_s)
        counts = counted(item, counts)
        if item["entry"] == "message" and self._add_original(item):
            counts = replace(counts, originals=counts.originals + 1)
        return replace(counts, members=self.writer.members)

    def _add_original(self, item: Item) -> bool:
        if "disposed" in item:  # the row is kept, and its bytes are not
            self._unreadable.write(orjson.dumps({"id": item["id"], "reason": "disposed"}) + b"\n")
            return False
        try:
            body = self._originals.read(item)
        except (Damaged, NotFound) as error:
            if not item["segment"]:
                # A site that is away may hold it whole.
                for site in self._archive.sites.values():
                    site.versions(item["large_object"] or item["object"])
            absent = any(isinstance(one, NotFound) for one in (error, error.__cause__))
            reason = "missing" if absent else "damaged"
            self._unreadable.write(orjson.dumps({"id": item["id"], "reason": reason}) + b"\n")
            return False
        name = f"originals/{item['id']}.{ending_of(item['content_type'])}"
        self.writer.add(name, body, at_s=self._time_of(item))
        return True

    def _time_of(self, item: Item) -> int:
        return _seconds(item["received_at"])

    def unreadable(self) -> list[dict[str, str]]:
        return [orjson.loads(line) for line in self._unreadable.lines()]

    def finish(self, state: ExportState) -> FinishedFile:
        self.writer.add_stream("items.ndjson", self._items.lines())
        for key_id, key in sorted(self._archive.signing.public_keys().items()):
            self.writer.add(f"keys/{key_id}.pem", public_pem(key))
        self.writer.add("verify.py", Path(__file__).with_name("verify_offline.py").read_bytes())
        for name, text in instructions(state, self._archive.settings.archive).items():
            self.writer.add(name, text.encode())
        members = self.writer.members
        sha256 = self.writer.add_stream(SUMS, self._sums.lines(), summed=False)
        content = {"list": SUMS, "members": members, "sha256": sha256}
        return FinishedFile(self._data.path.name, content)


class NarrowContents(ZipContents):
    """The fields that were granted; originals and receipts where they are among these."""

    def __init__(self, archive: Archive, work: Workspace, state: ExportState, narrowing: Narrowing) -> None:
        super().__init__(archive, work, state)
        self._narrowing = narrowing

    def add(self, item: Item, counts: Counts) -> Counts:
        parse_archive_id(item["id"])
        if not self._narrowing.takes(item):
            return counts
        granted = self._narrowing.fields
        self._items.write(ndjson_line(self._narrowing.narrowed(item)))
        counts = counted(item, counts)
        if "receipt" in granted:
            receipt = canonical(self._archive.receipts.of(item["id"]))
            self.writer.add(f"receipts/{item['id']}.json", receipt, at_s=self._time_of(item))
        if "original" in granted and item["entry"] == "message" and self._add_original(item):
            counts = replace(counts, originals=counts.originals + 1)
        return replace(counts, members=self.writer.members)

    def _time_of(self, item: Item) -> int:
        """Unknown where the time was not granted: the file's own would tell it."""
        return super()._time_of(item) if "received_at" in self._narrowing.fields else 0

    def finish(self, state: ExportState) -> FinishedFile:
        held = sum(1 for _ in self._items.lines())
        if held != self._narrowing.count:
            raise Conflict(
                f"{held} entries were found, and {self._narrowing.count} are to be there",
                hint="The archive changed since they were counted. Ask anew; nothing was given out.",
            )
        copies = self._narrowing.copies(self._items.lines())
        for name, data in {**self._narrowing.members, **copies}.items():
            self.writer.add(name, data)
        return super().finish(state)


def _seconds(text: str) -> int:
    """A time of the archive (RFC 3339) in whole seconds since 1970."""
    return to_us(parse_rfc3339(text)) // 10**6


def counted(item: Item, counts: Counts) -> Counts:
    """One more of its kind."""
    if item["entry"] == "message":
        return replace(counts, messages=counts.messages + 1)
    return replace(counts, events=counts.events + 1)


def ending_of(content_type: str) -> str:
    """How the name of an original ends; nothing of the sender's text reaches it."""
    return _ENDINGS.get(content_type.partition(";")[0].strip().lower(), "bin")


def file_content(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file, for a manifest."""
    return {"bytes": path.stat().st_size, "sha256": file_digest(path)}


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASHED_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def as_list(objects: Sequence[str]) -> list[dict[str, str]]:
    """Whole batches that no site could give, as a manifest names them."""
    return [{"object": key, "reason": "damaged"} for key in objects]
