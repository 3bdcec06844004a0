"""Reports as an operator or a schedule asks for them: counted, signed, archived, and then shown."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive, ArchiveReader
from vanvault.archiver.catalogue import Query, Unread
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound
from vanvault.archiver.core.law import LegalDuty
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_seconds, rfc3339_us, to_us, vietnam_day
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.journal import first_event_at
from vanvault.archiver.journal.availability import read_windows, read_year
from vanvault.archiver.keys import SigningKeys, load_public_keys
from vanvault.recovery.documents import (
    LANGUAGES,
    REPORT,
    Language,
    Report,
    check_renderings,
    digests,
    public_keys_of,
    read_bundle,
    write_bundle,
    zipped,
)
from vanvault.recovery.gateways import record_changes
from vanvault.recovery.notices import given_notices
from vanvault.recovery.reports.accounts import accounts_report
from vanvault.recovery.reports.due import AGAIN_AFTER, DueReport, due_reports, lately_made
from vanvault.recovery.reports.layout import report_files
from vanvault.recovery.reports.model import KINDS, REPORT_FORM, ReportContents, ReportKind, kind_named
from vanvault.recovery.reports.operation import OperationFacts, operation_report
from vanvault.recovery.reports.period import ReportPeriod, parse_period
from vanvault.recovery.reports.period_record import PeriodRecord, read_period
from vanvault.recovery.reports.personal_data import personal_data_report, unread_of
from vanvault.recovery.reports.record import MadeReport, archive_report, made_reports, report_message_id
from vanvault.recovery.reports.review import review_report
from vanvault.recovery.reports.volumes import volumes
from vanvault.recovery.standings import kept_data
from vanvault.recovery.work import QUIET, Observer, catch_up

FOLDER = "reports"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which report of which period."""

    name: str
    period: str  # as people write it
    full: bool = False  # of accounts: the list of all of them, also when it is not the first report
    who: str = ""


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report that was made, and where its files lie."""

    report: Report
    folder: Path

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: a part of the record could not be read, and is not counted."""
        return ExitCode.CHECK_FAILED if self.report["lacking"] else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        report = self.report
        return {
            "id": report["id"],
            "report": report["name"],
            "period": report["period"],
            "complete": report["complete"],
            "full": report["full"],
            "lacking": report["lacking"],
            "figures": report["figures"],
            "folder": str(self.folder),
        }


