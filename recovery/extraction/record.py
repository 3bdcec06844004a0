"""Extractions on record: read from events, and the request that puts a form and its letter there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Item, Query, Unread
from vanvault.archiver.core.asked_times import exact_times
from vanvault.archiver.core.errors import Busy, InvalidInput, SiteUnavailable
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_us
from vanvault.archiver.export import parse_request
from vanvault.archiver.journal import EventType, recorded_history
from vanvault.archiver.people.extraction import (
    EXTRACTION_EVENTS,
    Extraction,
    ExtractionForm,
    Extractions,
    fold_extractions,
    new_form,
    scan_type,
)
from vanvault.recovery.extraction.copies import check_copies
from vanvault.recovery.extraction.host import ExtractionHost
from vanvault.recovery.work import own_message

#: Entries of one extraction: all their ids go on record before a byte is written.
MOST_ENTRIES = 50_000

_ID_BYTES = 8
#: Why something is unread that will be read by itself.
_INDEXING = ("not indexed yet", "not folded yet")


@dataclass(frozen=True, slots=True)
class AskedExtraction:
    """A form on record; ``already``: it was there before, and waits still."""

    extraction: Extraction
    already: bool = False


def known_extractions(archive: ArchiveReader) -> Extractions:
    """All of them, as far as the archive is folded here; ``lacking`` names what could not be read.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    history = recorded_history(archive.search, EXTRACTION_EVENTS, keeps_damaged=True)
    return fold_extractions(history.events, lacking=history.lacking)


def ask_extraction(
    host: ExtractionHost, told: Mapping[str, Any], scan: bytes, who: str, looked: Callable[[int], None]
) -> AskedExtraction:
    """Put a form on record with the count of what it finds, and archive the scan of its letter with it.

    The same form, while it waits, is asked for once.

    Args:
        told: the form as JSON values; ``letter.scan_sha256`` is taken from the scan where it is missing.
        looked: is told the count before anybody else is, for the record of looks.

    Raises InvalidInput (form, filter, scan, or too many entries, also for a copy), SiteUnavailable, Busy (not
    all is indexed here), KeyUnavailable.
    """
    archive = host.archive
    kind, sha256 = scan_type(scan), hashlib.sha256(scan)
    form = new_form(_exact(archive, _with_scan(told, sha256.hexdigest())), archive.clock.now())
    query = query_of(form)
    host.level()
    waiting = known_extractions(archive).open_one(form, archive.clock.now())
    if waiting is not None:
        looked(waiting.count)
        return AskedExtraction(waiting, already=True)
    before = min(query.to_us, archive.tail.last_received_us() + 1)
    count = len(found_entries(archive, replace(query, to_us=before)))
    looked(count)
    if count > MOST_ENTRIES:
        raise InvalidInput(
            f"one extraction has {MOST_ENTRIES} entries at most, and the filter finds more",
            field="filter",
            hint="Split the period over several forms.",
        )
    check_copies(form, count)  # before others are asked to approve what could not be written
    id = f"x-{archive.entropy.token(_ID_BYTES).hex()}"
    detail: dict[str, object] = {
        "extraction": id,
        "digest": form.digest,
        "form": form.as_json(),
        "count": count,
        "before": rfc3339_us(query.to_us if "to" in form.filter else before),
        "scan": scan_id(id),
        "who": who,
    }
    message = own_message(archive, scan_id(id), scan, kind="extraction-letter", content_type=kind)
    host.record_with(message, EventType.EXTRACTION_REQUESTED, detail)
    return AskedExtraction(known_extractions(archive).get(id))


def _exact(archive: ArchiveReader, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The form with exact times: what is approved means the same wherever and whenever it runs.

    Raises InvalidInput, with the field.
    """
    filter = told.get("filter")
    if not isinstance(filter, Mapping) or not all(isinstance(text, str) for text in filter.values()):
        return told  # the form itself says what is wrong
    return {**told, "filter": dict(exact_times(filter.items(), archive.settings.search.calendar()))}


def scan_id(extraction: str) -> str:
    """The id of the message that is the scan of an extraction's letter, at the gateway ``vanvault``."""
    return f"extraction-{extraction}-letter"


def query_of(form: ExtractionForm) -> Query:
    """What a form asks for, oldest first. Raises InvalidInput: no search takes its filter, or it is the
    archive's own gateway, whose entries are not extracted.
    """
    query = parse_request(form.filter.items(), format="zip", reason=form.purpose).query
    if query.filters.get("gateway") == SYSTEM_GATEWAY:
        raise InvalidInput(
            "the archive's own entries are not extracted",
            field="filter",
            hint="Drills and looks have verbs of their own: vanvault drill show, vanvault access list.",
        )
    return query


def found_entries(archive: ArchiveReader, query: Query) -> list[Item]:
    """The entries of gateways that a query finds, bare, the oldest first; one more than may be, at most.

    Raises SiteUnavailable, Busy: not all could be looked at, so that nobody knows how many there are.
    """
    unread: list[Unread] = []
    each = (item for item in archive.search.every(query, unread.append) if item["gateway"] != SYSTEM_GATEWAY)
    found = list(islice(each, MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        return found  # too many, whatever else there is
    for one in unread:
        if one.reason in _INDEXING:
            raise Busy(
                f"{one.object} is {one.reason}, so the entries cannot be counted",
                retry_after=5,
                hint="Wait until this node has indexed the archive: vanvault index status.",
            )
        if one.reason == "unavailable":
            raise SiteUnavailable(
                f"{one.object} cannot be read, so the entries cannot be counted",
                site="every site",
                may_be_stored=False,
                hint="Ask again when a site is back.",
            )
    return found


def _with_scan(told: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    letter = told.get("letter")
    if not isinstance(letter, Mapping):
        return dict(told)
    given = letter.get("scan_sha256", sha256)
    if given != sha256:
        raise InvalidInput(
            "the scan is another one than the form names",
            field="letter.scan_sha256",
            hint="Give the scan whose SHA-256 the form has, or leave that out.",
        )
    return {**told, "letter": {**letter, "scan_sha256": sha256}}
