"""Real nodes on file sites whose primary is dead: reads go on; intake waits for a promotion, then goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.command import json_of, run_cli
from tests.support.server import Server, push, push_until_accepted
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.evidence import holders, verify_receipt

QUICK = {
    "HEALTH__CHECK_INTERVAL_S": "0.2",
    "HEALTH__BACK_S": "0.5",
    "RECONCILE__CHECK_INTERVAL_S": "0.3",
    "INTAKE__FOLLOW_INTERVAL_S": "0.1",
}


def wait_alive(server: Server) -> Server:
    with httpx.Client(base_url=server.url, trust_env=False) as client:

        def alive() -> bool:
            try:
                return client.get("/v1/health/live").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(alive)
    return server


@pytest.mark.parametrize("fresh", [False, True], ids=["known", "lost cache"])
def test_a_node_that_starts_with_a_dead_primary(tmp_path: Path, fresh: bool) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    folder, aside = home / "sites" / "primary", tmp_path / "aside"
    with Server(home, settings=QUICK) as server, server.wait_ready().client(token) as client:
        before = push(client, "before", b"<before/>").json()
        assert server.stop() == 0
    folder.rename(aside)
    if fresh:
        shutil.rmtree(home / "cache")
    with Server(home, settings=QUICK) as server, wait_alive(server).client(token) as client:
        found = {"message_id": "before"}
        wait_for(lambda: bool(client.get("/v1/search", params=found).json()["items"]))
        assert client.get(f"/v1/messages/{before['id']}/original").content == b"<before/>"
        assert client.get(f"/v1/receipts/{before['id']}").json() == before
        problem = check_problem(push(client, "after", b"<after/>"), 503, "site-unavailable")
        assert problem["site"] == "primary"

        done = json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
        assert (done["epoch"], done["leader"]) == (1, "standby")
        answer = push_until_accepted(client, "after", b"<after/>")
        assert answer.status_code == 201
        receipt = answer.json()
        assert (receipt["degraded"], holders(receipt)) == (True, {"standby"})

        aside.rename(folder)  # the old primary comes back, and is caught up by itself
        wait_for(
            lambda: holders(client.get(f"/v1/receipts/{receipt['id']}").json()) == {"primary", "standby"}
        )
        back = json_of(run_cli(home, "failover", "failback", "--reason", "rebuilt", "--yes", "--json"))
        assert (back["epoch"], back["leader"]) == (2, "primary")
        whole = push_until_accepted(client, "whole", b"<whole/>").json()
        assert holders(whole) == {"primary", "standby"}
        assert server.stop() == 0
    with Archive.open(home) as archive:
        for one in (before, receipt, whole):
            verify_receipt(one, archive.signing.public)
        bodies = {key[2]: data for key, data in read_entries(archive).items() if key[1] == "gateway-1"}
    assert bodies == {"before": b"<before/>", "after": b"<after/>", "whole": b"<whole/>"}
    assert json.loads(run_cli(home, "failover", "status", "--json").stdout)["alone"] is False


def test_a_running_node_loses_its_primary_and_follows_the_promotion(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home, settings=QUICK) as server, server.wait_ready().client(token) as client:
        before = push(client, "before", b"<before/>").json()
        (home / "sites" / "primary").rename(tmp_path / "aside")
        check_problem(push(client, "during", b"<during/>"), 503, "site-unavailable")
        assert client.get(f"/v1/messages/{before['id']}/original").content == b"<before/>"
        json_of(run_cli(home, "failover", "promote", "--reason", "fire", "--yes", "--json"))
        answer = push_until_accepted(client, "during", b"<during/>")
        assert answer.status_code in (200, 201)
        assert holders(answer.json()) == {"standby"}
        assert server.stop() == 0
