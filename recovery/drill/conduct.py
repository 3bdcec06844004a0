"""What a scenario works with, and where it writes down what it did and saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.stores import FileSite
from vanvault.recovery.drill.harm import Harm, harm
from vanvault.recovery.drill.later import AcknowledgedSoFar
from vanvault.recovery.drill.model import Check, DrillOutcome, Loss, Phase, SampledEntry
from vanvault.recovery.drill.readers import Together
from vanvault.recovery.drill.stores import ScratchStore, scratch_file_store
from vanvault.recovery.drill.third_copy import ThirdCopy
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Effort, Extent


def quiet(line: str) -> None:
    """Default callback: does nothing."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a drill is given besides production."""

    subset: Subset = field(default_factory=Subset)
    samples: int = 24  # entries that are compared before and after
    seed: str = ""  # decides the samples; "": the drill's id
    effort: Effort = field(default_factory=Effort)
    bundle: Path | None = None  # of the escrow, and the shares that open it
    key_shares: tuple[Path, ...] = ()
    third_copy: ThirdCopy | None = None
    probes: Mapping[str, str] = field(default_factory=dict)  # by S3 site: verdict of its last probe, or ""
    max_skew: timedelta = timedelta(seconds=60)  # between clocks
    wrong_by: timedelta = timedelta(hours=6)  # how far clock-wrong sets clocks off
    harm: Harm = harm  # how objects-damaged harms a file
    store: ScratchStore = scratch_file_store  # what ransomware attacks


@dataclass(slots=True)
class PhaseNote:
    """What a phase worked on; fill it in before the phase ends."""

    extent: Extent = field(default_factory=Extent)


@dataclass(slots=True)
class Drill:
    """One rehearsal while it runs."""

    id: str
    production: ArchiveReader
    scratch: Path  # empty, and the drill's alone
    clock: Clock
    entropy: Entropy
    means: Means
    acknowledged: AcknowledgedSoFar  # when the drill began: what must come back
    say: Callable[[str], None] = quiet
    timer: Callable[[], float] = time.monotonic
    total: Extent = field(default_factory=Extent)  # of the site that the plan names
    todo: Extent = field(default_factory=Extent)  # the subset of it
    #: Segments whose log no site gives: their batches are in the subset, too, because they stand in for it.
    stand_ins: set[str] = field(default_factory=set)
    _phases: list[Phase] = field(default_factory=list)
    _checks: list[Check] = field(default_factory=list)
    _samples: list[SampledEntry] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)
    _seen: list[str] = field(default_factory=list)
    _loss: Loss | None = None
    _began: float | None = None  # of the phase that is under way, if it is part of the recovery
    _reached: dict[str, float] = field(default_factory=dict)

    @property
    def seed(self) -> str:
        return self.means.seed or self.id

    @contextmanager
    def phase(self, name: str, *, counts: bool = True) -> Iterator[PhaseNote]:
        """Time a step; ``counts``: it is part of the recovery. One that fails is written down, too."""
        self.say(name)
        note, began, started_at = PhaseNote(), self.timer(), self.clock.now()
        self._began = began if counts else None
        try:
            yield note
        finally:
            self._began = None
            self._phases.append(Phase(name, started_at, self.timer() - began, note.extent, counts))

    def check(self, name: str, passed: bool, detail: str) -> None:
        """Write down the answer to one question; ``detail`` holds no personal data."""
        self._checks.append(Check(name, passed, detail))

    def reached(self, *milestones: str) -> None:
        """Write down how long the recovery took until now; only the first time of each counts."""
        seconds = sum(phase.seconds for phase in self._phases if phase.counts)
        if self._began is not None:
            seconds += self.timer() - self._began
        for name in milestones:
            self._reached.setdefault(name, seconds)

    def expect_alarm(self, alarm: str) -> None:
        """A detector must say this, or the drill fails."""
        self._expected.append(alarm)

    def saw_alarm(self, alarm: str) -> None:
        """A detector said this."""
        self._seen.append(alarm)

    def add_samples(self, samples: list[SampledEntry]) -> None:
        self._samples.extend(samples)

    def set_loss(self, loss: Loss) -> None:
        self._loss = loss

    def production_from(self, first: str) -> Together:
        """All that production holds, read from this site where it has it, else from the others."""
        sites = self.production.sites
        return Together(sites[first], (site for name, site in sites.items() if name != first))

    def stands_in(self, key: str) -> bool:
        """Is it a batch of a segment whose log no site gives?"""
        name = parse_key(key)
        if not self.stand_ins or name is None or name.family != "batch":
            return False
        segment = self.production.catalogue.covering(name.writer, name.sequence)
        return segment is not None and segment.key in self.stand_ins

    def scratch_site(self, name: str, folder: str = "") -> FileSite:
        """A new, empty site of the scratch home."""
        root = self.scratch / (folder or f"sites-{name}")
        FileSite.create(root, name, archive=self.production.settings.archive, clock=self.clock)
        return FileSite(root, name, clock=self.clock, entropy=self.entropy)

    def outcome(self) -> DrillOutcome:
        """What it came to."""
        return DrillOutcome(
            tuple(self._phases),
            tuple(self._checks),
            tuple(self._samples),
            tuple(self._expected),
            tuple(dict.fromkeys(self._seen)),
            self._loss,
            self.todo.bytes,
            self.total.bytes,
            dict(self._reached),
        )
