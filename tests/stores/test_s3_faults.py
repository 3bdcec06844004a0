"""Trouble between the S3 site and a real server: nothing is acknowledged that is not stored, nothing is lost.

Faults are put in where boto3 hands a request to HTTP. "Lost answer" sends it for real and then
breaks the connection, which is "failed, but stored".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPHeaderDict, HTTPResponse

from tests.contract.harness import s3_site
from tests.servers.endpoint import Endpoint
from vanvault.archiver.core.errors import Damaged, SiteFull, SiteUnavailable
from vanvault.archiver.stores import S3Url, StoredVersion, parse_site_url
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.s3.disposal import DisposableS3Site

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
DATA = b"an original message" * 1000
Step = Callable[[Any], Any]


class Trouble:
    """Lets each request with a method meet the next fault that is planned for it."""

    def __init__(self, site: DisposableS3Site) -> None:
        self.sent: list[str] = []
        self._plans: dict[str, list[Step]] = {}
        for bucket in site.buckets:
            bucket.client.meta.events.register("before-send.s3", self._meet)

    def plan(self, method: str, *steps: Step) -> None:
        self._plans[method] = list(steps)

    def _meet(self, request: Any, **_: Any) -> Any:
        self.sent.append(request.method)
        steps = self._plans.get(request.method)
        return steps.pop(0)(request) if steps else None


def untroubled(request: Any) -> None:
    """For the first HEAD, by which ``put`` below asks for the site's time."""


def broken_before(request: Any) -> None:
    raise ConnectionClosedError(endpoint_url=request.url)


def refused(request: Any) -> None:
    raise EndpointConnectionError(endpoint_url=request.url)


def lost_answer(request: Any) -> None:
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def answered(status: int, code: str) -> Step:
    def step(request: Any) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>as planned</Message></Error>".encode()
        return AWSResponse(request.url, status, {}, HTTPResponse(BytesIO(body), preload_content=False))

    return step


def other_body(data: bytes) -> Step:
    """The bytes change on their way, after they were signed."""

    def step(request: Any) -> None:
        request.body = BytesIO(data)

    return step


@pytest.fixture
def site(minio_a: Endpoint) -> Iterator[DisposableS3Site]:
    found = s3_site(minio_a, minio_a.new_bucket("faults"), patience=Patience(3, sleep=lambda _: None))
    yield found
    found.close()


@pytest.fixture
def trouble(site: DisposableS3Site) -> Trouble:
    return Trouble(site)


def put(site: DisposableS3Site) -> StoredVersion:
    until = (site.now() + timedelta(minutes=10)).replace(microsecond=0)
    return site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)


