"""Runs a drill: in a scratch folder of its own, with production in view and out of reach."""

from __future__ import annotations

import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vanvault import __version__
from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.ports import Clock, Entropy, SystemEntropy
from vanvault.recovery.drill.conduct import Drill, Means, quiet
from vanvault.recovery.drill.loss import acknowledged_now
from vanvault.recovery.drill.model import DrillOutcome, DrillPlan
from vanvault.recovery.drill.plan import check_room, plan_drill
from vanvault.recovery.drill.readers import extents
from vanvault.recovery.drill.scenarios import SCENARIOS, Scenario
from vanvault.recovery.drill.untouched import Listings
from vanvault.recovery.work import Extent

#: Libraries on whose word a recovery rests.
_LIBRARIES = ("boto3", "cryptography", "pyarrow")


@dataclass(frozen=True, slots=True)
class FinishedDrill:
    """A drill that is over."""

    id: str
    archive: str
    scenario: Scenario
    plan: DrillPlan
    outcome: DrillOutcome
    seed: str
    started_at: datetime
    finished_at: datetime
    operator: str
    approver: str
    versions: dict[str, str]


def scenario_of(name: str) -> Scenario:
    """Raises NotFound."""
    if name not in SCENARIOS:
        raise NotFound(f"there is no scenario {name[:40]}", hint=f"Scenarios: {', '.join(SCENARIOS)}.")
    return SCENARIOS[name]


def prepare(
    production: ArchiveReader, scenario: Scenario, means: Means, bytes_per_s: float | None = None
) -> DrillPlan:
    """The plan of a drill, from the listing of its source. Raises SiteUnavailable, InvalidInput."""
    if scenario.needs_escrow and not (means.bundle and means.key_shares):
        raise InvalidInput(
            f"{scenario.name} restores the keys from their escrow, and none was given",
            field="bundle",
            hint="Give --bundle FILE, and --shares FILE for each share.",
        )
    total = todo = Extent()
    if scenario.source:
        total, todo = extents(production.sites[scenario.source], means.subset)
    return plan_drill(scenario, total, todo, means.subset, bytes_per_s)


def run(
    production: ArchiveReader,
    scenario: Scenario,
    plan: DrillPlan,
    means: Means,
    *,
    scratch: Path,
    clock: Clock,
    operator: str,
    approver: str = "",
    entropy: Entropy | None = None,
    say: Callable[[str], None] = quiet,
    timer: Callable[[], float] = time.monotonic,
) -> FinishedDrill:
    """Rehearse, in a new folder within ``scratch`` that is gone afterwards.

    Whatever stops the rehearsal makes it a failed drill, not an error.

    Raises InvalidInput (the scratch folder is too small), SiteUnavailable (production cannot be listed).
    """
    entropy = entropy or SystemEntropy()
    started_at = clock.now()
    name = f"{started_at:%Y%m%dt%H%M%Sz}-{scenario.name}-{entropy.token(3).hex()}"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    check_room(plan, shutil.disk_usage(scratch).free)
    with tempfile.TemporaryDirectory(prefix="drill-", dir=scratch) as folder:
        drill = Drill(
            id=name,
            production=production,
            scratch=Path(folder) / "home",
            clock=clock,
            entropy=entropy,
            means=means,
            acknowledged=acknowledged_now(production),
            say=say,
            timer=timer,
            total=plan.total,
            todo=plan.todo,
        )
        drill.scratch.mkdir(mode=0o700)
        with drill.phase("list production", counts=False) as note:
            before = Listings(Path(folder) / "before", production.sites)
            note.extent = plan.total
        try:
            scenario.rehearse(drill)
        except (VanVaultError, OSError) as error:
            drill.check("the rehearsal ran to its end", False, _reason(error))
        with drill.phase("list production again", counts=False):
            compared = before.compare()
    drill.check(
        "production was not touched",
        compared.untouched,
        f"{compared.same} versions as before, {compared.added} new and {compared.extended} extended by others"
        + "".join(f"; changed: {harmed}" for harmed in compared.harmed),
    )
    return FinishedDrill(
        id=name,
        archive=production.settings.archive,
        scenario=scenario,
        plan=plan,
        outcome=drill.outcome(),
        seed=drill.seed,
        started_at=started_at,
        finished_at=clock.now(),
        operator=operator,
        approver=approver,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Of the program, Python and the libraries that a recovery rests on."""
    found = {"python": platform.python_version(), "vanvault": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # a build that carries its libraries along
            found[library] = "unknown"
    return found


def _reason(error: VanVaultError | OSError) -> str:
    if isinstance(error, VanVaultError):
        return f"{error.message} {error.hint}".strip()
    return f"the disk refused: {error.strerror}"
