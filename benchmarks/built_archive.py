"""An archive of a wanted size, written quickly: the product's own writer, without HTTP and metadata reading.

Its messages are unique: scans, which do not compress and lie in large objects, and signed dossiers, which
do and lie in batches. Each is also written as a file, for what backs up files.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from common import Original, make_originals

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.model import MessageDraft, Metadata, Placement
from vanvault.archiver.core.times import to_us
from vanvault.archiver.intake import Writer
from vanvault.archiver.replicas import LargeObjects

DOSSIER = 30_000  # bytes, about
DOSSIER_RATIO = 7  # original bytes of one to a stored one, in batches of 100
POOL = 200  # signed dossiers; above what one batch takes
ROWS = 100  # dossiers of one batch
SCANS = (2**20, 8 * 2**20)  # bytes: the least that is a large object, and the most


@dataclass(frozen=True, slots=True)
class Built:
    """What was archived."""

    messages: int
    raw_bytes: int


def build(home: Path, files: Path, *, raw_bytes: int, dossier_share: float, seed: int) -> Built:
    """Archive messages of ``raw_bytes`` in all in the home, whose sites take them, and under ``files``.

    ``dossier_share`` of the bytes are dossiers, the others scans. Raises SiteUnavailable.
    """
    dossiers, scans = round(dossier_share * raw_bytes), round((1 - dossier_share) * raw_bytes)
    done: list[int] = []
    with Archive.open(home) as archive:
        writer, opened = archive.open_writer()
        archive.tail.apply([batch.folded for batch in opened])
        large = LargeObjects(archive.sites, archive.keys, archive.entropy, archive.object_signer)
        try:
            for group in _grouped(_dossiers(dossiers, seed), ROWS):
                _commit(archive, writer, [as_draft(one, one.body) for one in _noted(group, files, done)])
            with ThreadPoolExecutor(2) as pool:

                def seal(scan: Original) -> MessageDraft:
                    until = archive.retain_until("messages", archive.clock.now())
                    copies = large.place(
                        scan.body, writer=writer.id, executor=writer.executor, retain_until=until
                    )
                    return as_draft(scan, None, copies=copies)

                for group in _grouped(_scans(scans, seed), 16):
                    _commit(archive, writer, list(pool.map(seal, _noted(group, files, done))))
            closed = writer.commit([archive.system_event("writer.closed", {})], final=True)
            archive.tail.apply([batch.folded for batch in closed])
        finally:
            writer.close()
    return Built(len(done), sum(done))


def _commit(archive: Archive, writer: Writer, drafts: list[MessageDraft]) -> None:
    archive.tail.apply([batch.folded for batch in writer.commit(drafts)])


def as_draft(original: Original, body: bytes | None, *, copies: tuple[Placement, ...] = ()) -> MessageDraft:
    return MessageDraft(
        gateway="gateway-1",
        message_id=original.message_id,
        received_us=to_us(datetime.now(UTC)),
        content_type="application/octet-stream",
        size=len(original.body),
        sha256=hashlib.sha256(original.body).digest(),
        sha512=hashlib.sha512(original.body).digest(),
        metadata=Metadata(),
        metadata_note="",
        body=body,
        large=copies,
    )


def _dossiers(raw_bytes: int, seed: int) -> Iterator[Original]:
    originals = make_originals(POOL, seed, size=DOSSIER)
    taken = 0
    while taken < raw_bytes:
        for original in originals.take(ROWS):
            taken += len(original.body)
            yield original


def _scans(raw_bytes: int, seed: int) -> Iterator[Original]:
    chance = random.Random(seed)
    taken = number = 0
    while taken < raw_bytes:
        body = chance.randbytes(chance.randint(*SCANS))
        taken, number = taken + len(body), number + 1
        yield Original(f"scan-{number:06d}", body)


def _grouped(originals: Iterator[Original], count: int) -> Iterator[list[Original]]:
    while group := list(islice(originals, count)):
        yield group


def _noted(group: list[Original], files: Path, sizes: list[int]) -> list[Original]:
    """The group, written as files of one folder."""
    folder = files / f"{len(sizes):08d}"
    folder.mkdir(parents=True)
    for original in group:
        (folder / original.message_id).write_bytes(original.body)
        sizes.append(len(original.body))
    return group
