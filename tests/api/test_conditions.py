"""What a node says of conditions of the archive: on its metrics page, and in the notes of readiness."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.command import run_cli
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import init_home

METRIC = 'vanvault_condition{id="damage-known",severity="error"}'


def test_damage_that_is_known_is_told_until_it_is_mended(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home, settings={"METRICS__PUBLIC": "true"}) as server, server.client(token) as client:
        server.wait_ready()

        def told(value: float) -> bool:
            return f"{METRIC} {value}" in httpx.get(f"{server.url}/metrics", trust_env=False).text

        assert push(client, "m-1", b"<m/>").status_code == 201
        wait_for(lambda: told(0.0), "the node has looked, and knows of no damage")
        (found, *_) = (home / "sites" / "standby").rglob("*.messages.parquet*")
        found.chmod(0o600)
        found.write_bytes(found.read_bytes()[:-1])
        assert run_cli(home, "verify").exit_code == 3
        wait_for(lambda: told(1.0), "the metric of known damage")
        ready = client.get("/v1/health/ready")
        assert (ready.status_code, ready.json()["state"]) == (200, "ready"), "the service itself goes on"
        (note,) = ready.json()["notes"]
        assert note.startswith("damage-known: ")
        assert "vanvault repair" in note
        assert httpx.get(f"{server.url}/v1/health/ready", trust_env=False).json()["notes"] == []

        assert run_cli(home, "repair").exit_code == 0
        wait_for(lambda: told(0.0), "the repair is known")
        assert client.get("/v1/health/ready").json()["notes"] == []
