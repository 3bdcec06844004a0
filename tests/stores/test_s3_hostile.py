"""A server that answers a byte a second, without end, more than was asked for, or nonsense.

Each operation ends by itself, with the site's name and without its answer in memory. The time that a test
takes is not looked at: without a bound it never ends.
"""

from __future__ import annotations

import gzip
import hashlib
import time
import tracemalloc
import unittest.mock
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.stores.hostile_s3 import HEAD, Answer, Caller, HostileS3, answering, hostile_s3
from tests.stores.tls_proxy import TlsProxy
from tests.support.clocks import ManualClock
from tests.support.waiting import PATIENCE_S
from vanvault.archiver.core.errors import Damaged, NotFound, SiteFaulty, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import S3Url, parse_site_url
from vanvault.archiver.stores.credentials import Credentials, SiteCredentials
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.s3.bounded import Exchange, ExchangeOver
from vanvault.archiver.stores.s3.site import S3Site
from vanvault.archiver.stores.s3.slowness import MOST, REST_S, Slowness

pytestmark = pytest.mark.timeout(120)

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
USER = Credentials("user", "secret-secret")
OPTIONS = S3Options(request_timeout_s=0.5, read_timeout_s=30, connect_timeout_s=30, least_bytes_per_s=2**20)
#: What a test may find in memory that was not there before; the answers have no end.
ROOM = 64 * 2**20

Operation = Callable[[S3Site], object]


def put(site: S3Site, data: bytes = b"x" * 100) -> object:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    return site.put(KEY, data, sha256=hashlib.sha256(data).digest(), retain_until=until)


OPERATIONS: dict[str, Operation] = {
    "now": lambda site: site.now(),
    "get": lambda site: site.get(KEY, "v1"),
    "get_locked": lambda site: site.get_locked(KEY, "v1"),
    "get_range": lambda site: site.get_range(KEY, 0, 10, "v1"),
    "stat": lambda site: site.stat(KEY, "v1"),
    "versions": lambda site: site.versions(KEY),
    "list": lambda site: list(site.list()),
    "strays": lambda site: list(site.strays()),
    "put": put,
    "extend": lambda site: site.extend(KEY, "v1", datetime(2030, 1, 1, tzinfo=UTC)),
}


@pytest.fixture
def server() -> Iterator[HostileS3]:
    with hostile_s3() as found:
        yield found


def site_at(url: str, options: S3Options = OPTIONS, *, attempts: int = 1) -> S3Site:
    place = parse_site_url(f"s3+{url}/a-bucket")
    assert isinstance(place, S3Url)
    return S3Site(
        place,
        "primary",
        credentials=SiteCredentials(USER, USER, USER),
        clock=SystemClock(),
        options=options,
        patience=Patience(attempts, sleep=lambda _: None),
    )


@pytest.fixture
def site(server: HostileS3) -> Iterator[S3Site]:
    found = site_at(server.url)
    yield found
    found.close()


def drips_everything(caller: Caller) -> None:
    caller.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: " + b"p" * 1000 + b"\r\n")


def drips_its_body(caller: Caller) -> None:
    caller.send(HEAD + b"Content-Length: 1000000\r\n\r\n")
    caller.drip(b"b")


def goes_on_and_on(caller: Caller) -> None:
    caller.pour(b"HTTP/1.1 100 Continue\r\n\r\n")


def pours_headers(caller: Caller) -> None:
    caller.send(HEAD)
    caller.pour(b"X-Padding: " + b"p" * 60_000 + b"\r\n")


def pours_its_body(caller: Caller) -> None:
    caller.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    caller.pour(b"10000\r\n" + b"<" * 0x10000 + b"\r\n")


