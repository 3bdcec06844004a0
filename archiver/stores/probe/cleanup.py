"""Remove the disposable buckets, and say what could not be removed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vanvault.archiver.stores.probe.context import ProbeContext, StoreUnreachable, attempt, error_code


def clean_up(ctx: ProbeContext) -> tuple[str, ...]:
    """Wait for the last lock to end, empty and delete the buckets; return what remains, one line each."""
    ctx.wait_past(ctx.last_expiry)
    remains: list[str] = []
    for bucket in ctx.buckets.all():
        try:
            remains += _empty(ctx.owner, bucket)
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                remains.append(f"bucket {bucket}: {error_code(error)}")
        except (BotoCoreError, StoreUnreachable) as error:
            remains.append(f"bucket {bucket}: {error}")
    return tuple(remains)


def _empty(client: Any, bucket: str) -> list[str]:
    for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    remains = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            where = {"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]}
            attempt(client.put_object_legal_hold, **where, LegalHold={"Status": "OFF"})
            outcome = attempt(client.delete_object, **where, BypassGovernanceRetention=True)
            if not outcome.accepted:
                remains.append(f"{bucket}/{one['Key']} version {one['VersionId']}: {outcome.code}")
    if not remains:
        client.delete_bucket(Bucket=bucket)
    return remains
