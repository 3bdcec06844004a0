"""Signatures are those that botocore makes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from vanvault.archiver.stores import Credentials
from vanvault.archiver.stores.s3.signature import EMPTY_SHA256, RequestSigner

KEYS = ("the-key", "the/secret+of=it")
HOST = "store.example:9000"
PATH = "/bucket/batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
BODY = b"an original message"
LOCK = {"X-Amz-Object-Lock-Mode": "COMPLIANCE", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}


def botocore_signature(
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
) -> dict[str, str]:
    # The clock of its signer cannot be given.
    monkeypatch.setattr(auth, "get_current_datetime", lambda remove_tzinfo=True: now.replace(tzinfo=None))
    request: Any = AWSRequest(method=method, url=url, headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    signer: Any = auth.S3SigV4Auth(BotocoreCredentials(*KEYS), "s3", "us-east-1")
    signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize(
    ("method", "query", "headers", "body"),
    [
        ("PUT", "", LOCK, BODY),
        ("HEAD", "versionId=3b0d-1f_.~x", {}, b""),
        ("GET", "versionId=a%2Fb%3D", {"Range": "bytes=5-9"}, b""),
        ("GET", "", {}, b""),
        (
            "GET",
            "encoding-type=url&max-keys=10&prefix=batch%2Fa_b&version-id-marker=a%2Fb&versions=",
            {},
            b"",
        ),
    ],
)
def test_as_botocore_signs(
    monkeypatch: pytest.MonkeyPatch, method: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    signer = RequestSigner(Credentials(*KEYS), "us-east-1")
    url = f"http://{HOST}{PATH}" + (f"?{query}" if query else "")
    for day in (22, 23, 22):
        now = datetime(2026, 11, day, 1, 2, 3, tzinfo=UTC)
        digest = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
        ours = signer.sign(method, HOST, PATH, query, headers, sha256=digest, now=now)
        theirs = botocore_signature(monkeypatch, now, method, url, headers, body)
        assert ours["Authorization"] == theirs["authorization"]
        assert ours["X-Amz-Date"] == theirs["x-amz-date"]
        assert ours["X-Amz-Content-SHA256"] == theirs["x-amz-content-sha256"] == digest
        assert headers.items() <= ours.items()
