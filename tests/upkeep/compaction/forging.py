"""A batch that only who holds the keys can make: it decodes, but a row is not what its digests say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tests.support.archives import message
from tests.support.memory_site import MemorySite
from tests.support.names import signed_again

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.batches import decode_batch, encode_batch
from vanvault.archiver.core.model import Message
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.intake import Writer, WriterParts
from vanvault.archiver.stores import Site


def forged_batch(archive: Archive, sites: Mapping[str, Site], at: datetime) -> str:
    """Put it at every site as sequence 0 of a writer of its own; its key."""
    written: dict[str, MemorySite] = {name: MemorySite(name, clock=archive.clock) for name in sites}
    writer = Writer(
        WriterParts(
            written,
            archive.parquet,
            archive.signing,
            archive.object_signer,
            archive.clock,
            archive.entropy,
        ),
        archive=archive.settings.archive,
        retention=archive.batch_until,
        compression_level=archive.settings.intake.compression_level,
    )
    try:
        (made,) = writer.commit([message("forged", b"right", received_us=to_us(at))])
    finally:
        writer.close()
    key = made.folded.key
    batch = decode_batch(key, written["primary"].get(key), archive.parquet)
    (entry,) = batch.entries
    assert isinstance(entry, Message)
    subject = archive.object_signer.subject("batch", writer.id, 0, "messages")
    data_key = archive.parquet.fresh_key(subject, SystemEntropy())
    wrong = replace(entry, body=b"wrong")
    data = encode_batch(batch.header, [wrong], data_key, archive.signing.active())
    digest = hashlib.sha256(data).digest()
    forged = signed_again(archive, key, data)
    until = max(parse_rfc3339(batch.header.retain_until), archive.clock.now() + timedelta(days=40))
    for site in sites.values():
        site.put(forged, data, sha256=digest, retain_until=until.replace(microsecond=0))
    return forged
