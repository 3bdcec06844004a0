"""What is known of the archive as a whole now, as far as it speaks against a disposal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.times import to_us
from vanvault.archiver.disposal import VERIFIED_WITHIN, ArchiveStanding
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.coverage import unverified_sites
from vanvault.recovery.standings import Standings
from vanvault.recovery.status import status
from vanvault.recovery.work import QUIET, Observer

#: An export that began longer ago and did not end goes on no more.
_EXPORTS = timedelta(days=7)
#: The condition that a disposal itself makes: it must not keep the disposal from its end.
_OF_DISPOSALS = frozenset(("disposal-half-done",))


def archive_standing(archive: Archive, standings: Standings, observer: Observer = QUIET) -> ArchiveStanding:
    """What is known of the archive as a whole, after a look at its sites.

    Raises SiteUnavailable, Damaged (what is on record cannot be read), KeyUnavailable.
    """
    looked, now = status(archive, observer), archive.clock.now()
    late = unverified_sites(archive.search, archive.sites, VERIFIED_WITHIN, now)
    limit = now - VERIFIED_WITHIN
    verified = {site: _since(late.get(site, now), limit) for site in archive.sites}
    verdict, _ = archive.trust.present_clocks()
    return ArchiveStanding(
        verified,
        {one.site: one.detail for one in looked.sites if not one.reachable},
        "" if verdict.ok else verdict.detail,
        tuple(
            f"{one.kind.id} ({one.text})"
            for one in looked.conditions
            if one.severity == "error" and one.kind.id not in _OF_DISPOSALS
        ),
        tuple(_exports(archive, now)),
        (*standings.lacking, *(() if looked.complete else ("the newest entries of the archive",))),
    )


def _since(since: datetime, limit: datetime) -> datetime | None:
    """The coverage tells what was never read by its limit."""
    return None if since == limit else since


def _exports(archive: Archive, now: datetime) -> Iterable[str]:
    from_us = to_us(now - _EXPORTS)
    ended = {
        str(event.detail.get("export"))
        for event in own_events(archive.search, EventType.EXPORT_FINISHED, from_us=from_us)
    }
    for type in (EventType.EXPORT_STARTED, EventType.EXPORT_RESUMED):
        for event in own_events(archive.search, type, from_us=from_us):
            if str(event.detail.get("export")) not in ended:
                yield str(event.detail.get("export"))
