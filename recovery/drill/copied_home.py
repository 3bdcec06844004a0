"""A whole node on a copy: settings, keys and gateways of production, over scratch sites that it writes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vanvault.archiver.appliance import Archive, open_components
from vanvault.archiver.core.names import parse_key, writer_started_at
from vanvault.archiver.core.ports import Clock, Ports
from vanvault.archiver.home_files import KEYS_FOLDER, SETTINGS_FILE
from vanvault.archiver.keys.escrow import read_key_files, write_key_files
from vanvault.archiver.people import GATEWAYS_FILE
from vanvault.archiver.stores import FileSite, Site
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.readers import Overlay, in_subset
from vanvault.recovery.drill.sampling import ExpectedAnswer
from vanvault.recovery.verify import VerifyReport, verify_sites

SITES = ("primary", "standby")
#: What is done to the copy is done so much later than it was made.
LATER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LaterClock:
    """A clock that is ahead of another one."""

    clock: Clock
    by: timedelta = LATER

    def now(self) -> datetime:
        return self.clock.now() + self.by


@dataclass(frozen=True, slots=True)
class Copied:
    """The copied archive, and its sites as whoever has write access to them sees them."""

    archive: Archive
    raw: Mapping[str, Site]
    since: datetime  # all of the copy is older, and whatever is done to it is later


def copy_node(drill: Drill) -> Copied:
    """Copy the drill's subset to two scratch sites, and open a node over them an hour later."""
    for name, other in zip(SITES, reversed(SITES), strict=True):
        source, target = drill.production_from(other), drill.scratch_site(name)
        steps.restore_in_drill(drill, source, target, f"copy the {name}", counts=False)
        target.close()
    since, clock = drill.clock.now() + LATER / 2, LaterClock(drill.clock)
    raw = {
        name: FileSite(drill.scratch / f"sites-{name}", name, clock=clock, entropy=drill.entropy)
        for name in SITES
    }
    home = drill.scratch / "copied-home"
    home.mkdir(mode=0o700)
    for name in (SETTINGS_FILE, GATEWAYS_FILE):
        (home / name).write_bytes((drill.production.home / name).read_bytes())
    files = read_key_files(drill.production.home / KEYS_FOLDER)
    write_key_files(home / KEYS_FOLDER, files, list(files))
    components = open_components(home, ports=Ports(clock, entropy=drill.entropy), sites=raw)
    return Copied(Archive.of(components.on_new_node(home, components.sites)), raw, since)


def compare_copy(drill: Drill, copied: Copied, expected: list[ExpectedAnswer]) -> None:
    """The copy answers as production did; of a subset, commits may be recorded in what was not copied."""
    whole = drill.means.subset.is_whole
    answers = expected if whole else [replace(one, recorded=False) for one in expected]
    steps.compare_answers(drill, copied.archive, answers)


def verify_copy(drill: Drill, copied: Copied, forged: set[str]) -> VerifyReport:
    """Verify both sites of the copy: everything forged must be named, and the archive itself be whole."""
    archive = copied.archive
    survivor = drill.production_from("standby")
    sites = {
        name: site if drill.means.subset.is_whole else Overlay(site, survivor, drill.means.subset)
        for name, site in archive.sites.items()
    }
    for key in forged:
        drill.expect_alarm(f"unproved {key}")
    with drill.phase("verify the copy") as note:
        report = verify_sites(
            sites,
            steps.object_reader(archive, sites),
            effort=drill.means.effort,
            pause=lambda: None,  # nobody writes to a scratch site
            timer=drill.timer,
            aside=lambda: archive.quarantine.found(SITES),
        )
        note.extent = report.sites["primary"]
    for finding in report.findings:
        if finding.problem == "unproved":
            drill.saw_alarm(f"unproved {finding.key}")
    # What is outside of the subset the copy never saw, so a revocation on it does not let that stand.
    outside = {one.key for one in report.findings if not in_subset(one.key, drill.means.subset)}
    # What the drill itself wrote need not be in its subset.
    harmed = [
        one for one in report.harmed if one.key not in outside and not _is_of_drill(one.key, copied.since)
    ]
    named = ", ".join(f"{one.problem} {one.key}" for one in harmed[: steps.NAMED])
    drill.check("the archive itself is whole", not harmed, named or f"{report.objects} objects")
    steps.measure_loss(drill, archive, sites["primary"], report, garbage=forged | outside)
    return report


def _is_of_drill(key: str, since: datetime) -> bool:
    name = parse_key(key)
    return name is not None and writer_started_at(name.writer) >= since
