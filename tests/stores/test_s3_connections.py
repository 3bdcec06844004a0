"""Connections that are kept between requests, and answers as servers may frame them: over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stores.hostile_s3 import HEAD, Caller, HostileS3, answering, hostile_s3
from tests.stores.test_s3_hostile import KEY, page, put, site_at
from tests.stores.tls_proxy import TlsProxy
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.s3.site import S3Site

pytestmark = pytest.mark.timeout(120)

#: No time-out ends what does not hang.
PATIENT = S3Options()
LISTING = page("a/1", "a/2")


@pytest.fixture
def server() -> Iterator[HostileS3]:
    with hostile_s3() as found:
        yield found


@pytest.fixture
def site(server: HostileS3) -> Iterator[S3Site]:
    found = site_at(server.url, PATIENT)
    yield found
    found.close()


def in_chunks(body: bytes, *, last: bytes = b"0\r\n\r\n") -> bytes:
    half = len(body) // 2
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]))
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + last


def bare(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


#: What a server may send for a listing, and whether the connection is kept.
FRAMED: dict[str, tuple[bytes, bool]] = {
    "its length": (bare(LISTING), True),
    "chunks": (in_chunks(LISTING), True),
    "chunks with a trailer": (in_chunks(LISTING, last=b"0\r\nx-amz-checksum: 1\r\n\r\n"), True),
    "chunks, then more": (in_chunks(LISTING) + bare(page("a/forged")), False),
    "its length, then more": (bare(LISTING) + bare(page("a/forged")), False),
    "a farewell": (bare(LISTING).replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n", 1), False),
    "100 Continue before": (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + bare(LISTING), True),
    "HTTP/1.0": (bare(LISTING).replace(b"HTTP/1.1", b"HTTP/1.0"), False),
}


@pytest.mark.parametrize("framed", FRAMED)
def test_an_answer_is_read_to_its_end_and_no_further(server: HostileS3, site: S3Site, framed: str) -> None:
    """What follows an answer on its connection would be taken for the answer to another request."""
    sent, kept = FRAMED[framed]
    server.answer = lambda caller: caller.send(sent)
    for _ in range(2):
        assert [found.key for found in site.list("a/")] == ["a/1", "a/2"]
    assert server.connections == (1 if kept else 2)


def test_an_answer_in_pieces_is_the_same_answer(server: HostileS3, site: S3Site) -> None:
    def slowly(caller: Caller) -> None:
        for byte in in_chunks(LISTING):
            caller.send(bytes([byte]))

    server.answer = slowly
    assert [found.key for found in site.list("a/")] == ["a/1", "a/2"]


def test_an_answer_without_a_length_ends_with_its_connection(server: HostileS3, site: S3Site) -> None:
    def answer(caller: Caller) -> None:
        caller.send(HEAD + b"\r\n" + LISTING)
        caller.hang_up()

    server.answer = answer
    assert [found.key for found in site.list("a/")] == ["a/1", "a/2"]
    with pytest.raises(SiteUnavailable):
        site.get(KEY, "v1")  # of an object it must be known whether it is whole


@pytest.mark.parametrize("size", [0, 1, 30_000, 70_000, 3_000_000])
def test_bodies_of_any_size_come_whole(server: HostileS3, site: S3Site, size: int) -> None:
    body = bytes(number * 7 % 251 for number in range(size))
    server.answer = answering(body)
    for _ in range(3):
        assert site.get(KEY, "v1") == body
    assert server.connections == 1


@pytest.mark.parametrize("at", [1, 40_000, 2_999_999])
def test_a_body_that_ends_early_is_trouble(server: HostileS3, site: S3Site, at: int) -> None:
    def cut(caller: Caller) -> None:
        caller.send(HEAD + b"Content-Length: 3000000\r\n\r\n" + bytes(at))
        caller.hang_up()

    server.answer = cut
    with pytest.raises(SiteUnavailable, match="IncompleteRead"):
        site.get(KEY, "v1")


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(server: HostileS3, site: S3Site) -> None:
    server.answer = answering(b"first")
    assert site.get(KEY, "v1") == b"first"

    hung_up = threading.Event()

    def last(caller: Caller) -> None:
        caller.send(bare(b"second"))
        caller.hang_up()
        hung_up.set()

    server.answer = last
    assert site.get(KEY, "v1") == b"second"
    assert hung_up.wait(30)
    server.answer = answering(b"third")
    assert site.get(KEY, "v1") == b"third"
    assert server.connections == 2


def test_a_client_that_was_closed_opens_connections_anew(server: HostileS3, site: S3Site) -> None:
    """Whoever is inside a site while it is let go of is not disturbed."""
    server.answer = answering(b"bytes")
    assert site.get(KEY, "v1") == b"bytes"
    site.close()
    assert site.get(KEY, "v1") == b"bytes"


NONSENSE: dict[str, bytes] = {
    "no HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a header without a name": HEAD + b": x\r\nContent-Length: 0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nbytes!",
    "a length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": HEAD + b"Content-Length: five\r\n\r\nbytes",
    "a length below zero": HEAD + b"Content-Length: -5\r\n\r\nbytes",
    "chunks of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nbytes\r\n0\r\n\r\n",
    "a switch to something else": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("ask", [lambda site: site.get(KEY, "v1"), lambda site: list(site.list()), put])
def test_an_answer_that_is_none_is_trouble_and_its_connection_is_closed(
    server: HostileS3, site: S3Site, nonsense: str, ask: Callable[[S3Site], object]
) -> None:
    def answer(caller: Caller) -> None:
        caller.send(NONSENSE[nonsense])
        caller.hang_up()

    server.answer = answer
    with pytest.raises(SiteUnavailable):
        ask(site)
    server.answer = answering(b"bytes")
    assert site.get(KEY, "v1") == b"bytes"


class Proxied:
    """A proxy on loopback; ``to``: the port behind it that every tunnel leads to."""

    def __init__(self, proxy: HostileS3, to: int) -> None:
        proxy.answer = self.answer
        self._proxy = proxy
        self._to = to

    def answer(self, caller: Caller) -> None:
        if self._proxy.requests[-1].startswith("CONNECT"):
            caller.send(b"HTTP/1.1 200 OK\r\n\r\n")
            caller.tunnel(self._to)
        else:
            answering(b"through the proxy")(caller)


def test_a_proxy_of_the_environment_passes_requests_on(
    server: HostileS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    Proxied(server, 0)
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://user:pass@"))
    site = site_at("http://store.example:9000", PATIENT)
    assert site.get(KEY, "v1") == b"through the proxy"
    assert site.get(KEY, "v1") == b"through the proxy"
    site.close()
    assert server.requests == [f"GET http://store.example:9000/a-bucket/{KEY}?versionId=v1 HTTP/1.1"] * 2
    assert server.fields[0]["proxy-authorization"] == "basic dxnlcjpwyxnz"
    assert server.fields[0]["host"] == "store.example:9000"
    assert server.connections == 1


def test_a_proxy_of_the_environment_carries_tls(
    server: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = answering(b"within the tunnel")
    tls = TlsProxy(int(server.url.rpartition(":")[2]), tmp_path)
    with hostile_s3() as proxy:
        Proxied(proxy, tls.port)
        monkeypatch.setenv("https_proxy", proxy.url)
        site = site_at(f"https://127.0.0.1:{tls.port}", S3Options(ca_file=str(tls.certificate)))
        assert site.get(KEY, "v1") == b"within the tunnel"
        assert site.get(KEY, "v1") == b"within the tunnel"
        site.close()
        assert [one.rpartition(" ")[0] for one in proxy.requests] == [f"CONNECT 127.0.0.1:{tls.port}"]
    assert server.requests == [f"GET /a-bucket/{KEY}?versionId=v1 HTTP/1.1"] * 2
    tls.close()


def test_a_proxy_that_is_not_there_took_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    site = site_at("http://store.example:9000", PATIENT)
    with pytest.raises(SiteUnavailable) as caught:
        put(site)
    assert not caught.value.may_be_stored
    site.close()
