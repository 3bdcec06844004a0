"""Groups 9 and 10: conditional writes, and bytes that are not what their digest says."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.context import ProbeContext, attempt
from vanvault.archiver.stores.probe.multipart import upload
from vanvault.archiver.stores.verdict import ProbeFinding

RACERS = 16


def _put_if_absent(ctx: ProbeContext, key: str, body: bytes = b"probe") -> Any:
    return attempt(ctx.owner.put_object, Bucket=ctx.buckets.main, Key=key, Body=body, IfNoneMatch="*")


def conditions(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 9."""
    return [_sequential(ctx), _race(ctx), _after_marker(ctx), _multipart(ctx)]


def _sequential(ctx: ProbeContext) -> ProbeFinding:
    first, second = (_put_if_absent(ctx, "if-none-match").code for _ in range(2))
    return finding(
        "if-none-match", first == "accepted" and second != "accepted", f"first PUT: {first}; second: {second}"
    )


def _race(ctx: ProbeContext) -> ProbeFinding:
    with ThreadPoolExecutor(RACERS) as pool:
        outcomes = list(
            pool.map(lambda n: _put_if_absent(ctx, "if-none-match-race", b"%d" % n), range(RACERS))
        )
    winners = sum(outcome.accepted for outcome in outcomes)
    return finding("if-none-match-race", winners == 1, f"{winners} of {RACERS} racing PUTs were accepted")


def _after_marker(ctx: ProbeContext) -> ProbeFinding:
    key = "if-none-match-marker"
    _put_if_absent(ctx, key)
    attempt(ctx.owner.delete_object, Bucket=ctx.buckets.main, Key=key)
    code = _put_if_absent(ctx, key).code
    return finding(key, code != "accepted", f"PUT over a delete marker: {code}")


def _multipart(ctx: ProbeContext) -> ProbeFinding:
    key = "if-none-match-multipart"
    _put_if_absent(ctx, key)
    outcome = upload(ctx, key, ctx.buckets.main, complete={"IfNoneMatch": "*"})
    return finding(key, not outcome.accepted, f"multipart over an existing key: {outcome.code}")


def digests(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 10: what protects the bytes on their way to the store."""
    body, bucket = b"the bytes that arrive", ctx.buckets.main
    other = b"the bytes that were meant"
    md5 = base64.b64encode(hashlib.md5(other, usedforsecurity=False).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(other).digest()).decode()
    right = base64.b64encode(hashlib.sha256(body).digest()).decode()
    by_md5 = attempt(ctx.owner.put_object, Bucket=bucket, Key="wrong-md5", Body=body, ContentMD5=md5)
    by_sha = attempt(ctx.owner.put_object, Bucket=bucket, Key="wrong-sha256", Body=body, ChecksumSHA256=wrong)
    kept = attempt(ctx.owner.put_object, Bucket=bucket, Key="checksum", Body=body, ChecksumSHA256=right)
    head = attempt(ctx.owner.head_object, Bucket=bucket, Key="checksum", ChecksumMode="ENABLED")
    returned = head.response.get("ChecksumSHA256")
    both = f"wrong Content-MD5: {by_md5.code}; wrong SHA-256: {by_sha.code}"
    return [
        finding("body-digest", not (by_md5.accepted and by_sha.accepted), both),
        finding("wrong-md5", not by_md5.accepted, f"PUT with a wrong Content-MD5: {by_md5.code}"),
        finding(
            "wrong-sha256", not by_sha.accepted, f"PUT with a wrong x-amz-checksum-sha256: {by_sha.code}"
        ),
        finding(
            "checksum-returned", returned == right, f"PUT with SHA-256: {kept.code}; HEAD gives {returned}"
        ),
    ]
