"""What is known about an archive, as far as conditions follow from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vanvault.recovery.access import Emergency
from vanvault.recovery.backup import BackupStanding
from vanvault.recovery.coverage import KnownAside, KnownDamage
from vanvault.recovery.custody import EscrowStanding, KnownKeys

#: What is late or failing, and since when.
Since = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the record says."""

    began: datetime  # when the archive did
    damage: Mapping[str, KnownDamage] = field(default_factory=dict)  # by site
    set_aside: Mapping[str, KnownAside] = field(default_factory=dict)  # the same, by the last verifications
    unverified: Since = field(default_factory=dict)  # sites of which a part went unverified too long
    drills_overdue: Since = field(default_factory=dict)
    drills_failed: Since = field(default_factory=dict)  # whose last run did not pass
    jobs_failing: Since = field(default_factory=dict)
    jobs_overdue: Since = field(default_factory=dict)
    break_glass: Since = field(default_factory=dict)  # uses that nobody has reviewed, by account and id
    reviews_due: Since = field(default_factory=dict)  # accounts that nobody has confirmed for six months
    approvers_few: Since = field(default_factory=dict)  # why too few people can approve, for people
    approvers_gone: Since = field(default_factory=dict)  # the same, where fewer than two can
    reports_overdue: Since = field(default_factory=dict)
    holds_unconfirmed: Since = field(default_factory=dict)  # holds that nobody confirmed in 72 hours
    keepers: Since = field(default_factory=dict)  # what is wrong with the keepers of locks, for people
    profile_differs: Since = field(default_factory=dict)  # how the settings differ from the record
    open_too_long: Since = field(default_factory=dict)  # transactions, for people, when they were counted
    disposals_half_done: Since = field(default_factory=dict)  # begun, and stopped before their end
    disposals_waiting: Since = field(default_factory=dict)  # may be run, or run again for what was left
    disposals_back: Since = field(default_factory=dict)  # copies of what went, as a verification found them
    windows_unannounced: Since = field(default_factory=dict)
    jobs_wrong: tuple[str, ...] = ()  # what is wrong in the settings of jobs, for people
    backup: BackupStanding = field(default_factory=lambda: BackupStanding(configured=False))
    backup_max_age: timedelta = timedelta(days=2)
    escrow: EscrowStanding = field(default_factory=lambda: EscrowStanding(possible=False))
    keys: KnownKeys = field(default_factory=KnownKeys)


@dataclass(frozen=True, slots=True)
class SeenFacts:
    """What a look shows; a node that has watched for longer knows since when."""

    away: Mapping[str, str] = field(default_factory=dict)  # site -> why
    clock_off: Mapping[str, str] = field(default_factory=dict)  # the same
    behind: Mapping[str, int] = field(default_factory=dict)  # site -> objects that it lacks
    since: Since = field(default_factory=dict)  # site -> since when it is as it is
    set_aside: int = 0  # objects at the sites that are not the archive's
    lock_alarms: int = 0  # copies of batches in no segment whose lock ends soon
    keys_untrusted: tuple[str, ...] = ()
    key_trouble: str = ""  # why a key that is needed cannot be used, for people; empty: none is known
    acts_missing: tuple[str, ...] = ()  # keys about which the key folder lacks an act
    conflicts: int = 0
    refused_residues: tuple[str, ...] = ()  # residue segments that would replace what they do not hold
    clock_ahead: str = ""  # which times to come the archive holds, for people; empty: none
    clocks_apart: str = ""  # which clock differs from the others, if it is not a site's
    unprobed: str = ""  # which site must not be trusted, as its store was not probed, or badly
    emergency: Emergency | None = None  # looks may wait for the record while it is in force
    emergency_trouble: str = ""  # why it is not known whether one is, for people
    refused: str = ""  # why intake has been refused for longer than a moment
    refused_since: datetime | None = None
    complete: bool = True  # the hot tail is level with the sites
    index_not_kept: Mapping[str, str] = field(default_factory=dict)  # site -> what is wrong with its index
    together: str = ""  # why both sites would be lost at once, for people; empty: they would not


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """Everything that conditions follow from."""

    now: datetime
    record: RecordFacts
    seen: SeenFacts
