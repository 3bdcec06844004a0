"""Group 5: legal holds, and what happens when retention ends."""

from __future__ import annotations

from vanvault.archiver.stores.probe.attacks import delete_bypass, delete_version
from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import Planted, ProbeContext, attempt
from vanvault.archiver.stores.verdict import ProbeFinding


def holds(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 5: three versions expire together, then they are attacked."""
    held = ctx.plant("hold-binds", span=ctx.short, ObjectLockLegalHoldStatus="ON")
    later = ctx.plant("hold-after-expiry", span=ctx.short)
    free = ctx.plant("expiry-releases", span=ctx.short)
    beside = _keeps_lock(ctx)
    for one in (held, later, free):
        ctx.wait_past(one.until)
    _hold(ctx, later, "ON")
    found = [beside, _attack(ctx, held), _attack(ctx, later)]
    outcome = delete_version(ctx.owner, free)
    found.append(finding("expiry-releases", outcome.accepted, f"delete after expiry: {outcome.code}"))
    for one in (held, later):
        _hold(ctx, one, "OFF")
    return found


def _hold(ctx: ProbeContext, at: Planted, status: str) -> None:
    arguments = {"Bucket": at.bucket, "Key": at.key, "VersionId": at.version}
    attempt(ctx.owner.put_object_legal_hold, **arguments, LegalHold={"Status": status})


def _attack(ctx: ProbeContext, at: Planted) -> ProbeFinding:
    codes = [delete_version(ctx.owner, at).code, delete_bypass(ctx.owner, at).code]
    outcome = attempt(ctx.head, planted=at)
    kept = outcome.accepted and outcome.response.get("ObjectLockLegalHoldStatus") == "ON"
    state = "held" if kept else "the version under hold is gone, or its hold is"
    return finding(at.key, kept, f"{state}; the store answered: {', '.join(codes)}")


def _keeps_lock(ctx: ProbeContext) -> ProbeFinding:
    planted = ctx.plant("hold-keeps-lock", ObjectLockLegalHoldStatus="OFF")
    why = ctx.broken(planted)
    return finding(
        "hold-keeps-lock", not why, why or "PUT with legal hold OFF beside a date: the lock is there"
    )
