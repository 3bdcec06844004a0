"""One verification as an operator or a schedule asks for it: choose, read, put on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.key_port import PURPOSES, key_id
from vanvault.recovery.verified import Subset, next_subset, verify_runs
from vanvault.recovery.verify.archive import chosen_sites, extent_of, verify_archive
from vanvault.recovery.verify.model import VerifyReport
from vanvault.recovery.verify.record import FINISHED, site_times, verify_detail
from vanvault.recovery.work import (
    QUIET,
    EarlyWorkers,
    Effort,
    Observer,
    catch_up,
    open_others,
    put_on_record,
    put_set_aside_on_record,
)


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to verify. ``take_turn`` reads the subset that was read longest ago, at all sites."""

    sites: tuple[str, ...] = ()  # empty: all
    subset: Subset = field(default_factory=Subset)
    take_turn: bool = False
    on_record: bool = True  # False: the run does not count as a verification
    workers: int = 4
    who: str = ""  # whose run it is, for the record

    def __post_init__(self) -> None:
        """Raises InvalidInput: the options contradict each other."""
        if self.take_turn and (self.sites or not self.subset.is_whole):
            raise InvalidInput("--next goes with neither --site nor --subset.", field="next")


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification that is over."""

    report: VerifyReport
    subset: Subset
    recorded: bool

    @property
    def exit_code(self) -> ExitCode:
        return self.report.exit_code

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**self.report.as_json(), "share": str(self.subset)}


def verify(
    archive: Archive,
    request: VerifyRequest,
    observer: Observer = QUIET,
    *,
    early: EarlyWorkers | None = None,
) -> Verification:
    """Read the archive back, where ``jobs`` of the settings says, and put on record what was found.

    What was found stands, whether the archive can take the record of it or not. Raises as
    ``verify_archive`` does.
    """
    chosen = chosen_sites(archive.sites, request.sites)
    subset = _turn(archive, observer) if request.take_turn else request.subset
    started, began = archive.clock.now(), site_times(chosen)
    keys = _keys_of(archive)
    report = read_back(
        archive, observer, sites=request.sites, subset=subset, workers=request.workers, early=early
    )
    recorded = False
    if request.on_record:
        finished = archive.clock.now()
        detail = verify_detail(
            report, subset, asked=chosen, began=began, started=started, finished=finished, keys=keys
        )
        try:
            recorded = put_on_record(archive, FINISHED, detail, who=request.who, observer=observer)
        except VanVaultError as error:
            observer.warn(f"this could not be put on record in the archive: {error.message}")
        put_set_aside_on_record(archive, observer)
    return Verification(report, subset, recorded)


def _keys_of(archive: Archive) -> list[str]:
    """Ids of all keys that objects may be opened or proved with. Raises KeyUnavailable."""
    masters = (key_id(purpose, n) for purpose in PURPOSES for n in archive.keys.versions(purpose))
    return [*masters, *archive.signing.public_keys()]


def read_back(
    archive: Archive,
    observer: Observer = QUIET,
    *,
    sites: tuple[str, ...] = (),
    subset: Subset | None = None,
    workers: int = 4,
    early: EarlyWorkers | None = None,
) -> VerifyReport:
    """Verify without a record, for verbs that do so on their way. Raises as ``verify_archive`` does."""
    total = extent_of(chosen_sites(archive.sites, sites)) if observer.shows_progress else None
    with (
        open_others(archive.home, archive.settings.jobs, early) as jobs,
        observer.progress("verifying", total) as step,
    ):
        return verify_archive(
            archive, sites=sites, subset=subset, effort=Effort(workers), jobs=jobs, step=step
        )


def _turn(archive: Archive, observer: Observer) -> Subset:
    catch_up(archive, observer.warn)
    settings = archive.settings.verify
    # Twice the limit: a subset that was not tried for so long is as good as never read.
    since = archive.clock.now() - 2 * timedelta(days=settings.max_age_days)
    return next_subset(verify_runs(archive.search, since=since), settings.parts, archive.sites)
