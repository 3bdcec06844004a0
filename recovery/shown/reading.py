"""An entry made readable: a message by its bytes, a line of the log by its fields."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.model import BUSINESS_FIELDS
from vanvault.archiver.core.readable import EntryReading, ReadingLanguage, ReadingOf, read_for_people

_OF_EVENT = ("type", "occurred_at", "actor", "event_id", "message_id", *BUSINESS_FIELDS)


def reading_of(archive: ArchiveReader, item: Item, language: ReadingLanguage) -> EntryReading:
    """The reading of an entry. Raises SiteUnavailable, Damaged, KeyUnavailable: of its original."""
    of = ReadingOf(
        item["id"],
        item["gateway"],
        item["received_at"],
        item.get("content_type", ""),
        item["size"],
        item["sha256"],
    )
    if item["entry"] == "event":
        return read_for_people(_told(item), of, language, event=True)
    return read_for_people(archive.original(item), of, language)


def _told(item: Item) -> bytes:
    """What a line of the log says, without what it leaves empty."""
    fields: dict[str, object] = {name: item[name] for name in _OF_EVENT if item.get(name)}
    detail = orjson.loads(item["detail"])
    if isinstance(detail, Mapping) and detail:
        fields["detail"] = detail
    return orjson.dumps(fields)
