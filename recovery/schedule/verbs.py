"""What a job may do: each verb with its options, as a function with its request. A table.

Settings name a verb and its options as words, as on the command line: ``["verify", "--next"]``. Here these
words become a request. A verb that is not in this table is no function of recovery, such as ``push``: it is
run as the program itself (``program.py``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.running import expectation_of, phase_of
from vanvault.recovery.work import Observer, account

#: Does what was asked for, on an open archive.
VerbFunction = Callable[[Archive, Observer], "VerbReport"]


class VerbReport(Protocol):
    """What every verb's report tells a schedule."""

    @property
    def exit_code(self) -> ExitCode: ...

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        ...


@dataclass(frozen=True, slots=True)
class Verb:
    """One row: the words that name a verb, its options, and what makes a task of them."""

    words: tuple[str, ...]
    options: Callable[[argparse.ArgumentParser], None]
    task: Callable[[argparse.Namespace], VerbFunction]
    positional: bool = False  # does a word without dashes follow? Else such a word names another verb

    def fits(self, command: Sequence[str]) -> bool:
        """Is this the verb that a command names?"""
        rest = command[len(self.words) :]
        named = tuple(command[: len(self.words)]) == self.words
        return named and (self.positional or not rest or rest[0].startswith("-"))


def task_of(command: Sequence[str], who: str = "") -> VerbFunction | None:
    """What a command of a job does; None: it is no verb of this table. Raises InvalidInput (options).

    ``who``: the person who asked for it, of verbs that persons may ask a node for; else it is this account.
    """
    verb = next((verb for verb in VERBS if verb.fits(command)), None)
    if verb is None:
        return None
    parser = _Parser(" ".join(verb.words))
    parser.add_argument("--json", action="store_true")  # a job always tells its report as JSON
    verb.options(parser)
    parser.set_defaults(who=who or account())
    return verb.task(parser.parse_args(list(command[len(verb.words) :])))


