"""Do the keepers of locks run, and with success? By the record, so that a quiet failure is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.journal import EventType, newest_event
from vanvault.recovery.holds import known_holds
from vanvault.recovery.retention.keeping import AHEAD, earliest_lock
from vanvault.recovery.work import ROUND_WITHIN

#: Characters of a failure that are told.
_MOST_TEXT = 200


def keepers_in_trouble(archive: Archive) -> dict[str, datetime]:
    """What is wrong with the keeper of clocks or of holds, for people, and since when.

    A keeper that has nothing to keep need not run. Raises SiteUnavailable, Damaged (the record).
    """
    now = archive.clock.now()
    ends = min((earliest_lock(one) for one in archive.catalogue.segments()), default=None)
    clocks_since = None if ends is None or ends >= now + AHEAD else ends - AHEAD
    holds_since = min((hold.placed.at for hold in known_holds(archive).in_force()), default=None)
    return {
        **dict(_trouble(archive, "clocks", EventType.RETENTION_KEPT, clocks_since)),
        **dict(_trouble(archive, "holds", EventType.HOLD_LOCKS_ROLLED, holds_since)),
    }


def _trouble(
    archive: Archive, keeper: str, type: str, since: datetime | None
) -> Iterator[tuple[str, datetime]]:
    """``since``: when there began to be something to keep; None: there is nothing."""
    if since is None:
        return
    last = newest_event(archive.search, type)
    late = ROUND_WITHIN + (since if last is None else max(since, last.at))
    if late <= archive.clock.now():
        yield f"{keeper}: no round for a day", late
    if last is None:
        return
    for name, text in (("failures", "failed"), ("ending", "a lock ends too early")):
        told = last.detail.get(name)
        if isinstance(told, list) and told:
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            yield f"{keeper}: {text}: {str(told[0])[:_MOST_TEXT]}{more}", last.at
