"""One id is one id: plain or percent-encoded, in a header, a batch, an event, a query or a path."""

from __future__ import annotations

import json
import struct
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.server import push

FRAMED = "application/vnd.vanvault.batch"
IDS = ("one/id 1", "hồ sơ 01", "100 % a+b", "a&b=c#d?e")
ESCAPED = ("one%2Fid", "h%c3%b4", "100%25")


def batch(client: httpx.Client, message_id: str, body: bytes) -> dict[str, Any]:
    fields = json.dumps({"message_id": message_id}).encode()
    data = struct.pack(">II", len(fields), len(body)) + fields + body
    answer = client.post("/v1/messages:batch", content=data, headers={"Content-Type": FRAMED})
    found: dict[str, Any] = answer.json()["items"][0]
    return found


def event(client: httpx.Client, **fields: str) -> dict[str, Any]:
    sent = {"event_id": "one-1", "occurred_at": "2026-11-22T00:00:00Z", "type": "t", **fields}
    found: dict[str, Any] = client.post("/v1/events", json=[sent]).json()["items"][0]
    return found


@pytest.mark.parametrize("message_id", IDS)
def test_one_id_is_archived_once_by_whatever_way_it_comes(client: httpx.Client, message_id: str) -> None:
    body = b"<one/>"
    first = push(client, quote(message_id, safe=""), body)
    assert first.status_code == 201
    assert first.json()["message_id"] == message_id
    for again in (
        push(client, message_id.replace("%", "%25"), body).json(),  # plain UTF-8
        batch(client, message_id, body),
    ):
        assert again == first.json()
    conflict = batch(client, message_id, b"<other/>")
    assert conflict["type"] == "urn:vanvault:problem:conflict"
    found = client.get("/v1/search", params={"message_id": message_id}).json()["items"]
    assert [item["id"] for item in found] == [first.json()["id"]]


@pytest.mark.parametrize("escaped", ESCAPED)
def test_an_id_that_is_escaped_where_nothing_decodes_it_is_refused(
    client: httpx.Client, escaped: str
) -> None:
    """Otherwise a gateway that escapes ids in JSON too would archive each of them under two ids."""
    for problem in (
        batch(client, escaped, b"<a/>"),
        event(client, event_id=escaped),
        event(client, message_id=escaped),
        push(client, quote(escaped), b"<a/>").json(),  # escaped twice
    ):
        assert problem["type"] == "urn:vanvault:problem:invalid-input"
        assert problem["field"] in ("message_id", "event_id")
        assert "as it is" in problem["hint"]
    assert client.get("/v1/search", params={"message_id": escaped}).json()["items"] == []


@pytest.mark.parametrize("escaped", ["caf%e9", "a%00b", "%20a", "a%0d%0ab"])
def test_what_no_id_may_hold_does_not_come_in_by_an_escape(client: httpx.Client, escaped: str) -> None:
    problem = check_problem(push(client, escaped, b"<a/>"), 400, "invalid-input")
    assert problem["field"] == "message_id"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("/v1/search?limit=1&state=%ff%fe", "state"),
        ("/v1/search?state=%ed%a0%80", "state"),
        ("/v1/search?%e9=1", "query"),
        ("/v1/histogram?state=%ff", "state"),
        ("/v1/transactions/%ff", "path"),
        ("/v1/messages/%e9/original?a=b", "path"),
        ("/v1/health/ready?%ff", "query"),
    ],
)
def test_a_url_that_is_not_utf_8_is_refused(client: httpx.Client, url: str, part: str) -> None:
    problem = check_problem(client.get(url), 400, "invalid-input")
    assert problem["field"] == part
    assert "UTF-8" in problem["hint"]


def test_a_push_with_a_query_that_is_not_utf_8_is_refused(client: httpx.Client) -> None:
    headers = {"Vanvault-Message-Id": "bad query"}
    answer = client.post("/v1/messages?%ff", content=b"<a/>", headers=headers)
    assert check_problem(answer, 400, "invalid-input")["field"] == "query"


def test_a_list_in_a_header_is_split_before_it_is_decoded(client: httpx.Client) -> None:
    numbers = {"Vanvault-Insurance-Numbers": "a%2C1, b2,,  c%203 ,"}
    pushed = push(client, "numbers-in-a-header", b"<a/>", **numbers).json()
    found = client.get(f"/v1/messages/{pushed['id']}").json()
    assert found["insurance_numbers"] == ["a,1", "b2", "c 3"]
