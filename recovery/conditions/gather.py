"""The facts of an open archive: what its record says, and what this process sees of its sites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive, missing_acts
from vanvault.archiver.catalogue import KeptStanding
from vanvault.archiver.core.errors import KeyUnavailable, SettingsError, SiteUnavailable, VanVaultError
from vanvault.archiver.core.times import from_us, rfc3339_seconds, vietnam_midnight
from vanvault.archiver.journal import first_event_at
from vanvault.archiver.people.accounts import due_reviews
from vanvault.archiver.replicas import SiteStatus
from vanvault.archiver.stores import sites_together
from vanvault.recovery.access import Emergency, EmergencyFiles
from vanvault.recovery.accounts import current_accounts
from vanvault.recovery.approvals import known_approvals, known_approvers, known_table
from vanvault.recovery.backup import backup_standing
from vanvault.recovery.clock import ahead_now
from vanvault.recovery.conditions.facts import ArchiveFacts, RecordFacts, SeenFacts, Since
from vanvault.recovery.conditions.kept import index_not_kept
from vanvault.recovery.coverage import damage_on_record, set_aside_on_record, unverified_sites
from vanvault.recovery.custody import escrow_standing, known_keys
from vanvault.recovery.disposal_record import KnownDisposal, KnownDisposals, known_disposals
from vanvault.recovery.drill import DrillStanding, standings
from vanvault.recovery.holds import known_holds
from vanvault.recovery.notices import unannounced
from vanvault.recovery.reconcile import count_open
from vanvault.recovery.reports import known_due
from vanvault.recovery.retention import keepers_in_trouble, known_open, profile_differs
from vanvault.recovery.schedule import ScheduleOverview, overview
from vanvault.recovery.sign_on import read_break_glass
from vanvault.recovery.verified import Subset, verify_runs

#: With fewer who can approve, one of them can ask for nothing.
_HUMANS = 2
#: A run of a disposal that told nothing for so long was killed.
_RUN_WITHIN = timedelta(hours=12)


def gather_facts(archive: Archive, seen: SeenFacts) -> ArchiveFacts:
    """Everything that conditions follow from, by what is folded here. It lists no site.

    Raises SettingsError (the table of jobs), SiteUnavailable, Damaged (the record cannot be read),
    KeyUnavailable.
    """
    now, settings = archive.clock.now(), archive.settings
    approvers, able = _approvers_few(archive)
    drills, jobs, keys = standings(archive.search), overview(archive), known_keys(archive)
    disposals = known_disposals(archive)
    half_done, waiting = _disposals(disposals, now)
    return ArchiveFacts(
        now=now,
        record=RecordFacts(
            began=first_event_at(archive.search) or now,
            damage=damage_on_record(archive.search, archive.sites),
            set_aside=set_aside_on_record(archive.search, archive.sites),
            unverified=unverified_sites(
                archive.search, archive.sites, timedelta(days=settings.verify.max_age_days), now
            ),
            drills_overdue={one.scenario: one.due_at for one in drills if one.due_at and one.overdue(now)},
            drills_failed=_failed(drills),
            jobs_failing=_failing(jobs),
            jobs_overdue=_overdue(jobs),
            break_glass={f"{one.name} ({one.id})": one.at for one in read_break_glass(archive).unreviewed},
            reviews_due=_reviews_due(archive, now),
            approvers_few=approvers if able >= _HUMANS else {},
            approvers_gone=approvers if able < _HUMANS else {},
            reports_overdue=_reports_overdue(archive),
            disposals_half_done=half_done,
            disposals_waiting=waiting,
            disposals_back=_came_back(archive, disposals, now),
            windows_unannounced=unannounced(archive),
            holds_unconfirmed=_holds_unconfirmed(archive, now),
            keepers=keepers_in_trouble(archive),
            open_too_long=known_open(archive),
            profile_differs=profile_differs(archive),
            jobs_wrong=tuple(jobs.wrong),
            backup=backup_standing(archive),
            backup_max_age=timedelta(days=settings.backup.max_age_days),
            escrow=escrow_standing(archive, keys),
            keys=keys,
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
    refused_since: datetime | None = None,
    complete: bool = True,
    kept: Sequence[KeptStanding] | None = None,
) -> SeenFacts:
    """What this process sees: ``health`` by its look or by its health board.

    ``trouble``: what stops a fold, or an intake; ``refused_since``: since when, if it stops intake for longer
    than a moment; ``kept``: how the index stands that sites keep, None: it looks. It asks the sites for the
    time.

    Raises Damaged, SiteUnavailable (the record cannot be read), KeyUnavailable.
    """
    sites = {one.site: one for one in health}
    settings = archive.settings
    off = {name: one.reason for name, one in sites.items() if one.state == "out" and "clock" in one.barred}
    ahead, apart = _clocks(archive)
    emergency, emergency_trouble = _emergency(archive)
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
        refused_residues=tuple(one.manifest.segment for one in archive.catalogue.refused()),
        clock_ahead=ahead,
        clocks_apart=apart,
        unprobed=_unprobed(archive),
        emergency=emergency,
        emergency_trouble=emergency_trouble,
        refused=trouble.message if trouble is not None and refused_since is not None else "",
        refused_since=refused_since,
        complete=complete,
        index_not_kept=index_not_kept(
            archive.index.kept([name for name, one in sites.items() if one.state == "out"])
            if kept is None
            else kept,
            archive.clock.now(),
        ),
        together=sites_together(archive.home, settings.sites.primary.url, settings.sites.standby.url),
    )


def _clocks(archive: Archive) -> tuple[str, str]:
    """Which times to come the archive holds, and which clock differs now, if it is no site's."""
    verdict, _ = archive.trust.present_clocks()
    if not verdict.ok:
        return "", "" if verdict.culprit in archive.sites else verdict.detail.rstrip(".")
    ahead = ahead_now(archive, archive.clock.host.now())
    if not ahead:
        return "", ""
    until = rfc3339_seconds(from_us(max(one.until_us for one in ahead)).replace(microsecond=0))
    return (
        f"a clock was ahead once: {len(ahead)} writers have times until {until}, and none before is taken",
        "",
    )


