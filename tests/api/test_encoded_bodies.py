"""A body in a coding is refused: what is archived is the original itself, never a compressed form of it."""

from __future__ import annotations

import gzip
import json
import socket

import httpx
import pytest

from tests.api.conftest import Appliance, check_problem
from tests.support.attacks import read_all

ROUTES = {
    "/v1/messages": b"<hoso/>",
    "/v1/messages:batch": json.dumps({"message_id": "encoded", "body": "PGEvPg=="}).encode(),
    "/v1/events": b'[{"event_id": "encoded", "occurred_at": "2026-11-22T00:00:00Z", "type": "t"}]',
}


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip", "x"])
@pytest.mark.parametrize("path", ROUTES)
def test_a_body_in_a_coding_is_refused(client: httpx.Client, path: str, coding: str) -> None:
    headers = {
        "Content-Encoding": coding,
        "Content-Type": "application/x-ndjson",
        "Vanvault-Message-Id": "encoded",
    }
    answer = client.post(path, content=gzip.compress(ROUTES[path]), headers=headers)
    problem = check_problem(answer, 415, "encoded-body")
    assert problem["field"] == "Content-Encoding"
    assert answer.headers["accept-encoding"] == "identity"
    for field in ("message_id", "event_id"):
        assert client.get("/v1/search", params={field: "encoded"}).json()["items"] == []


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_identity_is_no_coding(client: httpx.Client, coding: str) -> None:
    headers = {"Content-Encoding": coding, "Vanvault-Message-Id": f"plain-{coding}"}
    receipt = client.post("/v1/messages", content=b"<plain/>", headers=headers)
    assert receipt.status_code in (200, 201)
    assert client.get(f"/v1/messages/{receipt.json()['id']}/original").content == b"<plain/>"


def test_two_headers_of_codings_count_together(appliance: Appliance) -> None:
    lines = ("Content-Encoding: identity", "Content-Encoding: gzip", "Content-Length: 4")
    assert status_of(appliance, lines, b"<a/>") == 415


def test_a_coding_of_the_transfer_is_refused_as_well(appliance: Appliance) -> None:
    """The server takes off chunks only; what was compressed for the transfer would be archived so."""
    assert status_of(appliance, ("Transfer-Encoding: gzip, chunked",), b"4\r\n<a/>\r\n0\r\n\r\n") in (
        400,
        415,
    )


def status_of(appliance: Appliance, lines: tuple[str, ...], body: bytes) -> int:
    head = (
        "POST /v1/messages HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {appliance.token}",
        "Vanvault-Message-Id: encoded",
        *lines,
        "",
        "",
    )
    with socket.create_connection(("127.0.0.1", appliance.server.port), timeout=30) as connection:
        connection.sendall("\r\n".join(head).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return int(read_all(connection).split()[1])
