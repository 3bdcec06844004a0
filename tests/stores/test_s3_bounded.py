"""An S3 server that answers with more bytes than are wanted: they are refused before they are read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from urllib3 import HTTPResponse

from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import Credentials, Oversize, S3Url
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.s3.site import S3Site

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
ONE = Credentials("key", "secret")
GIB = 2**30


class Endless(BytesIO):
    """A body that never ends, and counts what was read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "somebody reads to the end"
        self.taken += size
        return bytes(size)


def site_that_answers(status: int, headers: dict[str, str], body: BytesIO) -> S3Site:
    site = S3Site(
        S3Url("http://store.example:9000", "bucket"),
        "primary",
        credentials=SiteCredentials(ONE, ONE, ONE),
        clock=SystemClock(),
    )

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = HTTPResponse(body, headers=headers, status=status, preload_content=False)
        return AWSResponse(request.url, status, raw.headers, raw)

    for bucket in site.buckets:
        bucket.client.meta.events.register("before-send.s3", answer)
    return site


@pytest.mark.parametrize("headers", [{"Content-Length": str(3 * GIB)}, {}], ids=["told", "not told"])
def test_an_object_that_is_too_large_is_not_read(headers: dict[str, str]) -> None:
    body = Endless()
    site = site_that_answers(200, headers, body)
    with pytest.raises(Oversize) as refused:
        site.get(KEY, "v1", most=1000)
    assert refused.value.size == (3 * GIB if headers else None)
    assert body.taken == 0


def test_what_is_within_the_bound_is_read() -> None:
    site = site_that_answers(200, {"Content-Length": "5"}, BytesIO(b"bytes"))
    assert site.get(KEY, "v1", most=5) == b"bytes"
