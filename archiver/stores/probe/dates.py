"""Groups 3 and 11: do dates read back exactly, and does the store's clock agree with the host's."""

from __future__ import annotations

from datetime import UTC, datetime

from vanvault.archiver.stores.probe.attacks import FAR
from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import ProbeContext
from vanvault.archiver.stores.verdict import ProbeFinding, rfc3339


def readback(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 3: mode and date, to the second."""
    planted = ctx.plant("date-readback")
    answer = ctx.head(planted)
    until, mode = answer.get("ObjectLockRetainUntilDate"), answer.get("ObjectLockMode")
    ok = until == planted.until and mode == "COMPLIANCE" and bool(planted.version)
    return [
        finding(
            "date-readback",
            ok,
            f"put COMPLIANCE until {rfc3339(planted.until)}, reads back {mode} until {rfc3339(until)}",
        )
    ]


def far_dates(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 3: dates beyond the turns of 32-bit counters. GOVERNANCE, so that they can be cleaned up."""
    dates = {
        "date-2036": datetime(2036, 2, 29, 23, 59, 59, tzinfo=UTC),
        "date-2039": datetime(2039, 12, 31, 23, 59, 59, tzinfo=UTC),
        "date-2110": FAR,
    }
    found = []
    for check, date in dates.items():
        got = ctx.head(ctx.plant_until(check, date, "GOVERNANCE")).get("ObjectLockRetainUntilDate")
        found.append(finding(check, got == date, f"put {rfc3339(date)}, reads back {rfc3339(got)}"))
    return found


def clock(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 11: retention is judged by the store's clock, so it has to be right."""
    seconds = ctx.offset.total_seconds()
    limit = ctx.max_skew.total_seconds()
    detail = (
        f"the store's clock is {abs(seconds):.0f} s {'ahead of' if seconds >= 0 else 'behind'} this host's"
    )
    return [finding("clock-skew", abs(seconds) <= limit, f"{detail}; allowed: {limit:.0f} s")]


def unprovable(ctx: ProbeContext) -> list[ProbeFinding]:
    """What S3 has no means to prove is said, not hidden."""
    return [
        finding(
            "unproved-clock",
            True,
            "cannot be proved over S3: whoever sets the store's clock ahead ends every lock early; "
            "keep its host and its time source out of the archive operators' hands",
        ),
        finding(
            "unproved-admin",
            True,
            "cannot be proved over S3: the store's own tools and the disks below it can remove locked "
            "objects; keep the two sites under different administrators",
        ),
        finding(
            "unproved-lifecycle",
            True,
            "cannot be proved in a minute: what lifecycle jobs and site replication do later; "
            "set neither on an archive bucket",
        ),
    ]
