"""What is pushed to a running node over S3 sites, and what must be true of it ever after."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from tests.s3.homes import S3Home
from tests.support.command import vanvault
from tests.support.server import Server, push

LARGE_BYTES = 64 * 1024
SETTINGS = {"INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES), "CLOCK__CHECK_INTERVAL_S": "1"}


@dataclass
class Life:
    """A home with a running node, and what was pushed to it."""

    home: S3Home
    server: Server
    client: httpx.Client
    bodies: dict[str, bytes]
    receipts: dict[str, dict[str, Any]]

    def vanvault(self, *arguments: str, exit_code: int = 0) -> Any:
        return vanvault(self.home.path, *arguments, exit_code=exit_code)

    def check_originals(self) -> None:
        """Every message is found once, by its own id, and comes back byte for byte."""
        for message_id, body in self.bodies.items():
            items = self.client.get("/v1/search", params={"message_id": message_id}).json()["items"]
            found = [item for item in items if item["entry"] == "message"]
            assert [item["id"] for item in found] == [self.receipts[message_id]["id"]]
            assert self.client.get(f"/v1/messages/{found[0]['id']}/original").content == body

    @contextmanager
    def restarted(self) -> Iterator[httpx.Client]:
        """Another node of the same home."""
        with Server(self.home.path, settings=SETTINGS) as server:
            server.wait_ready()
            with server.client(self.home.token) as client:
                yield client
            assert server.stop() == 0

    def push(self, message_id: str, body: bytes) -> None:
        answer = push(self.client, message_id, body)
        assert answer.status_code == 201, answer.text
        self.bodies[message_id], self.receipts[message_id] = body, answer.json()


def push_everything(life: Life) -> None:
    """Single, large and batched messages, and events."""
    random = Random(4)
    for number in range(3):
        life.push(f"single-{number}", random.randbytes(2000))
    life.push("large", random.randbytes(3 * LARGE_BYTES))
    bodies = {f"batched-{number}": random.randbytes(500) for number in range(20)}
    bodies["batched-large"] = random.randbytes(LARGE_BYTES)
    lines = [
        json.dumps({"message_id": message_id, "body": base64.b64encode(body).decode()})
        for message_id, body in bodies.items()
    ]
    answer = life.client.post(
        "/v1/messages:batch",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    for message_id, receipt in zip(bodies, answer.json()["items"], strict=True):
        assert receipt["message_id"] == message_id, receipt
        life.receipts[message_id] = receipt
    life.bodies.update(bodies)
    events = [
        {
            "event_id": f"event-{number}",
            "occurred_at": "2026-11-22T08:00:00+07:00",
            "type": "dossier.received",
            "transaction_id": "t-1",
            "message_id": f"single-{number}",
        }
        for number in range(3)
    ]
    answer = life.client.post("/v1/events", json=events)
    assert [receipt["event_id"] for receipt in answer.json()["items"]] == [e["event_id"] for e in events]


@contextmanager
def running(home: S3Home) -> Iterator[Life]:
    """A node of ``home`` to which everything was pushed; ends with a clean drain."""
    with Server(home.path, settings=SETTINGS) as server:
        server.wait_ready()
        with server.client(home.token) as client:
            life = Life(home, server, client, {}, {})
            push_everything(life)
            yield life
        if server.process.poll() is None:
            assert server.stop() == 0


def problems(summary: dict[str, Any]) -> set[str]:
    """What keeps the archive from being whole."""
    return {finding["problem"] for finding in summary["findings"] if finding["failing"]}
