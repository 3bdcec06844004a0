"""Messages of the archive's own: evidence, reports, letters. Each goes on record with its event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vanvault.archiver.core.model import SYSTEM_GATEWAY, Metadata, MetadataReading

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.core.model import MessageDraft


def own_message(archive: Archive, id: str, body: bytes, *, kind: str, content_type: str) -> MessageDraft:
    """A message under the archive's own gateway, received now."""
    from vanvault.archiver.intake import message_draft  # much, for verbs that only read

    return message_draft(
        gateway=SYSTEM_GATEWAY,
        message_id=id,
        received=archive.clock.now(),
        content_type=content_type,
        body=body,
        sha256=hashlib.sha256(body).digest(),
        sha512=hashlib.sha512(body).digest(),
        given=Metadata(kind=kind),
        reading=MetadataReading(Metadata()),
    )


def archive_with_event(
    archive: Archive, message: MessageDraft, type: str, detail: Mapping[str, object]
) -> None:
    """Archive a message and an event that names it in one commit, at every site, whatever the policy.

    Raises SiteUnavailable, KeyUnavailable.
    """
    writer, opened = archive.open_writer(trusted=False)
    try:
        last = writer.commit([message, archive.system_event(type, dict(detail))], final=True)
        archive.tail.apply([batch.folded for batch in (*opened, *last)])
    finally:
        writer.close()
