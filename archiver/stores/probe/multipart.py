"""Group 4: does a multipart upload keep its lock, its hold, and the bucket's default."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import AttackOutcome, Planted, ProbeContext, attempt
from vanvault.archiver.stores.verdict import ProbeFinding

BODY = b"one part is enough"


def upload(
    ctx: ProbeContext, key: str, bucket: str, complete: dict[str, Any] | None = None, **start: Any
) -> AttackOutcome:
    """Upload one part and complete it; the Outcome of the completion."""
    started = ctx.owner.create_multipart_upload(Bucket=bucket, Key=key, **start)
    where = {"Bucket": bucket, "Key": key, "UploadId": started["UploadId"]}
    part = ctx.owner.upload_part(**where, PartNumber=1, Body=BODY)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return attempt(ctx.owner.complete_multipart_upload, **where, MultipartUpload=parts, **(complete or {}))


def multipart(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 4."""
    return [_keeps_lock(ctx), _keeps_hold(ctx)]


def _keeps_lock(ctx: ProbeContext) -> ProbeFinding:
    key, until = "multipart-lock", ctx.until(ctx.lock)
    outcome = upload(ctx, key, ctx.buckets.main, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    planted = Planted(ctx.buckets.main, key, str(outcome.response.get("VersionId", "")), BODY, until)
    if not outcome.accepted:
        return finding(key, False, f"a locked multipart upload was refused: {outcome.code}")
    why = ctx.broken(planted)
    if not why:
        attempt(ctx.owner.delete_object, Bucket=planted.bucket, Key=key, VersionId=planted.version)
        why = ctx.broken(planted)
    return finding(key, not why, why or "the lock was kept, and it held against a delete")


def _keeps_hold(ctx: ProbeContext) -> ProbeFinding:
    key = "multipart-hold"
    outcome = upload(ctx, key, ctx.buckets.main, ObjectLockLegalHoldStatus="ON")
    if not outcome.accepted:
        return finding(key, False, f"a multipart upload under legal hold was refused: {outcome.code}")
    planted = Planted(ctx.buckets.main, key, str(outcome.response.get("VersionId", "")), BODY, None)
    hold = ctx.head(planted).get("ObjectLockLegalHoldStatus")
    return finding(key, hold == "ON", f"put with legal hold ON, reads back {hold}")


def keeps_default(ctx: ProbeContext) -> ProbeFinding:
    """Part of group 4; called while the default bucket has a default retention."""
    key = "multipart-default"
    outcome = upload(ctx, key, ctx.buckets.default)
    if not outcome.accepted:
        return finding(key, False, f"a multipart upload was refused: {outcome.code}")
    planted = Planted(ctx.buckets.default, key, str(outcome.response.get("VersionId", "")), BODY, None)
    mode = ctx.head(planted).get("ObjectLockMode")
    return finding(key, mode == "GOVERNANCE", f"the default is GOVERNANCE, the object has {mode}")
