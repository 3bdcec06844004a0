"""Drills on a small archive of files, run as the command runs them but for time and means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.object_limits import LockRules
from vanvault.archiver.stores import Site, SiteReader
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.readers import in_subset
from vanvault.recovery.drill.run import FinishedDrill, prepare, run, scenario_of
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Effort


def drill(archive: Archive, scenario: str, scratch: Path, means: Means | None = None) -> FinishedDrill:
    """One drill of an open archive."""
    chosen, means = scenario_of(scenario), means or Means(effort=Effort(workers=2))
    # Else the drill's own id decides, which is drawn by chance: now and then few entries would be sampled.
    means = means if means.seed else replace(means, seed="a")
    with archive.reader() as production:
        production.catch_up()
        return run(
            production,
            chosen,
            prepare(production, chosen, means),
            means,
            scratch=scratch,
            clock=archive.clock,
            operator="operator",
            approver="approver",
            entropy=archive.entropy,
        )


def drilled(lab: Lab, scenario: str, means: Means | None = None) -> FinishedDrill:
    """One drill of the lab's archive; nothing may be left of it."""
    scratch = lab.home.parent / "scratch"
    with lab.open() as archive:
        finished = drill(archive, scenario, scratch, means)
    assert list(scratch.iterdir()) == []
    return finished


def failing(finished: FinishedDrill) -> list[str]:
    """Names of the checks that failed."""
    return [check.name for check in finished.outcome.checks if not check.passed]


@dataclass
class CopiedFolder:
    """A third copy: every object with its lock, and the control plane, in memory as of one moment."""

    control: dict[str, bytes]
    objects: dict[str, tuple[bytes, datetime | None]]
    lost: set[str] = field(default_factory=set)  # keys that it does not give back

    @classmethod
    def of(cls, lab: Lab) -> CopiedFolder:
        names = ["vanvault.toml", *(f"keys/{path.name}" for path in (lab.home / "keys").iterdir())]
        with lab.open() as archive:
            return cls(
                {name: (lab.home / name).read_bytes() for name in names},
                dict(_objects(archive.sites["primary"])),
            )

    @property
    def name(self) -> str:
        return "a copy in memory"

    def restore_control(self, target: Path, room: Path) -> None:
        (target / "keys").mkdir(mode=0o700)
        for name, data in self.control.items():
            (target / name).write_bytes(data)
            (target / name).chmod(0o600)

    def restore_objects(self, site: Site, subset: Subset, room: Path) -> None:
        for key, (data, locked) in self.objects.items():
            name = parse_key(key)
            if name and key not in self.lost and in_subset(key, subset):
                until = LockRules().of_copy(name, shown=locked, signed=None, now=site.now())
                site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)


def _objects(site: SiteReader) -> Iterator[tuple[str, tuple[bytes, datetime | None]]]:
    for version in site.list():
        yield version.key, (site.get(version.key, version.version), version.retain_until)