@dataclass(frozen=True, slots=True)
class DueReports:
    """What is due, and what of it was made now."""

    due: tuple[DueReport, ...]
    made: tuple[KeptReport, ...] = ()
    lacking: tuple[MadeReport, ...] = ()  # made lately, without a part of the record: not made again now

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED where one that was made, now or lately, lacks something."""
        return (
            ExitCode.CHECK_FAILED if self.lacking or any(one.exit_code for one in self.made) else ExitCode.OK
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "reports": [one.as_json() for one in self.due],
            "overdue": [f"{one.name} {one.period.name}" for one in self.due if one.state == "overdue"],
            "made": [one.as_json() for one in self.made],
            "lacking": [one.as_json() for one in self.lacking],
        }


def make_report(archive: Archive, request: ReportRequest, observer: Observer = QUIET) -> KeptReport:
    """Count, sign and archive a report, and write its files into the home.

    Nothing is shown that is not on record first: the event that says who made it lies at the sites before the
    first file is written. Made again, it is another report with an id of its own; the earlier one stays.

    Raises NotFound (no such report), InvalidInput (the period: its form, or it has not begun),
    SiteUnavailable, KeyUnavailable, Damaged (the record cannot be read), SettingsError (disk).
    """
    kind = kind_named(request.name)
    period = parse_period(request.period, kind.length)
    now = archive.clock.now()
    if period.start >= now:
        raise InvalidInput(f"{period.name} has not begun", field="period", hint="Ask for one that is over.")
    record_changes(archive)  # what is known of gateways here and waits for the record is counted, too
    whole = catch_up(archive, observer.warn)
    began = first_event_at(archive.search)
    if began is not None and period.end <= began:
        day = vietnam_day(began)
        raise InvalidInput(
            f"{period.name} is before the archive, which began on {day}",
            field="period",
            hint="Nothing was received then; ask for a later one.",
        )
    record = read_period(archive, period)
    full = kind.name == "accounts" and (request.full or _is_first(archive, period))
    contents, unread = _contents(archive, kind, record, full)
    lacking = list(dict.fromkeys((*record.lacking, *unread, *(() if whole else ("a site was away",)))))
    for one in lacking:
        observer.warn(f"not counted: {one}")
    signer, last = archive.signing.active(), vietnam_day(record.last)
    body = {
        "archive": archive.settings.archive,
        "archive_began": rfc3339_seconds(began) if began is not None else None,
        "complete": now >= period.end and not lacking,
        "figures": dict(contents.figures),
        "format": REPORT_FORM.format,
        "from": rfc3339_seconds(period.start),
        "full": full,
        "id": f"{kind.name}-{period.name}-{archive.entropy.token(4).hex()}",
        "lacking": lacking,
        "law": [_law(duty, last) for duty in kind.cited],
        "made_at": rfc3339_us(to_us(now)),
        "name": kind.name,
        "period": period.name,
        "signing_key": signer.key_id,
        "tables": [table.as_json() for table in contents.tables],
        "to": rfc3339_us(to_us(record.until)),
        "who": request.who,
    }
    shown = report_files(REPORT_FORM.parsed(canonical(body)))
    data = REPORT_FORM.signed({**body, "files": digests(shown)}, signer)
    report, files = REPORT_FORM.parsed(data), {REPORT: data, **shown}
    archive_report(archive, report, data, zipped(files))
    folder = archive.home / FOLDER / str(body["id"])
    write_bundle(folder, files)
    return KeptReport(report, folder)


def reports_due(
    archive: Archive, observer: Observer = QUIET, *, make: bool = False, who: str = ""
) -> DueReports:
    """Which reports are due; ``make``: those whose period is over are made first.

    One that was made since, and lacks a part of the record, is made again after ``AGAIN_AFTER``.

    Raises as ``make_report``.
    """
    catch_up(archive, observer.warn)
    owed = [one for one in known_due(archive) if make and one.state in ("due", "overdue")]
    kept, now = list(made_reports(archive.search)), archive.clock.now()
    made: list[KeptReport] = []
    lacking: list[MadeReport] = []
    for one in owed:
        lately = lately_made(one, kept, now)
        if lately is None:
            made.append(make_report(archive, ReportRequest(one.name, one.period.name, who=who), observer))
            continue
        lacking.append(lately)
        observer.warn(
            f"{lately.id} lacks a part of the record; it is made again {AGAIN_AFTER.days} days later, or"
            f" now by: vanvault report make {one.name} --period {one.period.name}"
        )
    return DueReports(tuple(known_due(archive)), tuple(made), tuple(lacking))


def known_due(archive: Archive) -> list[DueReport]:
    """The same by what is folded here. Raises Damaged, SiteUnavailable (the index)."""
    return due_reports(made_reports(archive.search), first_event_at(archive.search), archive.clock.now())


def known_reports(archive: ArchiveReader) -> list[MadeReport]:
    """Reports that were made, the newest first, by what is folded here. Raises Damaged, SiteUnavailable."""
    return list(made_reports(archive.search))


def reports_on_record(archive: Archive, observer: Observer = QUIET) -> list[MadeReport]:
    """Reports that were made, the newest first. Raises Damaged, SiteUnavailable (the index)."""
    catch_up(archive, observer.warn)
    return list(made_reports(archive.search))


def report_evidence(
    archive: Archive, report: str, *, verify: bool, public_keys: Sequence[Path] = ()
) -> dict[str, Any]:
    """The report ``report``: an id, or the path of its files; where the home has none, the archive's copy.

    ``verify``: check the signature, by the keys in these files (PEM) or, without any, the home's own; and the
    files beside the report by their digests in it.

    Raises NotFound, InvalidInput (no report), Damaged (one was changed, or another signed), KeyUnavailable,
    SiteUnavailable (the archive's copy cannot be read).
    """
    home = archive.home
    missing = _no_report(report)
    folder: Path | None = None
    try:
        data, folder = read_bundle(home / FOLDER, report, missing)
    except NotFound:
        data = _archived(archive, report, missing)
    if not verify:
        return REPORT_FORM.parsed(data)
    trusted = public_keys_of(load_public_keys(public_keys)) if public_keys else None
    found = REPORT_FORM.verified(data, trusted or SigningKeys(home / KEYS_FOLDER).public)
    if folder is not None:
        check_renderings(folder, found)
    return found


def recorded_report(archive: ArchiveReader, report: str) -> Report:
    """The report of this id as the archive holds it, its signature proved; no file of the home is read.

    Raises NotFound, Damaged (changed, or another signed it), KeyUnavailable, SiteUnavailable.
    """
    return REPORT_FORM.verified(_archived(archive, report, _no_report(report)), archive.signing.public)


def report_bundle(archive: ArchiveReader, report: str) -> bytes:
    """All files of a report as the archive holds them, one ZIP. Raises as ``recorded_report``."""
    return _bundle(archive, report, _no_report(report))


def _no_report(report: str) -> NotFound:
    return NotFound(f"there is no report {report[:80]}", hint="vanvault report list names them.")


def _archived(archive: ArchiveReader, report: str, missing: NotFound) -> bytes:
    """The signed report out of the bundle that the archive holds. Raises as ``report_evidence``."""
    try:
        with zipfile.ZipFile(io.BytesIO(_bundle(archive, report, missing))) as bundle:
            return bundle.read(REPORT)
    except (zipfile.BadZipFile, KeyError) as error:
        name = report_message_id(report)
        raise Damaged(f"the archive's copy of the report {report[:80]} is no bundle", key=name) from error


def _bundle(archive: ArchiveReader, report: str, missing: NotFound) -> bytes:
    name = report_message_id(report)
    filters = {"gateway": SYSTEM_GATEWAY, "entry": "message", "message_id": name}
    item = next(archive.search.every(Query(filters=filters)), None) if len(name) <= Query.MAX_VALUE else None
    if item is None:
        raise missing
    return archive.original(item)


def _law(duty: LegalDuty, day: date) -> dict[str, Any]:
    """In each language the whole sentence; and apart from each other what is asked for, and by what."""
    return {
        "name": duty.name,
        "cited": {language: _basis(duty, day, language) for language in LANGUAGES},
        "duty": {language: duty.words(language).rstrip(".") for language in LANGUAGES},
        **{language: _cited(duty, day, language) for language in LANGUAGES},
    }


def _cited(duty: LegalDuty, day: date, language: Language) -> str:
    return f"{duty.words(language).rstrip('.')}: {_basis(duty, day, language)}"


def _basis(duty: LegalDuty, day: date, language: Language) -> str:
    """Text and clause, how they are known, and what of the text no longer holds."""
    cited, limits = duty.cited_on(day, language), duty.text.limits(language)
    return f"{cited}; {limits}" if limits else cited


def _is_first(archive: Archive, period: ReportPeriod) -> bool:
    """Was no report on accounts made of an earlier period that is over?"""
    return not any(
        one.name == KINDS["accounts"].name and one.complete and one.period < period
        for one in made_reports(archive.search)
    )


def _contents(
    archive: Archive, kind: ReportKind, record: PeriodRecord, full: bool
) -> tuple[ReportContents, list[str]]:
    """The contents, and what could not be looked at for them besides the record."""
    if kind.name == "accounts":
        return accounts_report(record, full=full), []
    if kind.name == "review":
        return review_report(record), []
    if kind.name == "personal-data":
        kept = kept_data(archive)
        return personal_data_report(record, kept), unread_of(kept)
    lacking: dict[str, Unread] = {}

    def note(one: Unread) -> None:
        lacking[one.object] = one

    period = record.period
    year = read_year(archive.search, archive.tail, period.year, now=archive.clock.now(), limit_percent=None)
    start_us, end_us = to_us(period.start), to_us(period.end)
    facts = OperationFacts(
        record,
        volumes(archive, period.start, record.until, note),
        year.months[: period.part],
        _hours_of(period.year),
        [one for one in read_windows(archive.search) if start_us <= one.start_us < end_us],
        {one.window: one for one in reversed(given_notices(archive.search)) if one.about == "planned"},
    )
    return operation_report(facts), [f"{key}: {one.reason}" for key, one in sorted(lacking.items())]


def _hours_of(year: int) -> int:
    first, after = ReportPeriod(year, 1, "month").start, ReportPeriod(year + 1, 1, "month").start
    return (after - first) // timedelta(hours=1)
