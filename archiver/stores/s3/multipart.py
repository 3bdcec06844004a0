"""Multipart upload of what is too large for one PUT; only where a probe found that it keeps the lock."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import Any

from vanvault.archiver.stores.s3.errors import S3_ERRORS


def put_in_parts(
    client: Any, bucket: str, key: str, body: bytes, part_size: int, lock: dict[str, Any]
) -> dict[str, Any]:
    """Upload ``body`` in parts, lock included; the answer to the completion, with its VersionId.

    Parts have digests of their own, which are computed here: the only bytes that are hashed twice.
    Raises S3_ERRORS; what was uploaded by then is given back to the server.
    """
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, **lock)["UploadId"]
    wanted = {"Bucket": bucket, "Key": key, "UploadId": upload}
    try:
        parts = []
        for number, start in enumerate(range(0, len(body), part_size), 1):
            part = body[start : start + part_size]
            md5 = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
            answer = client.upload_part(**wanted, PartNumber=number, Body=part, ContentMD5=md5)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    except S3_ERRORS:
        with suppress(*S3_ERRORS):  # the server's own clean-up of unfinished uploads has it otherwise
            client.abort_multipart_upload(**wanted)
        raise
    completed: dict[str, Any] = client.complete_multipart_upload(**wanted, MultipartUpload={"Parts": parts})
    return completed
