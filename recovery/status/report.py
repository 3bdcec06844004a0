"""The report of a look at an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.catalogue import KeptStanding
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.replicas import Leadership, SiteStatus
from vanvault.recovery.backup import BackupStanding
from vanvault.recovery.clearing import SpentCount
from vanvault.recovery.conditions import Condition
from vanvault.recovery.custody import EscrowStanding
from vanvault.recovery.disposal_record import KnownDisposal


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One site and its lock."""

    site: str
    url: str
    reachable: bool
    detail: str = ""  # why it cannot be reached
    lock: str = ""  # kind of lock; empty: the site cannot be reached
    lock_strength: str = ""  # the same in words

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "site": self.site,
            "url": self.url,
            "reachable": self.reachable,
            "detail": self.detail,
            "lock": self.lock,
            "lock_strength": self.lock_strength,
        }


@dataclass(frozen=True, slots=True)
class LockAlarm:
    """A batch in no segment whose lock ends soon."""

    site: str
    batch: str
    locked_until: datetime | None  # None: it is not locked

    def as_json(self) -> dict[str, str]:
        """The same as JSON values."""
        until = rfc3339_seconds(self.locked_until) if self.locked_until else ""
        return {"site": self.site, "batch": self.batch, "locked_until": until}


@dataclass(frozen=True, slots=True)
class SegmentsStatus:
    """How much was compacted, and what waits for it too long."""

    counts: Mapping[str, int]  # segments and their rows
    uncompacted: int  # batches
    alarms: tuple[LockAlarm, ...]
    spent: tuple[SpentCount, ...] = ()  # what a clearing would free, by the listings

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        alarms = [alarm.as_json() for alarm in self.alarms]
        spent = [one.as_json() for one in self.spent]
        return {**self.counts, "uncompacted": self.uncompacted, "alarms": alarms, "spent": spent}


@dataclass(frozen=True, slots=True)
class RetentionStatus:
    """The profile in force."""

    profile: str
    log_years: int
    originals_years: int
    margin_days: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "profile": self.profile,
            "log_years": self.log_years,
            "originals_years": self.originals_years,
            "margin_days": self.margin_days,
        }


@dataclass(frozen=True, slots=True)
class KeysStatus:
    """Which keys there are."""

    masters: Mapping[str, list[int]]  # purpose -> versions, oldest first
    signing: str  # id of the key that signs
    public: int  # keys that may have signed
    revoked: tuple[str, ...] = ()  # ids
    unintroduced: tuple[str, ...] = ()  # ids of keys that no trusted one introduced
    missing: tuple[str, ...] = ()  # ids of keys of the archive that the home lacks
    missing_acts: tuple[str, ...] = ()  # ids of keys about which an act is on record and not in the folder

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "keys": dict(self.masters),
            "keys_missing": list(self.missing),
            "signing": {
                "active": self.signing,
                "public": self.public,
                "revoked": list(self.revoked),
                "not_introduced": list(self.unintroduced),
                "missing_acts": list(self.missing_acts),
            },
        }


@dataclass(frozen=True, slots=True)
class Late:
    """What should have been done by now."""

    drills: tuple[str, ...]  # scenarios
    failing_jobs: tuple[str, ...]
    overdue_jobs: tuple[str, ...]
    job_alarms: tuple[str, ...]  # a line for people about each of these jobs
    verification: Mapping[str, datetime]  # sites of which a part was not verified for too long; since when
    wrong_jobs: tuple[str, ...] = ()  # what is wrong in the settings of jobs, each naming the setting

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "drills": {"overdue": list(self.drills)},
            "schedule": {
                "failing": list(self.failing_jobs),
                "overdue": list(self.overdue_jobs),
                "alarms": list(self.job_alarms),
                "wrong": list(self.wrong_jobs),
            },
            "verification": {
                "overdue": {site: rfc3339_seconds(since) for site, since in self.verification.items()}
            },
        }


@dataclass(frozen=True, slots=True)
class LastResort:
    """What is left when both sites and the host are lost: the third copy, and the escrow of the keys."""

    third_copy: BackupStanding
    escrow: EscrowStanding
    now: datetime

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, with ages in seconds."""
        escrow, made = self.escrow, self.third_copy.last_good
        return {
            "third_copy": {**self.third_copy.as_json(), "age_seconds": self._age(made)},
            "escrow": {
                **escrow.as_json(),
                "age_seconds": self._age(escrow.made_at),
                "verified_age_seconds": self._age(escrow.verified_at),
            },
        }

    def _age(self, at: datetime | None) -> int | None:
        return round((self.now - at).total_seconds()) if at is not None else None


@dataclass(frozen=True, slots=True)
class SetAsideCount:
    """How many objects at a site are not the archive's, for one reason."""

    site: str
    reason: str
    objects: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"site": self.site, "reason": self.reason, "objects": self.objects}


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What sites keep of the index, for a new node."""

    kept: tuple[KeptStanding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "kept": [
                {
                    "site": one.site,
                    "configured": one.configured,
                    "made_at": one.made_at or None,
                    "files": one.files,
                    "bytes": one.bytes,
                    "segments": one.segments,
                    "lacking": len(one.lacking),
                    "trouble": one.trouble,
                }
                for one in self.kept
            ]
        }


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What there is, and how strong it is."""

    home: str
    archive: str
    sites: tuple[SiteReport, ...]
    keys: KeysStatus
    hot_tail: Mapping[str, int]
    complete: bool  # the hot tail is level with the sites
    segments: SegmentsStatus
    retention: RetentionStatus
    gateways: int
    late: Late
    health: tuple[SiteStatus, ...]  # by this one look
    last_resort: LastResort
    leadership: Leadership
    set_aside: tuple[SetAsideCount, ...] = ()  # by this look, and on record within a day
    together: str = ""  # why both sites may be lost at once, for people; empty: nothing that can be seen
    conditions: tuple[Condition, ...] = ()  # errors first
    index: IndexReport = IndexReport()
    disposals: tuple[KnownDisposal, ...] = ()  # that are not over

    @property
    def exit_code(self) -> ExitCode:
        """SITE when a site cannot be used, whatever else stands; then CHECK_FAILED while an error does.

        SETTINGS when the settings of a job are wrong, and nothing worse is.
        """
        if not all(site.reachable for site in self.sites):
            return ExitCode.SITE
        if any(one.severity == "error" for one in self.conditions):
            return ExitCode.CHECK_FAILED
        return ExitCode.SETTINGS if self.late.wrong_jobs else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "home": self.home,
            "archive": self.archive,
            "epoch": self.leadership.epoch,
            "leader": self.leadership.leader,
            "conditions": [one.as_json() for one in self.conditions],
            "sites": [site.as_json() for site in self.sites],
            "sites_together": self.together,
            **self.last_resort.as_json(),
            **self.keys.as_json(),
            "hot_tail": {**self.hot_tail, "complete": self.complete},
            "segments": self.segments.as_json(),
            "index": self.index.as_json(),
            "retention": self.retention.as_json(),
            "gateways": self.gateways,
            "disposals": [
                {
                    "disposal": one.record.id,
                    "state": one.state,
                    "entries": one.record.entries,
                    "who": one.record.who,
                    "cools_until": rfc3339_seconds(one.cools_until) if one.cools_until else None,
                }
                for one in self.disposals
            ],
            "set_aside": [count.as_json() for count in self.set_aside],
            **self.late.as_json(),
            "health": {"from": "look", "sites": [site.as_json() for site in self.health]},
        }
