"""One request, one answer, in bounded time and size, whatever comes on a connection."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Appliance
from tests.support.attacks import HALF_HEAD, connect, head, huge_header, push_head, read_all
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways

H2C = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
}
SETTINGS = {
    "HTTP__HEADER_TIMEOUT_S": "1",
    "HTTP__IDLE_TIMEOUT_S": "2",
    "HTTP__BODY_LIMIT_S": "3",
    "HTTP__BODY_BYTES_PER_S": "200",
    "INTAKE__MAX_MESSAGE_BYTES": str(20 * 2**20),
    "INTAKE__BODY_TIMEOUT_S": "2",
    "METRICS__PUBLIC": "true",
}


@pytest.fixture(scope="module")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A server with short deadlines."""
    home = tmp_path_factory.mktemp("brisk") / "home"
    token = init_home(home)
    other = Gateways(home).add("gateway-2", SystemEntropy(), SystemClock()).secret
    with Server(home, settings=SETTINGS) as server:
        yield Appliance(server.wait_ready(), home, token, other)
        assert server.stop() == 0


@pytest.fixture
def client(brisk: Appliance) -> Iterator[httpx.Client]:
    with brisk.server.client(brisk.token) as found:
        yield found


def answers_in(received: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """Every answer in what came on a connection: status, headers, JSON."""
    found = []
    while received:
        top, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        found.append((int(first.split()[1]), headers, json.loads(rest[:length]) if length else None))
        received = rest[length:]
    return found


def sent(brisk: Appliance, data: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """All answers to what is sent, until the server closes: it does so when the connection rests."""
    with connect(brisk.server.port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return answers_in(read_all(connection))


def check_refusal(answer: tuple[int, dict[str, str], Any], status: int) -> None:
    """A problem document that ends the connection and says when to come again."""
    found, headers, problem = answer
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert headers["retry-after"] == "1"
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and problem["hint"]
    assert problem["instance"] == f"urn:vanvault:request:{headers['x-request-id']}"


def stored(client: httpx.Client, message_id: str) -> int:
    return len(client.get("/v1/search", params={"message_id": message_id}).json()["items"])


# -- an offered upgrade ---------------------------------------------------------------------------


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0", "anything"])
def test_an_offered_upgrade_is_ignored_and_the_body_read(
    brisk: Appliance, client: httpx.Client, upgrade: str
) -> None:
    headers = {name.replace("-", "_"): value for name, value in (H2C | {"Upgrade": upgrade}).items()}
    body = b"<offered by='" + upgrade.encode() + b"'/>"
    request = push_head(brisk.token, f"up {upgrade}", Content_Length=str(len(body)), **headers) + body
    ((status, _, receipt),) = sent(brisk, request)
    assert status == 201
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == body


def test_curl_with_its_offer_of_http_2(brisk: Appliance, client: httpx.Client, tmp_path: Path) -> None:
    """What gateways' programs really send: an upgrade, an announced body, and the body."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = b"<curl>" + b"x" * 200_000 + b"</curl>"
    (tmp_path / "body.xml").write_bytes(body)
    headers = (f"Authorization: Bearer {brisk.token}", "Vanvault-Message-Id: by curl", "Expect: 100-continue")
    command = [curl, "--silent", "--noproxy", "*", "--http2", "--data-binary", f"@{tmp_path / 'body.xml'}"]
    command += [part for header in headers for part in ("--header", header)]
    done = subprocess.run([*command, f"{brisk.server.url}/v1/messages"], capture_output=True, check=True)
    receipt = json.loads(done.stdout)
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == body


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_an_upgrade_is_ignored_however_the_bytes_come(
    brisk: Appliance, client: httpx.Client, cut: int
) -> None:
    """In chunks, in pieces, and with another request behind it on the same connection."""
    headers = {name.replace("-", "_"): value for name, value in H2C.items()}
    first = push_head(brisk.token, f"pieces {cut}", Transfer_Encoding="chunked", **headers)
    first += b"5\r\n<one>\r\n6\r\n</one>\r\n0\r\n\r\n"
    second = push_head(brisk.token, f"behind {cut}", Content_Length="6", **headers) + b"<two/>"
    with connect(brisk.server.port) as connection:
        connection.sendall(first[:cut])
        time.sleep(0.05)
        connection.sendall(first[cut:] + second)
        answers = answers_in(read_all(connection))
    assert [status for status, _, _ in answers] == [201, 201]
    originals = [client.get(f"/v1/messages/{receipt['id']}/original").content for _, _, receipt in answers]
    assert originals == [b"<one></one>", b"<two/>"]


def test_a_get_that_offers_an_upgrade_is_answered_and_the_connection_goes_on(brisk: Appliance) -> None:
    request = head("GET", "/v1/search", H2C | {"Authorization": f"Bearer {brisk.token}"})
    assert [status for status, _, _ in sent(brisk, request + request)] == [200, 200]


def test_a_body_that_looks_like_a_request_is_not_one_behind_an_upgrade(
    brisk: Appliance, client: httpx.Client
) -> None:
    inner = push_head(brisk.token, "smuggled", Content_Length="4") + b"<a/>"
    headers = {name.replace("-", "_"): value for name, value in H2C.items()}
    outer = push_head(brisk.token, "outer", Content_Length=str(len(inner)), **headers) + inner
    assert [status for status, _, _ in sent(brisk, outer)] == [201]
    assert stored(client, "smuggled") == 0


def test_connect_is_refused(brisk: Appliance) -> None:
    (answer,) = sent(
        brisk, b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    check_refusal(answer, 400)


# -- one request, one answer ----------------------------------------------------------------------

REFUSED = [
    ("no token", {"Authorization": "Bearer wrong"}, 401),
    ("another type", {"Content-Type": "text/plain", "path": "/v1/messages:batch"}, 400),
    ("too large", {"Content-Length": "99999999"}, 413),
    ("no such route", {"path": "/v1/nowhere"}, 404),
]


@pytest.mark.parametrize(("change", "status"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_follows_a_refused_request_is_never_taken_for_another_one(
    brisk: Appliance, client: httpx.Client, change: dict[str, str], status: int
) -> None:
    """Its body was not read to the end, and holds what looks like a push."""
    inner = push_head(brisk.token, "from a refused body", Content_Length="4") + b"<a/>"
    path = change.get("path", "/v1/messages")
    headers = {"Authorization": f"Bearer {brisk.token}", "Vanvault-Message-Id": "refused"}
    headers |= {"Content-Length": str(len(inner) + 100_000)} | change
    headers.pop("path", None)
    with connect(brisk.server.port) as connection:
        connection.sendall(head("POST", path, headers))
        time.sleep(0.1)  # the answer comes before the body, where it can
        with contextlib.suppress(ConnectionError):
            connection.sendall(inner * 50)
            connection.shutdown(socket.SHUT_WR)
        answers = answers_in(read_all(connection))
    assert [found for found, _, _ in answers] in ([status], [])
    assert stored(client, "from a refused body") == 0


def test_an_answer_before_the_end_of_the_body_says_that_the_connection_ends(brisk: Appliance) -> None:
    request = head("POST", "/v1/messages", {"Authorization": "Bearer wrong", "Content-Length": "1000"})
    ((status, headers, problem),) = sent(brisk, request + b"<begun>")
    assert (status, headers["connection"]) == (401, "close")
    assert problem["type"] == "urn:vanvault:problem:unauthenticated"


def test_garbage_behind_a_whole_request_does_not_replace_its_answer(
    brisk: Appliance, client: httpx.Client
) -> None:
    request = push_head(brisk.token, "before garbage", Content_Length="4") + b"<a/>"
    answers = sent(brisk, request + b"\x00\x01 garbage\r\n\r\n")
    assert answers[0][0] == 201
    assert [status for status, _, _ in answers[1:]] in ([], [400])
    assert stored(client, "before garbage") == 1


def test_a_body_that_breaks_its_own_framing_has_one_answer(brisk: Appliance, client: httpx.Client) -> None:
    request = push_head(brisk.token, "bad chunks", Transfer_Encoding="chunked")
    (answer,) = sent(brisk, request + b"4\r\n<a/>\r\nnothing of the kind\r\n")
    check_refusal(answer, 400)
    assert stored(client, "bad chunks") == 0


NO_REQUEST = {"bad-port": b"GET http://vanvault:99999/ HTTP/1.1\r\n\r\n", "garbage": b"\x00\x01\r\n\r\n"}


@pytest.mark.parametrize("ahead", [1, 2])
@pytest.mark.parametrize("bad", list(NO_REQUEST.values()), ids=list(NO_REQUEST))
def test_what_is_no_request_takes_no_answer_from_those_before_it(
    brisk: Appliance, client: httpx.Client, ahead: int, bad: bytes
) -> None:
    """Neither from the one that is being answered nor from one that waits."""
    name = f"before {bad[:3].hex()} {ahead}"
    requests = [push_head(brisk.token, f"{name} {n}", Content_Length="4") + b"<a/>" for n in range(ahead)]
    answers = sent(brisk, b"".join(requests) + bad)
    assert [receipt.get("message_id") for _, _, receipt in answers] == [f"{name} {n}" for n in range(ahead)]


@pytest.mark.parametrize(
    ("target", "status"), [("http://vanvault/v1/health/live", 200), ("http://vanvault", 404)]
)
def test_an_absolute_target_is_its_path(brisk: Appliance, target: str, status: int) -> None:
    assert [found for found, _, _ in sent(brisk, head("GET", target, {}))] == [status]


def test_requests_sent_ahead_are_answered_in_order(brisk: Appliance) -> None:
    requests = [push_head(brisk.token, f"ahead {n}", Content_Length="4") + b"<%d/>" % n for n in range(5)]
    answers = sent(brisk, b"".join(requests))
    assert [receipt["message_id"] for _, _, receipt in answers] == [f"ahead {n}" for n in range(5)]


def test_who_sends_very_many_requests_ahead_is_cut_off_after_some_answers(brisk: Appliance) -> None:
    answers = sent(brisk, head("GET", "/v1/health/live", {}) * 2_000)
    assert {status for status, _, _ in answers} == {200}
    assert 1 <= len(answers) < 2_000
    assert answers[-1][1]["connection"] == "close"


def test_what_a_stranger_sends_ahead_is_not_answered_and_one_request_after_the_other_is(
    brisk: Appliance,
) -> None:
    """The answer says that the connection ends, so the caller knows that the rest was not looked at."""
    request = head("GET", "/v1/health/live", {})
    ((status, headers, _),) = sent(brisk, request * 3)
    assert (status, headers["connection"]) == (200, "close")
    with connect(brisk.server.port) as connection:
        for _ in range(3):
            connection.sendall(request)
            said = b""
            while not said.endswith(b'{"status":"live"}'):
                said += connection.recv(65536)
            ((status, headers, _),) = answers_in(said)
            assert (status, headers.get("connection")) == (200, None)


def test_trailers_are_no_headers(brisk: Appliance, client: httpx.Client) -> None:
    request = push_head(brisk.token, "trailers", Transfer_Encoding="chunked")
    answers = sent(brisk, request + b"4\r\n<a/>\r\n0\r\nVanvault-State: trailed\r\n\r\n")
    assert [status for status, _, _ in answers] == [201]
    assert "trailed" not in client.get(f"/v1/messages/{answers[0][2]['id']}").text


# -- size ------------------------------------------------------------------------------------------


def test_headers_of_64_kib_pass_and_more_are_refused(brisk: Appliance) -> None:
    just = head("GET", "/v1/health/live", {f"X-{n}": "x" * 1000 for n in range(60)})
    more = head("GET", "/v1/health/live", {f"X-{n}": "x" * 1000 for n in range(70)})
    assert [status for status, _, _ in sent(brisk, just)] == [200]
    (answer,) = sent(brisk, more)
    check_refusal(answer, 431)


def test_very_many_headers_are_refused_and_none_is_left_out(brisk: Appliance, client: httpx.Client) -> None:
    """Each costs the node many times its bytes; a request without those beyond the bound is another one."""
    just = head("GET", "/v1/health/live", {f"X{n}": "x" for n in range(255)})
    assert [status for status, _, _ in sent(brisk, just)] == [200]
    many = push_head(brisk.token, "many", Content_Length="4", **{f"X{n}": "x" for n in range(260)}) + b"<a/>"
    (answer,) = sent(brisk, many)
    check_refusal(answer, 431)
    good = push_head(brisk.token, "before many", Content_Length="4") + b"<a/>"
    assert [status for status, _, _ in sent(brisk, good + many)] == [201]
    assert stored(client, "many") == 0


def test_one_header_of_very_many_bytes(brisk: Appliance, client: httpx.Client) -> None:
    """It is refused once 64 KiB of it came, while others are served."""
    (answer,) = answers_in(huge_header(brisk.server.port, 20 * 2**20)) or [None]
    if answer is not None:  # who still sends may lose what it was told
        check_refusal(answer, 431)
    assert push(client, "after the header", b"<a/>").status_code == 201


@pytest.mark.parametrize(
    "body", [b"0\r\nX-Trailer: " + b"x" * 300_000, b"1;" + b"x" * 300_000], ids=["trailer", "extension"]
)
def test_what_frames_a_body_is_bounded_too(brisk: Appliance, body: bytes) -> None:
    request = push_head(brisk.token, "framing", Transfer_Encoding="chunked")
    answers = sent(brisk, request + body)
    assert [status for status, _, _ in answers] in ([431], [])


# -- time ------------------------------------------------------------------------------------------


def test_headers_that_do_not_come_in_time(brisk: Appliance) -> None:
    (answer,) = sent(brisk, HALF_HEAD)
    check_refusal(answer, 408)


def test_headers_that_come_byte_by_byte_have_no_more_time(brisk: Appliance) -> None:
    """The deadline counts from the first byte, not from the last."""
    with connect(brisk.server.port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(HALF_HEAD)
            for _ in range(200):
                time.sleep(0.1)
                connection.sendall(b"x")
            pytest.fail("200 bytes were taken, one every 0.1 s")
        # Bytes that came after the end may have taken the answer with them.
        assert [status for status, _, _ in answers_in(read_all(connection))] in ([408], [])


def test_the_head_of_a_second_request_has_a_deadline_too(brisk: Appliance) -> None:
    first, second = sent(brisk, head("GET", "/v1/health/live", {}) + HALF_HEAD)
    assert first[0] == 200
    check_refusal(second, 408)


@pytest.mark.parametrize("greeting", [b"", head("GET", "/v1/health/live", {})], ids=["silent", "idle"])
def test_a_connection_that_rests_is_ended(brisk: Appliance, greeting: bytes) -> None:
    assert [status for status, _, _ in sent(brisk, greeting)] == ([200] if greeting else [])


def trickle(brisk: Appliance, message_id: str, *, piece: bytes, pause_s: float, count: int) -> bytes:
    """A body piece by piece; what the server said in the end."""
    with connect(brisk.server.port) as connection:
        connection.sendall(push_head(brisk.token, message_id, Content_Length="200000"))
        with contextlib.suppress(ConnectionError):
            for _ in range(count):
                connection.sendall(piece)
                time.sleep(pause_s)
            pytest.fail("the whole trickle was taken")
        return read_all(connection)


def test_a_body_under_the_least_rate(brisk: Appliance, client: httpx.Client) -> None:
    said = trickle(brisk, "trickled", piece=b"x", pause_s=0.1, count=600)
    assert said == b"" or answers_in(said)[0][0] == 408
    assert stored(client, "trickled") == 0


def test_a_body_that_keeps_the_rate_has_a_last_moment_all_the_same(
    brisk: Appliance, client: httpx.Client
) -> None:
    said = trickle(brisk, "for ever", piece=b"x" * 300, pause_s=0.1, count=600)
    assert said == b"" or answers_in(said)[0][0] == 408
    assert stored(client, "for ever") == 0


def test_a_caller_that_does_not_read_its_answer(brisk: Appliance, client: httpx.Client) -> None:
    """It is ended, and what the answer took of its gateway's quota is free again."""
    receipt = push(client, "never read", bytes(16 * 2**20)).json()
    request = head(
        "GET", f"/v1/messages/{receipt['id']}/original", {"Authorization": f"Bearer {brisk.token}"}
    )
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", brisk.server.port))
        deaf.sendall(request)
        wait_for(
            lambda: metric(client, 'vanvault_limit_reached_total{limit="answer-unread"}') == 1, "its end"
        )
    wait_for(lambda: metric(client, "vanvault_inflight_bytes") == 0, "its quota is free")
    whole = client.get(f"/v1/messages/{receipt['id']}/original").content
    assert whole == bytes(16 * 2**20)


def metric(client: httpx.Client, line: str) -> float:
    (found,) = [one for one in client.get("/metrics").text.splitlines() if one.startswith(f"{line} ")]
    return float(found.rpartition(" ")[2])


# -- health ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["/v1/health/live", "/v1/health/ready"])
def test_health_answers_head_and_options(brisk: Appliance, route: str) -> None:
    with httpx.Client(base_url=brisk.server.url, trust_env=False) as stranger:
        whole, only_head = stranger.get(route), stranger.head(route)
        assert (only_head.status_code, only_head.content) == (200, b"")
        assert only_head.headers["content-length"] == str(len(whole.content))
        options = stranger.options(route)
        assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
