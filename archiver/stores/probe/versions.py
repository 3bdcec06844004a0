"""Groups 7 and 8: does a locked version survive what happens to its key and to its bucket."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.stores.probe.attacks import judge
from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import AttackOutcome, Planted, ProbeContext, attempt
from vanvault.archiver.stores.verdict import ProbeFinding


def overwrite(client: Any, at: Planted) -> AttackOutcome:
    return attempt(client.put_object, Bucket=at.bucket, Key=at.key, Body=b"overwritten")


def self_copy(client: Any, at: Planted) -> AttackOutcome:
    return attempt(
        client.copy_object,
        Bucket=at.bucket,
        Key=at.key,
        CopySource={"Bucket": at.bucket, "Key": at.key, "VersionId": at.version},
        Metadata={"copied": "yes"},
        MetadataDirective="REPLACE",
    )


def delete_marker(client: Any, at: Planted) -> AttackOutcome:
    return attempt(client.delete_object, Bucket=at.bucket, Key=at.key)


def keys(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 7."""
    return [
        judge(ctx, "overwrite", overwrite),
        judge(ctx, "self-copy", self_copy),
        judge(ctx, "delete-marker", delete_marker),
    ]


def enabled(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 1: what a bucket made with Object Lock says about itself."""
    lock = attempt(ctx.owner.get_object_lock_configuration, Bucket=ctx.buckets.main)
    on = lock.response.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled")
    status = attempt(ctx.owner.get_bucket_versioning, Bucket=ctx.buckets.main).response.get("Status")
    ok = on == "Enabled" and status == "Enabled"
    return [finding("lock-enabled", ok, f"Object Lock: {on or lock.code}; versioning: {status}")]


def settings(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 8, in a bucket of its own, one attack after the other."""
    bucket = ctx.buckets.settings
    locked = ctx.plant("settings", bucket=bucket)
    suspended = attempt(
        ctx.owner.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    status = attempt(ctx.owner.get_bucket_versioning, Bucket=bucket).response.get("Status")
    overwrite(ctx.owner, locked)
    why = ctx.broken(locked) or ("" if status == "Enabled" else f"versioning is {status}")
    found = [finding("versioning-suspend", not why, why or f"held; the store answered: {suspended.code}")]
    found.append(_lifecycle(ctx, locked))
    gone = attempt(ctx.owner.delete_bucket, Bucket=bucket)
    why = ctx.broken(locked)
    found.append(finding("bucket-delete", not why, why or f"held; the store answered: {gone.code}"))
    return found


def _lifecycle(ctx: ProbeContext, locked: Planted) -> ProbeFinding:
    rule = {
        "ID": "everything",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "Expiration": {"Days": 1},
    }
    outcome = attempt(
        ctx.owner.put_bucket_lifecycle_configuration,
        Bucket=locked.bucket,
        LifecycleConfiguration={"Rules": [rule]},
    )
    ctx.sleep(2)
    why = ctx.broken(locked)
    return finding(
        "lifecycle", not why, why or f"the rule was {outcome.code}; the version was there 2 s later"
    )