def _unprobed(archive: Archive) -> str:
    try:
        archive.trust.check_probes()
    except SiteUnavailable as error:
        return f"{error.site}: {error.message}"
    return ""


def _emergency(archive: Archive) -> tuple[Emergency | None, str]:
    """The emergency in force, or why that is not known: then status goes on, and says so."""
    try:
        return EmergencyFiles(archive.home, archive.clock).now(), ""
    except SettingsError as error:
        return None, error.message


def _reviews_due(archive: Archive, now: datetime) -> Since:
    return {
        one.account.name: vietnam_midnight(one.due) for one in due_reviews(current_accounts(archive), now)
    }


def _approvers_few(archive: Archive) -> tuple[Since, int]:
    """Why too few can approve, and how many can. Since the table of acts was set: when the last of them left
    is not one event.
    """
    book = known_table(archive).book
    if book.table_at is None or not book.table.on:
        return {}, 0
    people, least = known_approvers(archive, known_approvals(archive)), book.table.least_people
    able = [one.name for one in people if not one.cannot]
    if len(able) >= least:
        return {}, len(able)
    who = f" ({', '.join(able)})" if able else ""
    unable = "".join(f"; {one.name} may, and {one.cannot}" for one in people if one.cannot)
    text = f"{len(able)} people can approve{who}, and the table of acts takes {least}{unable}"
    return {text: book.table_at}, len(able)


def _reports_overdue(archive: Archive) -> Since:
    return {
        f"{one.name} {one.period.name}": one.overdue_since
        for one in known_due(archive)
        if one.state == "overdue"
    }


def _holds_unconfirmed(archive: Archive, now: datetime) -> Since:
    return {hold.id: hold.placed.at for hold in known_holds(archive).in_force() if hold.is_late(now)}


def _disposals(disposals: KnownDisposals, now: datetime) -> tuple[Since, Since]:
    """Disposals that stopped before their end, and those that wait for somebody who runs them.

    One that is certified in part waits from the day on which the first of its copies may go.
    """
    half_done, waiting = dict[str, datetime](), dict[str, datetime]()
    for one in disposals:
        record, last = one.record, one.record.last_at
        if one.state == "half-done" and record.halted is not None:
            half_done[record.id] = record.halted[0]
        elif one.state == "running" and last is not None and last < now - _RUN_WITHIN:
            half_done[record.id] = last
        elif one.state == "ready" and one.cools_until is not None:
            waiting[record.id] = one.cools_until
        elif one.state == "certified-in-part" and record.certificate is not None:
            until = record.certificate.until
            if until is not None and until < now:
                waiting[record.id] = until
    return half_done, waiting


def _came_back(archive: Archive, disposals: KnownDisposals, now: datetime) -> Since:
    """Copies of what was disposed of that a verification found, though none was left when all was certified.

    Verifications since the last step of any disposal are looked at, the newest of each share; within their
    greatest age everything is read, else another condition tells.
    """
    begun = [one for one in disposals if one.record.begin is not None]
    steps = [one.record.last_at for one in begun if one.record.last_at is not None]
    if not steps or any(one.state in ("running", "half-done") or _is_left_at_sites(one) for one in begun):
        return {}
    oldest = now - timedelta(days=archive.settings.verify.max_age_days)
    seen: set[Subset] = set()
    for run in verify_runs(archive.search, since=max(oldest, *steps)):
        if run.subset in seen:
            continue
        seen.add(run.subset)
        if found := run.findings.get("replaced", 0):
            return {f"a verification found {found} objects of replaced segments": run.finished}
        if run.subset.is_whole and run.asked >= set(archive.sites):
            break
    return {}


def _is_left_at_sites(one: KnownDisposal) -> bool:
    """Does its certificate name copies besides backups, which have no end?"""
    certificate = one.record.certificate
    return certificate is not None and (certificate.remaining > 1 or certificate.until is not None)


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
