"""The proxy breaks what it is told to break, once, and nothing else; against a real MinIO."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, FaultProxy, fault_proxy

BODY = b"0123456789" * 1000


@pytest.fixture(scope="module")
def proxy(minio_a: Endpoint) -> Iterator[FaultProxy]:
    with fault_proxy(minio_a.url) as found:
        yield found


@pytest.fixture(scope="module")
def client(minio_a: Endpoint, proxy: FaultProxy) -> Any:
    return Endpoint(proxy.url, minio_a.access_key, minio_a.secret_key).client()


@pytest.fixture(scope="module")
def bucket(minio_a: Endpoint) -> str:
    return minio_a.new_bucket("proxied")


@pytest.fixture(autouse=True)
def clean(proxy: FaultProxy) -> Iterator[None]:
    proxy.clear()
    yield
    proxy.clear()


def stored(endpoint: Endpoint, bucket: str, key: str) -> int:
    """How many versions of the key the store has, asked directly."""
    return len(endpoint.client().list_object_versions(Bucket=bucket, Prefix=key).get("Versions", []))


def put(client: Any, bucket: str, key: str) -> Any:
    md5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    return client.put_object(Bucket=bucket, Key=key, Body=BODY, ContentMD5=md5)


def test_without_a_script_everything_passes(client: Any, bucket: str, proxy: FaultProxy) -> None:
    version = put(client, bucket, "through")["VersionId"]
    assert client.get_object(Bucket=bucket, Key="through", VersionId=version)["Body"].read() == BODY
    assert client.head_object(Bucket=bucket, Key="through")["ContentLength"] == len(BODY)
    assert {one.method for one in proxy.seen} == {"PUT", "GET", "HEAD"}
    assert not any(one.fault for one in proxy.seen)


@pytest.mark.parametrize(
    ("fault", "versions", "error"),
    [
        (Fault.RESET_BEFORE, 0, HTTPClientError),
        (Fault.RESET_AFTER, 1, HTTPClientError),
        (Fault.ERROR_500, 0, ClientError),
        (Fault.ERROR_500_AFTER, 1, ClientError),
        (Fault.SLOW_DOWN, 0, ClientError),
        (Fault.EXPIRED, 0, ClientError),
        (Fault.WRONG_REQUEST, 0, ClientError),
    ],
)
def test_a_broken_put(
    minio_a: Endpoint,
    client: Any,
    bucket: str,
    proxy: FaultProxy,
    fault: Fault,
    versions: int,
    error: type[Exception],
) -> None:
    key = f"put-{fault.name}"
    proxy.script(fault, method="PUT", path=f"/{bucket}/{key}")
    with pytest.raises((error, ConnectionClosedError)):
        put(client, bucket, key)
    assert stored(minio_a, bucket, key) == versions
    put(client, bucket, key)  # the fault was for one request
    assert stored(minio_a, bucket, key) == versions + 1


@pytest.mark.parametrize(("fault", "versions"), [(Fault.HANG_BEFORE, 0), (Fault.HANG_AFTER, 1)])
def test_a_hung_put(minio_a: Endpoint, bucket: str, proxy: FaultProxy, fault: Fault, versions: int) -> None:
    impatient = Endpoint(proxy.url, minio_a.access_key, minio_a.secret_key).client(read_timeout=1)
    proxy.script(fault, method="PUT")
    with pytest.raises(ReadTimeoutError):
        put(impatient, bucket, f"put-{fault.name}")
    assert stored(minio_a, bucket, f"put-{fault.name}") == versions


def test_a_truncated_answer(client: Any, bucket: str, proxy: FaultProxy) -> None:
    put(client, bucket, "truncated")
    proxy.script(Fault.TRUNCATE, method="GET", path="truncated")
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        client.get_object(Bucket=bucket, Key="truncated")["Body"].read()


def test_wrong_bytes_are_as_many_and_one_differs(client: Any, bucket: str, proxy: FaultProxy) -> None:
    put(client, bucket, "wrong")
    proxy.script(Fault.WRONG_BYTES, method="GET", path="wrong")
    body = client.get_object(Bucket=bucket, Key="wrong")["Body"].read()
    assert len(body) == len(BODY)
    assert sum(a != b for a, b in zip(body, BODY, strict=True)) == 1


def test_a_rule_skips_and_ends_as_it_was_told(client: Any, bucket: str, proxy: FaultProxy) -> None:
    proxy.script(Fault.SLOW_DOWN, method="PUT", path="counted", skip=1, times=2)
    codes = []
    for _ in range(4):
        try:
            put(client, bucket, "counted")
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes == ["", "SlowDown", "SlowDown", ""]
    assert [one.status for one in proxy.seen] == [200, None, None, 200]
