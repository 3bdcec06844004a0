"""A byte order mark before JSON is no error: editors and libraries of Windows write one."""

from __future__ import annotations

import codecs
import json
import struct

import httpx

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


def test_an_original_keeps_its_mark(client: httpx.Client) -> None:
    receipt = push(client, "marked-5", MARK + b"<a/>").json()
    assert client.get(f"/v1/messages/{receipt['id']}/original").content == MARK + b"<a/>"