@pytest.mark.parametrize(
    "fault",
    [
        broken_before,
        refused,
        lost_answer,
        answered(500, "InternalError"),
        answered(503, "SlowDown"),
        answered(502, ""),
        other_body(b"x" * len(DATA)),
    ],
    ids=["reset", "refused", "lost-answer", "500", "slow-down", "502", "changed-bytes"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_put_gets_over_it_and_stores_once(
    site: DisposableS3Site, trouble: Trouble, fault: Step, times: int
) -> None:
    trouble.plan("PUT", *[fault] * times)
    stored = put(site)
    assert site.get(KEY, stored.version) == DATA
    assert site.versions(KEY) == [stored]


def test_a_lost_answer_is_not_sent_again(site: DisposableS3Site, trouble: Trouble) -> None:
    trouble.plan("PUT", lost_answer)
    put(site)
    assert trouble.sent.count("PUT") == 1


@pytest.mark.parametrize(
    ("faults", "may_be_stored", "versions"),
    [
        ([refused] * 3, False, 0),
        ([answered(503, "SlowDown")] * 3, False, 0),
        ([broken_before] * 3, True, 0),
        ([answered(500, "InternalError")] * 3, True, 0),
        ([broken_before, refused, refused], True, 0),
        ([answered(403, "AccessDenied")], False, 0),
        ([broken_before, answered(403, "AccessDenied")], True, 0),
        ([answered(400, "InvalidRequest")], False, 0),
    ],
)
def test_a_put_that_fails_says_whether_it_may_be_stored(
    site: DisposableS3Site, trouble: Trouble, faults: list[Step], may_be_stored: bool, versions: int
) -> None:
    trouble.plan("PUT", *faults)
    with pytest.raises(SiteUnavailable) as caught:
        put(site)
    assert caught.value.may_be_stored is may_be_stored
    assert len(site.versions(KEY)) == versions
    assert trouble.sent.count("PUT") == len(faults)


def test_a_full_server(site: DisposableS3Site, trouble: Trouble) -> None:
    trouble.plan("PUT", answered(507, "XMinioStorageFull"))
    with pytest.raises(SiteFull):
        put(site)


def test_stored_but_the_read_back_fails(site: DisposableS3Site, trouble: Trouble) -> None:
    trouble.plan("HEAD", untroubled, *[broken_before] * 3)
    with pytest.raises(SiteUnavailable) as caught:
        put(site)
    assert caught.value.may_be_stored
    assert len(site.versions(KEY)) == 1


def test_the_look_after_a_lost_answer_fails(site: DisposableS3Site, trouble: Trouble) -> None:
    trouble.plan("PUT", lost_answer)
    trouble.plan("GET", *[refused] * 3)
    with pytest.raises(SiteUnavailable) as caught:
        put(site)
    assert caught.value.may_be_stored


def test_a_server_that_acknowledges_what_it_does_not_hold(site: DisposableS3Site, trouble: Trouble) -> None:
    def lie(request: Any) -> AWSResponse:
        headers = {"x-amz-version-id": "00000000-0000-4000-8000-000000000000"}
        return AWSResponse(request.url, 200, headers, HTTPResponse(BytesIO(b""), preload_content=False))

    trouble.plan("PUT", lie)
    with pytest.raises(Damaged):
        put(site)


@pytest.mark.parametrize("hidden", ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"])
def test_a_server_that_shows_another_lock(site: DisposableS3Site, trouble: Trouble, hidden: str) -> None:
    def strip(request: Any) -> AWSResponse:
        answer = URLLib3Session().send(request)
        replacement = {"x-amz-object-lock-mode": "GOVERNANCE"}.get(hidden, "2036-01-01T00:00:00Z")
        headers = {name.lower(): value for name, value in answer.headers.items()} | {hidden: replacement}
        return AWSResponse(request.url, 200, headers, HTTPResponse(BytesIO(b""), preload_content=False))

    trouble.plan("HEAD", untroubled, strip)
    with pytest.raises(Damaged):
        put(site)


MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"


@pytest.mark.parametrize(
    "shown", [{MODE: "", UNTIL: ""}, {UNTIL: ""}, {MODE: ""}, {MODE: "GOVERNANCE"}], ids=str
)
def test_a_get_that_shows_no_lock_does_not_say_that_there_is_none(
    site: DisposableS3Site, trouble: Trouble, shown: dict[str, str]
) -> None:
    def hide(request: Any) -> AWSResponse:
        answer = URLLib3Session().send(request)
        headers = {name.lower(): value for name, value in answer.headers.items()} | shown
        found = HTTPResponse(BytesIO(DATA), preload_content=False)
        told = HTTPHeaderDict({name: value for name, value in headers.items() if value})
        return AWSResponse(request.url, 200, told, found)

    stored = put(site)
    trouble.sent.clear()
    trouble.plan("GET", hide)
    assert site.get_locked(KEY, stored.version) == (DATA, stored)
    assert trouble.sent == ["GET", "HEAD"]


@pytest.mark.parametrize("fault", [broken_before, refused, lost_answer, answered(500, "InternalError")])
def test_reads_are_repeated(site: DisposableS3Site, trouble: Trouble, fault: Step) -> None:
    stored = put(site)
    for method, read in (
        ("GET", lambda: site.get(KEY, stored.version)),
        ("HEAD", lambda: site.stat(KEY, stored.version)),
        ("GET", lambda: site.get_locked(KEY, stored.version)),
        ("GET", lambda: list(site.list())),
        ("HEAD", site.now),
    ):
        trouble.plan(method, fault, fault)
        assert read()


def test_a_body_that_ends_early_is_read_again(site: DisposableS3Site, trouble: Trouble) -> None:
    def cut(request: Any) -> AWSResponse:
        body = HTTPResponse(BytesIO(DATA[:100]), preload_content=False)
        return AWSResponse(request.url, 200, {"content-length": str(len(DATA))}, body)

    stored = put(site)
    trouble.plan("GET", cut, cut)
    assert site.get(KEY, stored.version) == DATA
    trouble.plan("GET", cut, cut, cut)
    with pytest.raises(SiteUnavailable) as caught:
        site.get(KEY, stored.version)
    assert not caught.value.may_be_stored


def test_an_extension_whose_answer_is_lost(site: DisposableS3Site, trouble: Trouble) -> None:
    stored = put(site)
    later = (site.now() + timedelta(days=1)).replace(microsecond=0)
    trouble.plan("PUT", lost_answer)
    assert site.extend(KEY, stored.version, later).retain_until == later


def test_a_site_where_nothing_answers_gets_one_try_a_request_until_it_answers(
    site: DisposableS3Site, trouble: Trouble
) -> None:
    """Whoever reads a thousand objects does not pause a thousand times."""
    put(site)
    trouble.plan("GET", *[refused] * 12)
    before = len(trouble.sent)
    for _ in range(10):
        with pytest.raises(SiteUnavailable):
            site.get(KEY)
    assert len(trouble.sent) - before == 3 + 9
    assert site.get(KEY) == DATA
    trouble.plan("GET", refused, refused)
    assert site.get(KEY) == DATA


def test_an_object_that_a_site_refuses_to_read_costs_others_no_tries(
    site: DisposableS3Site, trouble: Trouble
) -> None:
    put(site)
    rotten = answered(503, "SlowDownRead")
    trouble.plan("GET", *[rotten] * 3, untroubled, *[rotten] * 3, rotten)
    for _ in range(2):
        with pytest.raises(SiteUnavailable):
            site.get(KEY)
        assert site.get(KEY) == DATA


def test_pauses_grow_and_vary() -> None:
    pauses: list[float] = []
    patience = Patience(9, sleep=pauses.append, chance=lambda: 0.5)
    for attempt in range(9):
        patience.pause(attempt)
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]
    assert max(pauses) == 1.0


def test_a_site_that_does_not_say_the_time(site: DisposableS3Site, trouble: Trouble) -> None:
    def timeless(request: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {}, HTTPResponse(BytesIO(b""), preload_content=False))

    trouble.plan("HEAD", timeless)
    with pytest.raises(SiteUnavailable):
        site.now()


def test_the_url_of_an_endpoint_is_the_one_the_site_takes(minio_a: Endpoint) -> None:
    assert parse_site_url(minio_a.site_url("bucket")) == S3Url(minio_a.url, "bucket")
