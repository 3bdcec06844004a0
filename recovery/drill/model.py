"""What a drill is, measures and ends with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vanvault.archiver.core.law import figure
from vanvault.recovery.work import Extent

#: Data must be back at most this long after the incident (seconds), and this many messages may be lost.
RTO_TARGET_S = int(figure("data-recovered", text="QD08-2015") or 0) * 3600
RPO_TARGET_MESSAGES = 0


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What a drill will do, before it does anything."""

    scenario: str
    source: str  # what is recovered from
    target: str  # what is recovered
    total: Extent  # at the source
    subset: str  # "n/t"; "1/1": everything
    todo: Extent  # in the subset
    scratch_bytes: int  # room that the drill needs in its scratch folder
    expected_s: float | None  # for everything, at the last measured rate; None: nothing was measured yet
    target_s: int = RTO_TARGET_S


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of a drill."""

    name: str
    started_at: datetime
    seconds: float
    extent: Extent  # what it worked on; empty where that says nothing
    counts: bool  # is it part of the recovery? What only proves something is not, nor is making damage


#: What a recovery reaches, in the order in which people wait for it: its name in reports.
MILESTONES = ("first_search", "all_searches", "first_push", "everything_verified")


@dataclass(frozen=True, slots=True)
class Check:
    """One question that the drill answered."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SampledEntry:
    """One archived entry, as it was before and as the recovered archive gives it."""

    id: str
    object: str
    sha256: str  # of the original or the canonical event
    same: bool  # search, receipt and (of a message) the original's bytes
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LostEntry:
    """One acknowledged entry that is not served, so that its gateway can be asked for it."""

    entry: str  # "message" or "event"
    id: str  # of the archive
    gateway: str
    client_id: str  # message or event id; "": nobody can tell it any more
    later: bool = False  # it was acknowledged after the copy was made from which all came


@dataclass(frozen=True, slots=True)
class Loss:
    """Acknowledged entries that the recovered archive does not serve."""

    acknowledged: int = 0  # objects that were looked for
    objects: int = 0  # of them lost
    messages: int = 0
    events: int = 0
    later_messages: int = 0  # of them acknowledged after the copy was made from which all came
    only_later: bool = False  # nothing else is lost
    named: tuple[LostEntry, ...] = ()  # the first of what is lost, messages before events

    @property
    def owed_messages(self) -> int:
        """Lost messages that the recovered archive should hold; none may be."""
        return self.messages - self.later_messages

    @property
    def unnamed(self) -> int:
        """Lost entries beyond those that are named."""
        return self.messages + self.events - len(self.named)


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """What a rehearsal came to."""

    phases: tuple[Phase, ...]
    checks: tuple[Check, ...]
    samples: tuple[SampledEntry, ...]
    alarms_expected: tuple[str, ...]
    alarms_seen: tuple[str, ...]
    loss: Loss | None  # None: the drill did not get so far as to compare
    share_bytes: int  # of the objects that were recovered
    total_bytes: int  # of all objects
    reached: Mapping[str, float] = field(default_factory=dict)  # of MILESTONES, seconds since the incident

    @property
    def alarms_missing(self) -> tuple[str, ...]:
        """What a detector should have said and did not."""
        return tuple(sorted(set(self.alarms_expected) - set(self.alarms_seen)))

    @property
    def rpo_messages(self) -> int | None:
        """Acknowledged messages that were lost; None: not measured."""
        return self.loss.messages if self.loss is not None else None

    @property
    def rto_s(self) -> float:
        """Seconds that the recovery took, as rehearsed."""
        return sum(phase.seconds for phase in self.phases if phase.counts)

    @property
    def rto_whole_s(self) -> float:
        """The same for everything, where only a subset was recovered: in proportion to the bytes."""
        if not self.share_bytes or self.share_bytes >= self.total_bytes:
            return self.rto_s
        return self.rto_s * self.total_bytes / self.share_bytes

    @property
    def reached_whole(self) -> dict[str, float | None]:
        """When each milestone is reached, for everything, as ``rto_whole_s``; None: not measured."""
        factor = self.rto_whole_s / self.rto_s if self.rto_s else 1.0
        return {name: self.reached[name] * factor if name in self.reached else None for name in MILESTONES}

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the drill failed, for people; empty when it passed."""
        failed = [f"{check.name}: {check.detail}" for check in self.checks if not check.passed]
        failed += [f"no alarm came: {alarm}" for alarm in self.alarms_missing]
        failed += [f"sample {sample.id}: {sample.detail}" for sample in self.samples if not sample.same]
        if self.loss is None:
            failed.append("what was recovered was not compared with what was acknowledged")
        elif (self.loss.messages > RPO_TARGET_MESSAGES or self.loss.objects) and not self.loss.only_later:
            failed.append(
                f"lost: {self.loss.messages} messages and {self.loss.events} events"
                f" in {self.loss.objects} objects"
            )
        if self.rto_whole_s > RTO_TARGET_S:
            failed.append(f"recovery takes {self.rto_whole_s:.0f} s; allowed: {RTO_TARGET_S} s")
        return tuple(failed)

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def recovered(self) -> Phase | None:
        """The phase whose rates are shown: the restore, or else what moved the most bytes."""
        counted = [phase for phase in self.phases if phase.counts and phase.extent.bytes]
        return max(counted, key=lambda one: (one.name.startswith("restore"), one.extent.bytes), default=None)
