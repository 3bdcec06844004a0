"""The same report by what a serving node knows already: no site is listed, or waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.replicas import SiteStatus
from vanvault.archiver.upkeep import recorded_counts
from vanvault.recovery.conditions import ArchiveFacts, Condition
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.status.report import (
    LastResort,
    LockAlarm,
    SegmentsStatus,
    SetAsideCount,
    SiteReport,
    StatusReport,
)
from vanvault.recovery.status.run import keys_status, late_by, retention_status
from vanvault.recovery.status.strength import lock_strength

#: What only a look that lists the sites finds.
_LISTED = ("index",)


def known_status(
    archive: Archive,
    facts: ArchiveFacts,
    conditions: Iterable[Condition],
    alarms: Sequence[tuple[str, str, datetime | None]] | None,
) -> dict[str, Any]:
    """As ``StatusReport.as_json``, without what only a listing of the sites tells.

    Args:
        facts: of the node's last look.
        alarms: batches whose lock ends soon, by the keeper's last round: site, key, end of the lock; None:
            there was no round yet.

    Raises SiteUnavailable, Damaged (what is on record cannot be read).
    """
    record, health = facts.record, archive.health.snapshot()
    set_aside = {
        **recorded_counts(archive, timedelta(days=1)),
        **{at: count for at, count in archive.quarantine.counts().items() if count},
    }
    report = StatusReport(
        home="",
        archive=archive.settings.archive,
        sites=tuple(_site(archive, one) for one in health),
        keys=keys_status(archive, record.keys.missing),
        hot_tail=archive.tail.counts(),
        complete=not archive.behind,
        segments=SegmentsStatus(
            counts=archive.catalogue.counts(),
            uncompacted=archive.tail.count_uncompacted(),
            alarms=tuple(LockAlarm(*held) for held in alarms or ()),
        ),
        retention=retention_status(archive),
        gateways=len(archive.gateways.names()),
        late=late_by(archive, record),
        health=health,
        last_resort=LastResort(record.backup, record.escrow, facts.now),
        leadership=archive.lead.leadership,
        set_aside=tuple(SetAsideCount(site, why, count) for (site, why), count in sorted(set_aside.items())),
        together=facts.seen.together,
        conditions=tuple(conditions),
        disposals=tuple(one for one in known_disposals(archive) if not one.is_over),
    )
    told = {name: value for name, value in report.as_json().items() if name not in ("home", *_LISTED)}
    segments = {name: value for name, value in told["segments"].items() if name != "spent"}
    if alarms is None:
        segments["alarms"] = None
    return told | {"segments": segments, "health": {**told["health"], "from": "server"}}


def _site(archive: Archive, status: SiteStatus) -> SiteReport:
    url: str = getattr(archive.settings.sites, status.site).url
    if status.state == "out":
        return SiteReport(status.site, url, reachable=False, detail=status.reason)
    try:
        capabilities = archive.sites[status.site].capabilities
    except VanVaultError as error:
        return SiteReport(status.site, url, reachable=False, detail=error.message)
    return SiteReport(
        status.site, url, reachable=True, lock=capabilities.lock, lock_strength=lock_strength(capabilities)
    )
