"""One look at an archive. It goes on whatever is wrong: it is what an operator asks when something is."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import Archive, missing_acts
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.replicas import ClockVerdict, SiteState, SiteStatus
from vanvault.archiver.upkeep import look_at_locks, recorded_counts
from vanvault.recovery.clearing import SpentTally
from vanvault.recovery.conditions import FirstSeen, RecordFacts, conditions_of, gather_facts, seen_here
from vanvault.recovery.disposal_record import known_disposals
from vanvault.recovery.objects import Listing
from vanvault.recovery.reconcile import known_lag
from vanvault.recovery.schedule import overview
from vanvault.recovery.status.report import (
    IndexReport,
    KeysStatus,
    LastResort,
    Late,
    LockAlarm,
    RetentionStatus,
    SegmentsStatus,
    SetAsideCount,
    SiteReport,
    StatusReport,
)
from vanvault.recovery.status.strength import lock_strength
from vanvault.recovery.work import QUIET, Observer, catch_up

#: What only a node sees.
_UNSEEN = frozenset({"intake-refused"})


def status(archive: Archive, observer: Observer = QUIET) -> StatusReport:
    """What there is, after a fold of what is new. Changes nothing at a site.

    Raises SiteUnavailable, Damaged (what is on record cannot be read).
    """
    complete, trouble = _caught_up(archive, observer)
    settings = archive.settings
    sites = tuple(_site(archive, name) for name in archive.sites)
    clocks = archive.trust.clocks()
    health = tuple(_health(archive, site, clocks, observer) for site in sites)
    segments, set_aside, kept = (
        _segments(archive),
        _set_aside(archive),
        archive.index.kept([site.site for site in sites if not site.reachable]),
    )
    seen = seen_here(
        archive,
        health,
        set_aside=sum(one.objects for one in set_aside),
        lock_alarms=len(segments.alarms),
        trouble=trouble,
        complete=complete,
        kept=kept,
    )
    facts = gather_facts(archive, seen)
    record = facts.record
    memory = FirstSeen.of(archive.home)
    conditions = conditions_of(facts, memory.known(facts.now))
    memory.remember(conditions, facts.now, _UNSEEN)
    return StatusReport(
        home=str(archive.home),
        archive=settings.archive,
        sites=sites,
        keys=keys_status(archive, record.keys.missing),
        hot_tail=archive.tail.counts(),
        complete=complete,
        segments=segments,
        retention=retention_status(archive),
        gateways=len(archive.gateways.names()),
        late=late_by(archive, record),
        health=health,
        last_resort=LastResort(record.backup, record.escrow, facts.now),
        leadership=archive.lead.leadership,
        set_aside=set_aside,
        together=seen.together,
        conditions=conditions,
        index=IndexReport(kept),
        disposals=tuple(one for one in known_disposals(archive) if not one.is_over),
    )


def late_by(archive: Archive, record: RecordFacts) -> Late:
    """What should have been done by now, by what is on record. Raises SiteUnavailable, Damaged."""
    return Late(
        drills=tuple(record.drills_overdue),
        failing_jobs=tuple(record.jobs_failing),
        overdue_jobs=tuple(record.jobs_overdue),
        job_alarms=tuple(overview(archive).alarms()),
        verification=record.unverified,
        wrong_jobs=record.jobs_wrong,
    )


def _caught_up(archive: Archive, observer: Observer) -> tuple[bool, VanVaultError | None]:
    """Is the hot tail level with the sites, and what stopped the fold, if anything did?"""
    try:
        return catch_up(archive, observer.warn), None
    except VanVaultError as error:
        observer.warn(error.message)
        return False, error


def retention_status(archive: Archive) -> RetentionStatus:
    """The profile in force."""
    profile = archive.profile
    return RetentionStatus(
        profile=profile.name,
        log_years=profile.log.years,
        originals_years=profile.originals.years,
        margin_days=profile.originals.margin_days,
    )


def keys_status(archive: Archive, missing: tuple[str, ...]) -> KeysStatus:
    """Which keys there are at this home; ``missing``: ids of those that it lacks."""
    trust = archive.signing.trust()
    return KeysStatus(
        masters={purpose: list(archive.keys.versions(purpose)) for purpose in PURPOSES},
        signing=archive.signing.active().key_id,
        public=len(archive.signing.public_keys()),
        revoked=tuple(sorted(trust.revoked)),
        unintroduced=trust.unintroduced,
        missing_acts=tuple(missing_acts(archive)),
        missing=missing,
    )


def _segments(archive: Archive) -> SegmentsStatus:
    spent = SpentTally(archive)
    locks = look_at_locks(archive, spent.watch)  # one listing of all batches for both
    return SegmentsStatus(
        counts=archive.catalogue.counts(),
        uncompacted=archive.tail.count_uncompacted(),
        alarms=tuple(LockAlarm(held.site, held.key, held.retain_until) for held in locks.alarms),
        spent=spent.counts(),
    )


def _set_aside(archive: Archive) -> tuple[SetAsideCount, ...]:
    """What this look has come across, and what others have put on record since yesterday."""
    for _ in Listing(archive.sites).strangers():
        pass  # the gates of the sites take note of them
    seen = {at: count for at, count in archive.quarantine.counts().items() if count}
    known = {**recorded_counts(archive, timedelta(days=1)), **seen}
    return tuple(SetAsideCount(site, reason, count) for (site, reason), count in sorted(known.items()))


def _site(archive: Archive, name: str) -> SiteReport:
    url: str = getattr(archive.settings.sites, name).url
    try:
        site = archive.sites[name]
        site.now()
        capabilities = site.capabilities
    except VanVaultError as error:
        return SiteReport(name, url, reachable=False, detail=error.message)
    strength = lock_strength(capabilities)
    return SiteReport(name, url, reachable=True, lock=capabilities.lock, lock_strength=strength)


def _health(archive: Archive, site: SiteReport, clocks: ClockVerdict, observer: Observer) -> SiteStatus:
    """A site's health by this one look, where no server that has watched it for longer tells."""
    lag = None
    try:
        lag = known_lag(archive, site.site)
    except VanVaultError as error:
        observer.warn(error.message)
    if clocks.culprit == site.site:
        return SiteStatus(site.site, "out", None, f"its clock is off: {clocks.detail}", lag, ("clock",))
    state: SiteState = "healthy" if site.reachable else "out"
    if site.reachable and lag is not None and lag.objects:
        state = "catching-up"
    return SiteStatus(site.site, state, None, site.detail, lag)
