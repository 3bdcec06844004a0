"""The facts of an open archive: what its record says, and what this process sees of its sites."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from vanvault.archiver.appliance import Archive, missing_acts
from vanvault.archiver.core.errors import KeyUnavailable, VanVaultError
from vanvault.archiver.journal import first_event_at
from vanvault.archiver.replicas import SiteStatus
from vanvault.archiver.stores import sites_together
from vanvault.recovery.backup import backup_standing
from vanvault.recovery.conditions.facts import ArchiveFacts, RecordFacts, SeenFacts, Since
from vanvault.recovery.coverage import damage_on_record, unverified_sites
from vanvault.recovery.custody import escrow_standing, known_keys
from vanvault.recovery.drill import DrillStanding, standings
from vanvault.recovery.reconcile import count_open
from vanvault.recovery.schedule import ScheduleOverview, overview


def gather_facts(archive: Archive, seen: SeenFacts) -> ArchiveFacts:
    """Everything that conditions follow from, by what is folded here. It lists no site.

    Raises SettingsError (the table of jobs), SiteUnavailable, Damaged (the record cannot be read),
    KeyUnavailable.
    """
    now, settings = archive.clock.now(), archive.settings
    drills, jobs = standings(archive.search), overview(archive)
    return ArchiveFacts(
        now=now,
        record=RecordFacts(
            began=first_event_at(archive.search) or now,
            damage=damage_on_record(archive.search, archive.sites),
            unverified=unverified_sites(
                archive.search, archive.sites, timedelta(days=settings.verify.max_age_days), now
            ),
            drills_overdue={one.scenario: one.due_at for one in drills if one.due_at and one.overdue(now)},
            drills_failed=_failed(drills),
            jobs_failing=_failing(jobs),
            jobs_overdue=_overdue(jobs),
            jobs_wrong=tuple(jobs.wrong),
            backup=backup_standing(archive),
            backup_max_age=timedelta(days=settings.backup.max_age_days),
            escrow=escrow_standing(archive),
            keys=known_keys(archive),
        ),
        seen=seen,
    )


def seen_here(
    archive: Archive,
    health: Iterable[SiteStatus],
    *,
    set_aside: int,
    lock_alarms: int,
    trouble: VanVaultError | None = None,
    complete: bool = True,
) -> SeenFacts:
    """What this process sees: ``health`` by its look or by its health board.

    ``trouble``: what stops a fold, or an intake.

    Raises Damaged, SiteUnavailable (the record cannot be read), KeyUnavailable.
    """
    sites = {one.site: one for one in health}
    settings = archive.settings
    off = {name: one.reason for name, one in sites.items() if one.state == "out" and "clock" in one.barred}
    return SeenFacts(
        away={name: one.reason for name, one in sites.items() if one.state == "out" and name not in off},
        clock_off=off,
        behind={
            name: one.lag.objects
            for name, one in sites.items()
            if one.state != "out" and one.lag is not None and one.lag.objects
        },
        since={name: one.since for name, one in sites.items() if one.since is not None},
        set_aside=set_aside,
        lock_alarms=lock_alarms,
        keys_untrusted=archive.signing.trust().unintroduced,
        key_trouble=trouble.message if isinstance(trouble, KeyUnavailable) else "",
        acts_missing=tuple(missing_acts(archive)),
        conflicts=count_open(archive),
        complete=complete,
        together=sites_together(archive.home, settings.sites.primary.url, settings.sites.standby.url),
    )


def _failed(drills: Iterable[DrillStanding]) -> Since:
    return {one.scenario: one.last.finished_at for one in drills if one.last and not one.last.passed}


def _failing(jobs: ScheduleOverview) -> Since:
    return {
        one.job.name: one.standing.last.finished
        for one in jobs.jobs
        if one.standing and one.standing.failing and one.standing.last
    }


def _overdue(jobs: ScheduleOverview) -> Since:
    return {
        one.job.name: one.standing.overdue_since
        for one in jobs.jobs
        if one.standing and one.standing.overdue_since
    }
