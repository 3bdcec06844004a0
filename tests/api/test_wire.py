"""What only raw sockets can send: wrong lengths, endless and stalled bodies, hurried disconnects."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import time
from collections.abc import Iterable

import httpx
import pytest

from tests.api.conftest import MAX_MESSAGE, Appliance, check_problem
from tests.support.attacks import read_all
from tests.support.server import push, push_until_accepted
from tests.support.waiting import wait_for


def request(appliance: Appliance, message_id: str, *headers: str) -> bytes:
    """The head of a push, with these headers besides the usual ones."""
    lines = (
        "POST /v1/messages HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {appliance.token}",
        f"Vanvault-Message-Id: {message_id}",
        *headers,
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def answer_to(
    appliance: Appliance, parts: Iterable[bytes], *, pause_s: float = 0
) -> tuple[int, dict[str, object]]:
    """Send the parts, then read until the answer is whole: status and JSON (or {})."""
    with socket.create_connection(("127.0.0.1", appliance.server.port), timeout=10) as connection:
        # The server may answer and close before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_s)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
                head, _, body = received.partition(b"\r\n\r\n")
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:") and len(body) >= int(line[15:]):
                        return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else {}
    status = int(received.split()[1]) if received else 0
    return status, {}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_chunked_body_without_a_length(appliance: Appliance, client: httpx.Client) -> None:
    head = request(appliance, "chunked", "Transfer-Encoding: chunked")
    status, receipt = answer_to(
        appliance, [head, chunk(b"<a>"), chunk(b"b" * 1000), chunk(b"</a>"), chunk(b"")]
    )
    assert status == 201
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == b"<a>" + b"b" * 1000 + b"</a>"


def test_a_chunked_body_without_an_end_is_cut_at_the_limit(appliance: Appliance) -> None:
    head = request(appliance, "endless", "Transfer-Encoding: chunked")
    status, problem = answer_to(appliance, [head, *[chunk(bytes(64 * 1024))] * (MAX_MESSAGE // 65536 + 2)])
    assert (status, problem["type"]) == (413, "urn:vanvault:problem:too-large")


def test_a_declared_length_over_the_limit_is_refused_before_the_body(appliance: Appliance) -> None:
    status, problem = answer_to(appliance, [request(appliance, "declared", f"Content-Length: {10**12}")])
    assert (status, problem["field"]) == (413, "Content-Length")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "+5", "5, 5", "9" * 5000])
def test_a_length_that_is_no_length(appliance: Appliance, client: httpx.Client, length: str) -> None:
    status, _ = answer_to(appliance, [request(appliance, "no length", f"Content-Length: {length}"), b"<a/>x"])
    assert status in (400, 413)
    assert client.get("/v1/search", params={"message_id": "no length"}).json()["items"] == []


def test_a_body_shorter_than_declared_is_not_stored(appliance: Appliance, client: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", appliance.server.port)) as connection:
        connection.sendall(request(appliance, "short", "Content-Length: 100") + b"<only this/>")
    time.sleep(0.2)
    assert client.get("/v1/search", params={"message_id": "short"}).json()["items"] == []


def test_bytes_beyond_the_declared_length_are_not_the_message(
    appliance: Appliance, client: httpx.Client
) -> None:
    """They are taken for the next request, which they are not; the message is what was declared."""
    head = request(appliance, "longer", "Content-Length: 4")
    status, _ = answer_to(appliance, [head + b"<a/>GARBAGE\r\n\r\n"])
    assert status in (201, 400)
    receipt = push(client, "longer", b"<a/>").json()
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == b"<a/>"


def test_length_and_chunks_together_are_refused(appliance: Appliance, client: httpx.Client) -> None:
    """The two of them together are how requests are smuggled past proxies."""
    head = request(appliance, "smuggled", "Content-Length: 4", "Transfer-Encoding: chunked")
    status, _ = answer_to(appliance, [head, chunk(b"<a/>"), chunk(b"")])
    assert status == 400
    assert client.get("/v1/search", params={"message_id": "smuggled"}).json()["items"] == []


def test_a_body_that_stalls_is_given_up(appliance: Appliance, client: httpx.Client) -> None:
    """And it does not hold up the others meanwhile."""
    with socket.create_connection(("127.0.0.1", appliance.server.port), timeout=10) as slow:
        slow.sendall(request(appliance, "stalled", "Content-Length: 100") + b"<slow")
        assert push(client, "beside a stalled body", b"<quick/>").status_code == 201
        answer = read_all(slow)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"urn:vanvault:problem:too-slow" in answer
        assert b"retry-after: 1\r\n" in answer.lower()
        assert b"connection: close\r\n" in answer
    assert client.get("/v1/search", params={"message_id": "stalled"}).json()["items"] == []


def test_announced_bodies_that_do_not_come_take_no_room(appliance: Appliance, client: httpx.Client) -> None:
    """Bytes count as they come, so that nobody is refused for what others only announce."""
    with contextlib.ExitStack() as stack:
        for number in range(4 * 2**20 // MAX_MESSAGE):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", appliance.server.port)))
            head = request(appliance, f"announced {number}", f"Content-Length: {MAX_MESSAGE}")
            connection.sendall(head + b"<")
        assert push(client, "beside announcements", bytes(MAX_MESSAGE)).status_code == 201


def test_more_bytes_in_flight_than_the_share_of_a_gateway(
    appliance: Appliance, client: httpx.Client, other_client: httpx.Client
) -> None:
    """The gateway that sent them is refused, another one is not; when they are gone, there is room again."""
    numbers = itertools.count()
    answers: list[httpx.Response] = []

    def refused() -> bool:
        """Not when the server had not read all of it yet, or had given it up already."""
        with contextlib.ExitStack() as stack:
            for number in range(2 * 2**20 // MAX_MESSAGE):
                connection = socket.create_connection(("127.0.0.1", appliance.server.port))
                stack.enter_context(connection)
                head = request(appliance, f"half {number}", f"Content-Length: {MAX_MESSAGE}")
                connection.sendall(head + bytes(MAX_MESSAGE - 1))
            answers[:] = [push(client, f"over the quota {next(numbers)}", bytes(MAX_MESSAGE))]
            if answers[0].status_code == 503:
                assert push(other_client, f"beside it {next(numbers)}", bytes(MAX_MESSAGE)).status_code == 201
        return answers[0].status_code == 503

    wait_for(refused, "a push beside bodies of the same gateway is refused")
    check_problem(answers[0], 503, "busy")
    assert push_until_accepted(client, "over the quota", bytes(MAX_MESSAGE)).status_code == 201


def test_a_client_that_leaves_before_the_answer_loses_nothing(
    appliance: Appliance, client: httpx.Client
) -> None:
    with socket.create_connection(("127.0.0.1", appliance.server.port)) as hurried:
        hurried.sendall(request(appliance, "hurried", "Content-Length: 10") + b"<hurried/>")
    time.sleep(0.3)
    answer = push(client, "hurried", b"<hurried/>")
    assert answer.status_code in (200, 201)
    assert len(client.get("/v1/search", params={"message_id": "hurried"}).json()["items"]) == 1


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST /v1/messages HTTP/9.9\r\n\r\n", bytes(100)]
)
def test_what_is_not_http(appliance: Appliance, client: httpx.Client, garbage: bytes) -> None:
    status, _ = answer_to(appliance, [garbage])
    assert status in (0, 400)
    assert client.get("/v1/health/ready").status_code == 200