class _Parser(argparse.ArgumentParser):
    """Complains by an error instead of ending the process."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=verb, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{self.prog}: {message}", field="commands")


def _workers(parser: argparse.ArgumentParser, default: int | None = 4) -> None:
    parser.add_argument("--workers", type=_bounded(1, 64), default=default)


def _bounded(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not from {least} to {most}")
        return value

    return number


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{value:g} is not from 0 to 100")
    return value


def _flags(*names: str) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        for name in names:
            parser.add_argument(name, action="store_true")

    return add


def _no_options(parser: argparse.ArgumentParser) -> None:
    """The verb takes none."""


def _verify_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", action="append", default=[])
    parser.add_argument("--subset", "--share", dest="subset", default="1/1")
    _flags("--next", "--no-record")(parser)
    _workers(parser)


def _verify(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.verified import Subset
    from vanvault.recovery.verify import VerifyRequest, verify

    request = VerifyRequest(
        sites=tuple(given.site),
        subset=Subset.parse(given.subset),
        take_turn=given.next,
        on_record=not given.no_record,
        workers=given.workers,
        who=given.who,
    )
    return lambda archive, observer: verify(archive, request, observer)


def _compact_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until")
    _flags("--dry-run", "--keep-only")(parser)


def _compact(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.maintenance import CompactRequest, compact

    until = parse_rfc3339(given.until, field="until") if given.until else None
    request = CompactRequest(until, given.dry_run, given.keep_only)
    return lambda archive, observer: compact(archive, request, observer)


def _clear(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.clearing import ClearRequest, clear

    request = ClearRequest(given.dry_run, account())
    return lambda archive, observer: clear(archive, request, observer)


def _rebuild_options(parser: argparse.ArgumentParser) -> None:
    _flags("--discard")(parser)
    _workers(parser, None)


def _rebuild(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.maintenance import RebuildRequest, rebuild_index

    request = RebuildRequest(given.discard, given.workers)
    return lambda archive, observer: rebuild_index(archive, request, observer)


def _dry_run_options(parser: argparse.ArgumentParser) -> None:
    _flags("--dry-run")(parser)
    _workers(parser)


def _reconcile(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.reconcile import ReconcileRequest, reconcile

    request = ReconcileRequest(given.dry_run, given.workers, account())
    return lambda archive, observer: reconcile(archive, request, observer)


def _repair(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.repair import RepairRequest, repair

    request = RepairRequest(given.dry_run, given.workers, account())
    return lambda archive, observer: repair(archive, request, observer)


def _backup_options(parser: argparse.ArgumentParser) -> None:
    _flags("--full", "--dry-run")(parser)
    _workers(parser)


def _backup(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.backup import BackupRequest, backup

    request = BackupRequest(given.full, given.dry_run, given.workers, account())
    return lambda archive, observer: backup(archive, request, observer)


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-data", type=_percent, default=5.0)


def _check(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.backup import BackupCheckRequest, backup_check

    request = BackupCheckRequest(given.read_data, account())
    return lambda archive, observer: backup_check(archive, request, observer)


def _forget_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-days", type=int)
    _flags("--dry-run")(parser)


def _forget(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.backup import ForgetRequest, backup_forget

    request = ForgetRequest(given.keep_days, given.dry_run, account())
    return lambda archive, observer: backup_forget(archive, request, observer)


def _probe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site")


def _probe(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.maintenance import ProbeRequest, probe

    request = ProbeRequest(given.site)
    return lambda archive, observer: probe(archive, request, observer)


def _drill_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario")
    parser.add_argument("--subset", "--share", dest="subset", default="1/1")
    parser.add_argument("--samples", type=_bounded(1, 1000), default=24)
    parser.add_argument("--seed", default="")
    parser.add_argument("--approver", default="")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--shares", type=Path, action="append", default=[])
    _flags("--dry-run")(parser)
    _workers(parser)


def _drill(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.drill import DrillRequest, Escrowed, drill
    from vanvault.recovery.verified import Subset

    request = DrillRequest(
        scenario=given.scenario,
        subset=Subset.parse(given.subset),
        samples=given.samples,
        seed=given.seed,
        approver=given.approver,
        scratch=given.scratch,
        escrowed=Escrowed(given.bundle, tuple(given.shares)),
        workers=given.workers,
        dry_run=given.dry_run,
        who=given.who,
    )
    return lambda archive, observer: drill(
        archive,
        request,
        observer,
        on_plan=lambda plan: expectation_of(observer)(plan.expected_s),
        say=phase_of(observer),
    )


def _forecast(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.forecast import ForecastRequest, forecast

    return lambda archive, observer: forecast(archive, ForecastRequest(), observer)


def _coverage(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.coverage import CoverageRequest, coverage

    return lambda archive, observer: coverage(archive, CoverageRequest(), observer)


def _availability_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--year", type=_bounded(1971, 9997))
    parser.add_argument("--month", type=_bounded(1, 12))


def _availability(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.availability import AvailabilityRequest, availability

    request = AvailabilityRequest(given.year, given.month)
    return lambda archive, observer: availability(archive, request, observer)


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--period", required=True)
    _flags("--full")(parser)


def _report(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.reports import ReportRequest, make_report

    request = ReportRequest(given.name, given.period, full=given.full, who=account())
    return lambda archive, observer: make_report(archive, request, observer)


def _due_reports(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.reports import reports_due

    return lambda archive, observer: reports_due(archive, observer, make=given.make, who=account())


def _notices(given: argparse.Namespace) -> VerbFunction:
    from vanvault.recovery.notices import NoticeRequest, give_notices

    return lambda archive, observer: give_notices(archive, NoticeRequest(who=account()), observer)


VERBS = (
    Verb(("availability",), _availability_options, _availability),
    Verb(("availability", "report"), _availability_options, _availability),
    Verb(("availability", "window", "notify"), _no_options, _notices),
    Verb(("backup", "check"), _check_options, _check),
    Verb(("backup", "forget"), _forget_options, _forget),
    Verb(("backup", "run"), _backup_options, _backup),
    Verb(("clear",), _flags("--dry-run"), _clear),
    Verb(("compact",), _compact_options, _compact),
    Verb(("coverage",), _no_options, _coverage),
    Verb(("drill", "run"), _drill_options, _drill, positional=True),
    Verb(("forecast",), _no_options, _forecast),
    Verb(("index", "rebuild"), _rebuild_options, _rebuild),
    Verb(("probe",), _probe_options, _probe, positional=True),
    Verb(("reconcile",), _dry_run_options, _reconcile),
    Verb(("repair",), _dry_run_options, _repair),
    Verb(("report", "due"), _flags("--make"), _due_reports),
    Verb(("report", "make"), _report_options, _report, positional=True),
    Verb(("verify",), _verify_options, _verify),
)
