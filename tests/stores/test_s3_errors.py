"""What S3's answers mean: one row for each."""

from __future__ import annotations

import pytest
from botocore import exceptions

from vanvault.archiver.core.errors import SiteFull
from vanvault.archiver.stores.s3.errors import failure_of

URL = {"endpoint_url": "http://127.0.0.1:9"}


def answer(code: str, status: int, message: str = "") -> exceptions.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return exceptions.ClientError(response, "PutObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind", "may_be_stored", "repeatable"),
    [
        (answer("NoSuchKey", 404), "not-found", False, False),
        (answer("NoSuchVersion", 404), "not-found", False, False),
        (answer("404", 404), "not-found", False, False),
        (answer("InvalidArgument", 400, "Invalid version id specified"), "not-found", False, False),
        (answer("InvalidArgument", 400, "something else"), "trouble", False, False),
        (answer("NoSuchBucket", 404), "no-bucket", False, False),
        (answer("XMinioStorageFull", 507), "full", False, False),
        (answer("QuotaExceeded", 403), "full", False, False),
        (answer("anything", 507), "full", False, False),
        (answer("AccessDenied", 403), "denied", False, False),
        (answer("ExpiredToken", 403), "denied", False, False),
        (answer("ExpiredToken", 400), "denied", False, False),
        (answer("RequestTimeTooSkewed", 403), "denied", False, False),
        (answer("SlowDown", 503), "trouble", False, True),
        (answer("BadDigest", 400), "trouble", False, True),
        (answer("XAmzContentSHA256Mismatch", 400), "trouble", False, True),
        (answer("IncompleteBody", 400), "trouble", False, True),
        (answer("InternalError", 500), "trouble", True, True),
        (answer("ServiceUnavailable", 503), "trouble", True, True),
        (answer("", 502), "trouble", True, True),
        (answer("RequestTimeout", 400), "trouble", True, True),
        (answer("InvalidRequest", 400), "trouble", False, False),
        (exceptions.EndpointConnectionError(**URL), "trouble", False, True),
        (exceptions.ConnectTimeoutError(**URL), "trouble", False, True),
        (exceptions.ConnectionClosedError(**URL), "trouble", True, True),
        (exceptions.ReadTimeoutError(**URL), "trouble", True, True),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), "trouble", True, True),
        (exceptions.SSLError(**URL, error="certificate"), "trouble", True, False),
    ],
)
def test_each_answer_says_what_may_be_stored_and_whether_to_repeat(
    error: Exception, kind: str, may_be_stored: bool, repeatable: bool
) -> None:
    failure = failure_of(error)
    assert (failure.kind, failure.may_be_stored, failure.repeatable) == (kind, may_be_stored, repeatable)
    told = failure.error("primary")
    assert told.site == "primary"
    assert told.may_be_stored == may_be_stored
    assert isinstance(told, SiteFull) == (kind == "full")


def test_doubt_from_an_earlier_attempt_outweighs_a_full_site() -> None:
    told = failure_of(answer("XMinioStorageFull", 507)).error("primary", may_be_stored=True)
    assert not isinstance(told, SiteFull)
    assert told.may_be_stored
