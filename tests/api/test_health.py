"""Readiness tells the truth, and says why; liveness says whether only a new start would help."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import check_problem
from tests.support.server import PATIENCE_S, Server, push
from vanvault.archiver.home import init_home


def wait_for_state(client: httpx.Client, *states: str) -> dict[str, Any]:
    """The body of ``/v1/health/ready`` once it names one of these states."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            found: dict[str, Any] = client.get("/v1/health/ready").json()
        except httpx.TransportError:
            found = {}
        if found.get("state") in states:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the node never became {states}: {found}")


def wait_for_metric(client: httpx.Client, line: str) -> str:
    """The metrics once this line is among them: sites are asked every few seconds."""
    until = time.monotonic() + PATIENCE_S
    while line not in (text := client.get("/metrics").text):
        assert time.monotonic() < until, text
        time.sleep(0.1)
    return text


def test_a_site_that_goes_away_is_noticed_without_a_push(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        body = client.get("/v1/health/ready").json()
        assert {site["site"]: site["state"] for site in body.pop("sites")} == dict.fromkeys(
            ("primary", "standby"), "healthy"
        )
        assert body == {"status": "ready", "state": "ready", "notes": []}
        (home / "sites" / "standby").rename(tmp_path / "aside")
        wait_for_state(client, "site-away", "settling")  # settling: a heartbeat came first
        problem = check_problem(client.get("/v1/health/ready"), 503, "site-unavailable")
        assert problem["site"] == "standby"
        assert client.get("/v1/health/live").json() == {"status": "live"}
        metrics = wait_for_metric(client, 'vanvault_site_up{site="standby"} 0.0')
        assert "vanvault_ready 0.0" in metrics
        assert 'vanvault_site_state{site="standby",state="out"} 1.0' in metrics
        assert 'vanvault_site_up{site="primary"} 1.0' in metrics
        (tmp_path / "aside").rename(home / "sites" / "standby")
        wait_for_state(client, "ready")
        assert push(client, "after", b"<after/>").status_code == 201


def test_a_site_that_was_never_probed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home, settings={"PROBE__FILE_SITES": "true"}) as server, server.client(token) as client:
        found = wait_for_state(client, "recovering")
        while "probed" not in found["detail"]:
            found = wait_for_state(client, "recovering")
        assert found["status"] == 503
        assert "never probed" in found["detail"]
        assert "vanvault probe" in found["hint"]
        check_problem(push(client, "m", b"<a/>"), 503, "site-unavailable")
        assert 'vanvault_site_probe_verdict{site="primary",verdict="none"} 1.0' in client.get("/metrics").text


def test_a_drain_is_said_at_once_and_work_is_taken_until_the_grace_is_over(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    command = "import sys; from vanvault.cli.main import main; main()"
    program = ("-c", command, "--home", str(home), "serve", "--port", "{port}", "--grace", "1.5")
    with Server(home, program=program) as server, server.wait_ready().client(token) as client:
        server.process.terminate()
        found = wait_for_state(client, "draining")
        assert found["status"] == 503
        answer = push(client, "in the grace", b"<a/>")
        assert (answer.status_code, answer.headers["connection"]) == (201, "close")
        refusals = []
        while server.process.poll() is None:
            try:
                answer = push(client, "in the grace", b"<a/>")
            except httpx.TransportError:
                break
            if answer.status_code != 200:
                refusals.append(check_problem(answer, 503, "busy"))
        assert refusals, "it went from taking work to closing its sockets"
        assert server.wait_end() == 0


def test_a_writing_thread_that_failed_makes_the_node_not_alive(tmp_path: Path) -> None:
    """Nothing but a new start helps, and liveness is what a supervisor asks."""
    home = tmp_path / "home"
    token = init_home(home)
    program = ("-m", "tests.api.failing_node", str(home), "{port}")
    with Server(home, program=program) as server, server.wait_ready().client(token) as client:
        assert client.get("/v1/health/live").json() == {"status": "live"}
        check_problem(push(client, "m", b"<a/>"), 503, "busy")
        found = wait_for_state(client, "failed")
        assert "restart the node" in found["detail"]
        live = check_problem(client.get("/v1/health/live"), 503, "busy")
        assert live["state"] == "failed"
        assert 'vanvault_node_state{state="failed"} 1.0' in client.get("/metrics").text
