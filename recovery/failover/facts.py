"""What an open archive knows that a failover plan needs: sites that answer, and the tail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownBatch
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.times import from_us
from vanvault.recovery.failover.plan import Facts, Missing, NodeFact, SiteFact
from vanvault.recovery.reconcile import count_open

_PAGE = 500


def gather(archive: Archive, away: Mapping[str, str] | None = None) -> Facts:
    """The facts as of now; the caller folds first. Raises SettingsError, Damaged.

    ``away``: sites that do not answer, and why, as a node knows; None: they are asked.
    """
    if away is None:
        away = {name: error.message for name, error in archive.readable.away().items()}
    newest = _newest(archive)
    return Facts(
        archive=archive.settings.archive,
        now=archive.clock.now(),
        leadership=archive.lead.leadership,
        sites=tuple(_site(archive, name, away, newest) for name in archive.sites),
        nodes=tuple(
            NodeFact(last.writer, from_us(last.created_us), last.final)
            for last in archive.tail.last_batches()
        ),
        conflicts=count_open(archive),
        insisting=tuple(name for name in archive.gateways.names() if _insists(archive, name)),
    )


def _site(archive: Archive, name: str, away: Mapping[str, str], newest: Mapping[str, int]) -> SiteFact:
    return SiteFact(
        site=name,
        reachable=name not in away,
        detail=away.get(name, ""),
        last_entry=from_us(newest[name]) if name in newest else None,
        missing=missing_at(archive, name),
    )


def missing_at(archive: Archive, site: str) -> Missing:
    """What was folded as acknowledged and is not known to lie at ``site``."""
    batches = [batch for batch in _degraded(archive) if not _held(batch, site)]
    oldest = min((batch.header.created_us for batch in batches), default=None)
    return Missing(
        len(batches),
        sum(batch.header.rows for batch in batches),
        from_us(oldest) if oldest is not None else None,
    )


def _degraded(archive: Archive) -> Iterator[KnownBatch]:
    after = ""
    while keys := archive.tail.degraded(_PAGE, after):
        for key in keys:
            try:
                yield archive.tail.batch_of(key)
            except NotFound:
                continue  # the tail was made anew meanwhile
        after = keys[-1]


def _held(batch: KnownBatch, site: str) -> bool:
    copies = {(copy.site, copy.key) for copy in (*batch.placements, *batch.header.large)}
    return all((site, key) in copies for _, key in copies)


def _newest(archive: Archive) -> dict[str, int]:
    """By site, the time of the newest last object of a writer that lies there."""
    found: dict[str, int] = {}
    for last in archive.tail.last_batches():
        for placement in archive.tail.batch_of(last.key).placements:
            found[placement.site] = max(found.get(placement.site, 0), last.created_us)
    return found


def _insists(archive: Archive, gateway: str) -> bool:
    return archive.gateways.policy_of(gateway) == "all"
