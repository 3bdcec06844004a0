"""Group 6: default retention. VanVault does not rely on it, but it must not harm explicit locks."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import AttackOutcome, ProbeContext, attempt
from vanvault.archiver.stores.probe.multipart import keeps_default
from vanvault.archiver.stores.verdict import ProbeFinding


def defaults(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 6, with the parts of groups 4 and 5 that need a default.

    The default is GOVERNANCE, so that what it locked for its shortest time, a day, can be cleaned up.
    """
    bounds = [_configure(ctx, _rule(days)).code for days in (0, 36_501)]
    refused = "accepted" not in bounds
    return [
        finding("default-bounds", refused, f"0 days: {bounds[0]}; 36,501 days: {bounds[1]}"),
        _stamped(ctx, _configure(ctx, _rule(1))),
        keeps_default(ctx),
        _beside_hold(ctx),
        _weakened(ctx),
    ]


def _rule(days: int) -> dict[str, Any]:
    return {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}


def _configure(ctx: ProbeContext, rule: dict[str, Any] | None) -> AttackOutcome:
    configuration: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if rule:
        configuration["Rule"] = rule
    return attempt(
        ctx.owner.put_object_lock_configuration,
        Bucket=ctx.buckets.default,
        ObjectLockConfiguration=configuration,
    )


def _stamped(ctx: ProbeContext, configured: AttackOutcome) -> ProbeFinding:
    planted = ctx.plant_unlocked("default-stamped", bucket=ctx.buckets.default)
    mode = ctx.head(planted).get("ObjectLockMode")
    detail = f"default set: {configured.code}; a plain PUT has mode {mode}"
    return finding("default-stamped", mode == "GOVERNANCE", detail)


def _beside_hold(ctx: ProbeContext) -> ProbeFinding:
    check = "hold-keeps-default"
    planted = ctx.plant_unlocked(check, bucket=ctx.buckets.default, ObjectLockLegalHoldStatus="OFF")
    mode = ctx.head(planted).get("ObjectLockMode")
    detail = f"the default is GOVERNANCE; put with legal hold OFF, the object has {mode}"
    return finding(check, mode == "GOVERNANCE", detail)


def _weakened(ctx: ProbeContext) -> ProbeFinding:
    check = "default-weakened"
    locked = ctx.plant(check, bucket=ctx.buckets.default)
    outcome = _configure(ctx, None)
    attempt(ctx.owner.delete_object, Bucket=locked.bucket, Key=locked.key, VersionId=locked.version)
    why = ctx.broken(locked)
    return finding(check, not why, why or f"default removed ({outcome.code}), the lock held")
