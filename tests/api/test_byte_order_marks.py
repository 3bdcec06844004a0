"""A byte order mark before JSON is no error: editors and libraries of Windows write one."""

from __future__ import annotations

import codecs
import json
import struct

import httpx
import pytest

from tests.support.server import push

MARK = codecs.BOM_UTF8
EVENT = {"occurred_at": "2026-11-22T00:00:00Z", "type": "marked"}


def test_events_may_begin_with_a_mark(client: httpx.Client) -> None:
    for number, body in enumerate(
        (
            json.dumps([{"event_id": "marked-0", **EVENT}]),
            "\n".join(json.dumps({"event_id": f"marked-{n}", **EVENT}) for n in (1, 2)),
        )
    ):
        items = client.post("/v1/events", content=MARK + body.encode()).json()["items"]
        assert [item["event_id"] for item in items] == [["marked-0"], ["marked-1", "marked-2"]][number]


def test_batches_may_begin_with_a_mark(client: httpx.Client) -> None:
    lines = json.dumps({"message_id": "marked-3", "body": "PGEvPg=="}).encode()
    header = MARK + json.dumps({"message_id": "marked-4"}).encode()
    framed = struct.pack(">II", len(header), 4) + header + b"<a/>"
    for media_type, body in (
        ("application/x-ndjson", MARK + lines),
        ("application/vnd.vanvault.batch", framed),
    ):
        answer = client.post("/v1/messages:batch", content=body, headers={"Content-Type": media_type})
        assert "signature" in answer.json()["items"][0], answer.text


def test_a_mark_may_stand_before_any_line(client: httpx.Client) -> None:
    """Two files with marks, joined by ``cat``."""
    events = [MARK + json.dumps({"event_id": f"joined-{n}", **EVENT}).encode() for n in (1, 2, 3)]
    items = client.post("/v1/events", content=b"\n".join(events)).json()["items"]
    assert [item["event_id"] for item in items] == ["joined-1", "joined-2", "joined-3"]
    lines = [MARK + json.dumps({"message_id": f"joined-{n}", "body": "PGEvPg=="}).encode() for n in (1, 2)]
    answer = client.post(
        "/v1/messages:batch", content=b"\r\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    assert [item["message_id"] for item in answer.json()["items"]] == ["joined-1", "joined-2"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_a_bad_line_is_named_by_its_number(client: httpx.Client, ending: bytes) -> None:
    """Blank lines are counted, as editors count them."""
    good = json.dumps({"event_id": f"numbered-{len(ending)}{ending[0]}", **EVENT}).encode()
    refused = client.post("/v1/events", content=ending.join([good, b"", b" ", b"{not json"]))
    assert (refused.status_code, refused.json()["detail"]) == (400, "line 4 of the body is no JSON")
    items = client.post("/v1/events", content=ending.join([MARK, good, b"", b"{}"])).json()["items"]
    assert items[1]["detail"].startswith("line 4: ")
    lines = [b'{"message_id": "numbered", "body": "PGEvPg=="}', b"", b"{", b'{"message_id": "n"}', b"{}"]
    found = client.post(
        "/v1/messages:batch", content=ending.join(lines), headers={"Content-Type": "application/x-ndjson"}
    ).json()["items"]
    assert [item["detail"].partition(":")[0] for item in found[1:]] == ["line 3", "line 4", "line 5"]
    assert [item["index"] for item in found[1:]] == [1, 2, 3]


def test_an_array_and_a_framed_body_have_no_lines(client: httpx.Client) -> None:
    (item,) = client.post("/v1/events", json=[{}]).json()["items"]
    assert not item["detail"].startswith("line")
    framed = struct.pack(">II", 2, 4) + b"{}<a/>"
    (item,) = client.post(
        "/v1/messages:batch", content=framed, headers={"Content-Type": "application/vnd.vanvault.batch"}
    ).json()["items"]
    assert not item["detail"].startswith("line")


def test_an_original_keeps_its_mark(client: httpx.Client) -> None:
    receipt = push(client, "marked-5", MARK + b"<a/>").json()
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == MARK + b"<a/>"