def pours_a_refusal(caller: Caller) -> None:
    caller.send(b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n")
    caller.pour(b"10000\r\n" + b"<" * 0x10000 + b"\r\n")


def promises_too_much(caller: Caller) -> None:
    caller.send(HEAD + b"Content-Length: 1099511627776\r\n\r\n" + b"b" * 1000)
    caller.wait()


ANSWERS: dict[str, Answer] = {
    "drips everything": drips_everything,
    "drips its body": drips_its_body,
    "goes on and on": goes_on_and_on,
    "pours headers": pours_headers,
    "pours its body": pours_its_body,
    "pours a refusal": pours_a_refusal,
    "promises too much": promises_too_much,
    "says nothing": Caller.wait,
}


#: What asks by HEAD reads no body, so that nothing can be wrong with it.
BODIES = ("drips its body", "pours its body", "promises too much")


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_answer_holds_a_caller_or_fills_its_memory(
    server: HostileS3, site: S3Site, operation: str, answer: str
) -> None:
    server.answer = ANSWERS[answer]
    if operation == "now" and answer in BODIES:
        assert site.now()
        return
    tracemalloc.start()
    try:
        with pytest.raises(SiteUnavailable) as caught:
            OPERATIONS[operation](site)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.site == "primary"
    assert most < ROOM


@pytest.mark.parametrize("answer", ["drips everything", "drips its body", "goes on and on", "pours its body"])
def test_the_same_holds_within_tls(server: HostileS3, tmp_path: Path, answer: str) -> None:
    server.answer = ANSWERS[answer]
    proxy = TlsProxy(int(server.url.rpartition(":")[2]), tmp_path)
    options = S3Options(
        request_timeout_s=0.5, read_timeout_s=30, least_bytes_per_s=2**20, ca_file=str(proxy.certificate)
    )
    site = site_at(f"https://127.0.0.1:{proxy.port}", options)
    for operation in ("get", "list"):
        with pytest.raises(SiteUnavailable):
            OPERATIONS[operation](site)
    assert server.requests  # it was TLS that carried them, not a refusal of it
    site.close()
    proxy.close()


def test_an_exchange_that_had_its_time_is_not_repeated(server: HostileS3) -> None:
    site = site_at(server.url, attempts=5)
    server.answer = drips_its_body
    with pytest.raises(SiteUnavailable, match="TooSlow") as caught:
        site.get(KEY, "v1")
    assert len(server.requests) == 1
    assert "slowly" in caught.value.hint
    site.close()


def test_a_server_that_is_always_too_slow_is_left_alone_for_a_while(server: HostileS3, site: S3Site) -> None:
    """Whoever reads a thousand objects does not wait a thousand times."""
    server.answer = drips_its_body
    for _ in range(100):
        with pytest.raises(SiteUnavailable):
            site.get(KEY, "v1")
    assert len(server.requests) <= 100 / 10
    with pytest.raises(SiteUnavailable, match="left alone"):
        site.now()  # a site that is not read from is out


def test_a_server_that_was_too_slow_is_asked_again_after_a_rest() -> None:
    seconds = [0.0]
    slowness = Slowness(lambda: seconds[0])
    for _ in range(MOST):
        assert not slowness.rests
        slowness.was_slow()
    assert slowness.rests
    seconds[0] += REST_S
    assert not slowness.rests
    slowness.was_slow()
    assert slowness.rests
    seconds[0] += REST_S
    slowness.was_in_time()
    slowness.was_slow()
    assert not slowness.rests


def test_a_server_that_does_not_take_a_body_is_not_waited_for(server: HostileS3, site: S3Site) -> None:
    server.reads_body = False
    server.answer = Caller.wait
    with pytest.raises(SiteUnavailable) as caught:
        put(site, b"x" * 16 * 2**20)
    assert caught.value.may_be_stored


def test_bytes_that_move_give_an_exchange_more_time() -> None:
    seconds = [0.0]
    exchange = Exchange(10_000, total_s=10, least_bytes_per_s=100, timer=lambda: seconds[0])
    assert exchange.left_s() == 10
    seconds[0] = 9
    exchange.sent(500)
    exchange.received(500)
    assert exchange.left_s() == 11
    seconds[0] = 20
    with pytest.raises(ExchangeOver, match="too few"):
        exchange.left_s()


def test_a_byte_more_than_was_asked_for_ends_it() -> None:
    exchange = Exchange(10, total_s=10, least_bytes_per_s=1)
    exchange.received(10)
    with pytest.raises(ExchangeOver):
        exchange.received(1)


def test_a_range_is_no_longer_than_was_asked_for(server: HostileS3, site: S3Site) -> None:
    server.answer = answering(b"b" * 11)
    with pytest.raises(SiteUnavailable, match="AnswerTooLarge"):
        site.get_range(KEY, 0, 10, "v1")
    server.answer = answering(b"b" * 10)
    assert site.get_range(KEY, 0, 10, "v1") == b"b" * 10


def test_what_is_packed_stays_packed(server: HostileS3, site: S3Site) -> None:
    """A small answer that would unpack to a gigabyte."""
    bomb = gzip.compress(bytes(2**24))
    server.answer = answering(bomb, "Content-Encoding: gzip")
    assert site.get(KEY, "v1") == bomb
    with pytest.raises(SiteUnavailable):
        list(site.list())


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_is_followed_to_another_host(
    server: HostileS3, site: S3Site, operation: str, status: str
) -> None:
    with hostile_s3() as other:
        other.answer = answering(b"")
        refusal = (
            b"<Error><Code>PermanentRedirect</Code><Message>go</Message>"
            b"<Endpoint>" + other.url.removeprefix("http://").encode() + b"</Endpoint></Error>"
        )
        where = (f"Location: {other.url}/a-bucket", "x-amz-bucket-region: eu-west-1")
        server.answer = answering(refusal, *where, status=status)
        with pytest.raises(SiteUnavailable):
            OPERATIONS[operation](site)
        assert other.requests == []


def page(*keys: str, more: tuple[str, str] | None = None, versions: tuple[str, ...] = ()) -> bytes:
    """A page of a listing; ``more``: key and version after which the next one starts."""
    ids = versions or ("v1",) * len(keys)
    lines = "".join(
        f"<Version><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>true</IsLatest>"
        "<LastModified>2026-11-22T01:02:03.000Z</LastModified><ETag>x</ETag><Size>1</Size></Version>"
        for key, version in zip(keys, ids, strict=True)
    )
    following = (
        f"<IsTruncated>true</IsTruncated><NextKeyMarker>{more[0]}</NextKeyMarker>"
        f"<NextVersionIdMarker>{more[1]}</NextVersionIdMarker>"
        if more
        else "<IsTruncated>false</IsTruncated>"
    )
    return f"<ListVersionsResult>{following}{lines}</ListVersionsResult>".encode()


class Pages:
    """One page after the other; the last one again and again."""

    def __init__(self, *pages: bytes) -> None:
        self._pages = list(pages)

    def __call__(self, caller: Caller) -> None:
        body = self._pages.pop(0) if len(self._pages) > 1 else self._pages[0]
        answering(body)(caller)


class Invented:
    """Pages that are made as they are asked for, without end."""

    def __init__(self, make: Callable[[int], bytes]) -> None:
        self._make = make
        self._number = 0

    def __call__(self, caller: Caller) -> None:
        self._number += 1
        answering(self._make(self._number))(caller)


LISTINGS: dict[str, Callable[[], Answer]] = {
    "the same page again and again": lambda: Pages(page("a/1", more=("a/1", "v1"))),
    "two pages in turn": lambda: Invented(
        lambda n: page(more=("b", "v1")) if n % 2 else page(more=("a", "v1"))
    ),
    "keys out of order": lambda: Pages(page("a/2", "a/1")),
    "keys out of order between pages": lambda: Pages(page("a/2", more=("a/2", "v1")), page("a/1")),
    "keys outside of the prefix": lambda: Pages(page("b/1")),
    "more lines than asked for": lambda: Pages(page(*(f"a/{n:04d}" for n in range(11)))),
    "versions of one key without end": lambda: Invented(
        lambda n: page(
            *("a/1",) * 10, more=("a/1", f"m{n}"), versions=tuple(f"v{n}-{one}" for one in range(10))
        )
    ),
    "empty pages without end": lambda: Invented(lambda n: page(more=(f"a/{n:08d}", "v1"))),
    "names of nothing without end": lambda: Invented(
        lambda n: page(*(f"a/{n:08d}-{one}-NO" for one in range(10)), more=(f"a/{n:08d}-9-NO", "v1"))
    ),
}


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_that_cannot_be_right_is_the_sites_fault(
    server: HostileS3, monkeypatch: pytest.MonkeyPatch, listing: str
) -> None:
    monkeypatch.setattr("vanvault.archiver.stores.s3.site.MOST_PASSED", 100)
    monkeypatch.setattr("vanvault.archiver.stores.ordered.MOST_VERSIONS", 100)
    monkeypatch.setattr("vanvault.archiver.stores.s3.bucket.EMPTY_PAGES", 10)
    site = site_at(server.url, S3Options(page=10))
    server.answer = LISTINGS[listing]()
    with pytest.raises(SiteFaulty) as caught:
        for _ in site.list("a/"):
            pass
    assert caught.value.site == "primary"
    site.close()


def answering_late(*fields: bytes) -> Answer:
    """An answer without a body whose header block is these lines."""
    return lambda caller: caller.send(b"\r\n".join((b"HTTP/1.1 200 OK", *fields, b"", b"")))


def line(date: str = "2026-11-22T01:02:03.000Z", size: str = "1", key: str = "<Key>a/1</Key>") -> Answer:
    """A page of one line."""
    return answering(
        f"<ListVersionsResult><Version>{key}<VersionId>v1</VersionId><LastModified>{date}</LastModified>"
        f"<Size>{size}</Size></Version></ListVersionsResult>".encode()
    )


NESTED = b"<a>" * 9000 + b"</a>" * 9000
TIME, NOTHING = b"Date: Sun, 22 Nov 2026 01:02:03 GMT", b"Content-Length: 0"
WITHOUT_SENSE: dict[str, Answer] = {
    "a nested refusal": answering(b"<Error>" + NESTED + b"</Error>", status="400 Bad Request"),
    "a nested failure": answering(b"<Error>" + NESTED + b"</Error>", status="500 Error"),
    "two codes": answering(b"<Error><Code>a</Code><Code>b</Code></Error>", status="403 Forbidden"),
    "a code in parts": answering(b"<Error><Code><b>a</b></Code></Error>", status="403 Forbidden"),
    "a redirection to nowhere": answering(b"", "Location: http://127.0.0.1:1/", status="301 Moved"),
    "a line without a date": answering(page("a/1").replace(b"LastModified", b"L")),
    "a line without a key": line(key=""),
    "two keys in a line": line(key="<Key>a/1</Key><Key>a/2</Key>"),
    "a size that is no number": line(size="much"),
    "a size of 5,000 digits": line(size="1" * 5000),
    "a size below zero": line(size="-5"),
    "a date that is none": line(date="yesterday"),
    "a date after the last": line(date="9999-12-31T23:59:59-23:00"),
    "a date before the first": line(date="0001-01-01T00:00:00+23:00"),
    "a date of 30 digits": line(date="9" * 30),
    "two markers": answering(page("a/1", more=("a/1", "v")).replace(b"<IsT", b"<NextKeyMarker/><IsT")),
    "a length of 5,000 digits": answering_late(TIME, b"Content-Length: " + b"9" * 5000),
    "a time after the last": answering_late(b"Date: Fri, 31 Dec 9999 23:59:59 -2300", NOTHING),
    "a time of 400 digits": answering_late(b"Date: Sun, 22 Nov 2026 01:02:03 +" + b"9" * 400, NOTHING),
    "stored after the last time": answering_late(
        TIME, b"Last-Modified: Fri, 31 Dec 9999 23:59:59 -2300", NOTHING
    ),
    "a lock after the last time": answering_late(
        TIME,
        b"Last-Modified: Sun, 22 Nov 2026 01:02:03 GMT",
        b"x-amz-object-lock-mode: COMPLIANCE",
        b"x-amz-object-lock-retain-until-date: 9999-12-31T23:59:59-23:00",
        NOTHING,
    ),
    "bytes below zero": answering_late(TIME, b"Last-Modified: " + TIME[6:], b"Content-Length: -5"),
}


@pytest.mark.parametrize("answer", WITHOUT_SENSE)
def test_an_answer_without_sense_is_an_error_of_the_site(
    server: HostileS3, site: S3Site, answer: str
) -> None:
    server.answer = WITHOUT_SENSE[answer]
    refused = 0
    for operation in OPERATIONS.values():
        try:
            operation(site)
        except (NotFound, Damaged, SiteUnavailable):
            refused += 1
    assert refused
    assert len(server.requests) < 40, "it was followed again and again"


def test_versions_that_come_one_by_one_and_late_are_not_waited_for(server: HostileS3, site: S3Site) -> None:
    """Each answer is in time, and there are as many as a listing may have: that would take for days."""
    versions = tuple(f"v{number}" for number in range(200))
    listing = page(*(KEY,) * 200, versions=versions)
    served = answering_late(TIME, b"Last-Modified: " + TIME[6:], NOTHING)

    def late(caller: Caller) -> None:
        if server.requests[-1].startswith("HEAD"):
            time.sleep(0.3)
            served(caller)
        else:
            answering(listing)(caller)

    server.answer = late
    with (
        unittest.mock.patch("vanvault.archiver.stores.s3.bucket._FIRST_PAGE", 1000),
        pytest.raises(SiteUnavailable, match="takes too long"),
    ):
        site.versions(KEY)
    assert len(server.requests) < 60


def test_what_a_server_calls_an_error_is_shown_in_safe_letters(server: HostileS3, site: S3Site) -> None:
    code = "\u009b2J\u202e" + "x" * 5000
    server.answer = answering(f"<Error><Code>{code}</Code></Error>".encode(), status="403 Forbidden")
    with pytest.raises(SiteUnavailable) as caught:
        site.get(KEY, "v1")
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 300


def test_a_line_that_is_given_twice_counts_once(server: HostileS3, site: S3Site) -> None:
    server.answer = Pages(page("a/1", "a/2", more=("a/2", "v1")), page("a/2", "a/3"))
    assert [version.key for version in site.list("a/")] == ["a/1", "a/2", "a/3"]


@pytest.mark.parametrize("date", ["", "Date: yesterday", "Date: Sun, 99 Nov 2026 01:02:03 GMT"])
def test_a_server_without_a_time_is_out(server: HostileS3, site: S3Site, date: str) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + (f"{date}\r\n" if date else "") + "\r\n"
    server.answer = lambda caller: caller.send(head.encode())
    with pytest.raises(SiteUnavailable, match="what time it is"):
        site.now()


def test_a_manual_clock_is_not_asked(server: HostileS3) -> None:
    """How long an exchange lasts is the machine's time: clocks of tests stand still."""
    place = parse_site_url(f"s3+{server.url}/a-bucket")
    assert isinstance(place, S3Url)
    site = S3Site(
        place,
        "primary",
        credentials=SiteCredentials(USER, USER, USER),
        clock=ManualClock(),
        options=OPTIONS,
        patience=Patience(1),
    )
    server.answer = drips_its_body
    with pytest.raises(SiteUnavailable):
        site.get(KEY, "v1")
    assert server.hung_up.wait(PATIENCE_S)
    site.close()
