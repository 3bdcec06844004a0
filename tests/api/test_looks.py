"""What gateways read over HTTP is counted, by whom and from where, and on record once the node stopped."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import json_of, run_cli
from tests.support.server import Server, push
from vanvault.archiver.appliance import init_home


def test_reads_of_gateways_are_on_record(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with (
        Server(home) as server,
        server.wait_ready().client(token) as client,
        server.client("vv1_wrong") as stranger,
    ):
        ids = [push(client, f"m-{number}", b"<x/>" * (number + 1)).json()["id"] for number in range(2)]
        for _ in range(3):
            assert client.get("/v1/search", params={"entry": "message"}).status_code == 200
        assert client.get(f"/v1/messages/{ids[0]}").status_code == 200
        assert client.get(f"/v1/messages/{ids[0]}/original").content == b"<x/>"
        assert client.get(f"/v1/receipts/{ids[1]}").status_code == 200
        assert client.get("/v1/histogram", params={"entry": "message"}).status_code == 200
        assert client.get("/v1/transactions/none").status_code == 404
        assert client.get("/v1/search", params={"gateway": "gateway-2"}).status_code == 403
        assert stranger.get(f"/v1/messages/{ids[0]}/original").status_code == 401
        assert server.stop() == 0
    found = json_of(run_cli(home, "access", "list", "--json"))["looks"]
    told = {
        (look["who"], look["act"], look["outcome"]): (look["requests"], look["count"])
        for look in found
        if look["by"] == "token"
    }
    assert told == {
        ("gateway-1", "search", "shown"): (3, 6),
        ("gateway-1", "display", "shown"): (1, 1),
        ("gateway-1", "original", "shown"): (1, 1),
        ("gateway-1", "receipt", "shown"): (1, 1),
        ("gateway-1", "count", "shown"): (1, 2),
        ("gateway-1", "timeline", "failed"): (1, 0),
        ("gateway-1", "search", "refused"): (1, 0),
        ("", "original", "refused"): (1, 0),
    }
    assert {look["address"] for look in found if look["by"] == "token"} == {"127.0.0.1"}
    assert all(look["by_id"].startswith("t-") for look in found if look["who"] == "gateway-1")
