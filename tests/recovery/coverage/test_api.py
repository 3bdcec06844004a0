"""Hits that a node serves say when their objects were verified last, whichever route they come by."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import vanvault
from tests.support.server import Server, push
from vanvault.archiver.appliance import init_home


def test_every_route_of_a_node_knows_the_verifications_on_record(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server:
        server.wait_ready()
        with server.client(token) as client:
            event = {
                "event_id": "e-1",
                "occurred_at": "2026-11-22T08:00:00+07:00",
                "type": "dossier.received",
                "transaction_id": "t-1",
            }
            assert client.post("/v1/events", json=[event]).status_code == 200
            receipt = push(client, "m-1", b"<dossier/>").json()
            (before,) = client.get("/v1/search", params={"message_id": "m-1"}).json()["items"]
            assert (before["verified_at"], before["held"]) == (None, False)
        assert server.stop() == 0
    assert vanvault(home, "verify")["whole"] is True
    with Server(home) as server:
        server.wait_ready()
        with server.client(token) as client:
            (item,) = client.get("/v1/search", params={"message_id": "m-1"}).json()["items"]
            assert receipt["received_at"] < item["verified_at"]
            assert item == {**before, "verified_at": item["verified_at"]}
            assert client.get(f"/v1/messages/{receipt['id']}").json() == item
            (event,) = client.get("/v1/transactions/t-1").json()["items"]
            assert event["verified_at"] == item["verified_at"]
        assert server.stop() == 0
