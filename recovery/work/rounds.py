"""Rounds that go on record now and then also where they changed nothing: so that it is seen that they run."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.journal import newest_event

#: Where rounds are needed and none is on record for so long, somebody must see to it.
ROUND_WITHIN = timedelta(days=1)
#: A round that did nothing goes on record once the last one is so old.
_RECORD_AFTER = timedelta(hours=17)


def is_round_due_on_record(archive: Archive, type: str) -> bool:
    """Must a round without work go on record: is none of this type there lately, or did the last one fail?

    Raises SiteUnavailable, Damaged (the record).
    """
    last = newest_event(archive.search, type)
    if last is None or last.at <= archive.clock.now() - _RECORD_AFTER:
        return True
    return bool(last.detail.get("failures") or last.detail.get("ending"))
