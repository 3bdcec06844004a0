"""Readiness tells the truth, and says why; liveness says whether only a new start would help."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.api.conftest import check_problem
from tests.support.clocks import ManualClock
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.api.health import site_notes, task_as_json, task_notes
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.tasks import TaskStatus
from vanvault.archiver.journal.availability.events import STATE
from vanvault.archiver.replicas import SiteState, SiteStatus

#: These tests read the metrics, too.
OPEN = {"METRICS__PUBLIC": "true"}


def wait_for_state(client: httpx.Client, *states: str) -> dict[str, Any]:
    """The body of ``/v1/health/ready`` once it names one of these states."""
    found: dict[str, Any] = {}

    def came() -> bool:
        with suppress(httpx.TransportError):
            found.clear()
            found.update(client.get("/v1/health/ready").json())
        return found.get("state") in states

    wait_for(came, f"the node is {states}")
    return found


def wait_for_metric(client: httpx.Client, line: str) -> str:
    """The metrics once this line is among them: sites are asked every few seconds."""
    wait_for(lambda: line in client.get("/metrics").text, line)
    return client.get("/metrics").text


def test_a_site_that_goes_away_is_noticed_without_a_push(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home, settings=OPEN) as server, server.wait_ready().client(token) as client:
        body = client.get("/v1/health/ready").json()
        assert {site["site"]: site["state"] for site in body.pop("sites")} == dict.fromkeys(
            ("primary", "standby"), "healthy"
        )
        tasks = {task["task"]: task for task in body.pop("tasks")}
        assert tasks.keys() >= {"committer", "tail-updater", "trust-monitor", "peer-sync", "reconciler"}
        assert {task["failures"] for task in tasks.values()} == {0}
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


def test_a_site_that_tells_the_time_and_takes_nothing(tmp_path: Path) -> None:
    """As a full disk does: while receipts are degraded, nothing says that all is well."""
    home = tmp_path / "home"
    token = init_home(home)
    settings = {"SITES__POLICY": "any", "HEALTH__BACK_S": "60", **OPEN}
    batches = home / "sites" / "standby" / "objects" / "batch"
    with Server(home, settings=settings) as server, server.wait_ready().client(token) as client:
        assert wait_for_state(client, "ready")["notes"] == []
        batches.rename(tmp_path / "aside")
        batches.write_bytes(b"not a folder: no object can be put")
        for number in range(4):
            answer = push(client, f"m-{number}", b"<m>%d</m>" % number)
            assert answer.json().get("degraded") is True, answer.text
        found = wait_for_state(client, "degraded")
        assert found["status"] == "ready"
        assert [note.split(":")[0] for note in found["notes"]] == [
            "the site standby is out, and receipts are degraded"
        ]
        metrics = wait_for_metric(client, 'vanvault_site_state{site="standby",state="out"} 1.0')
        assert 'vanvault_site_up{site="standby"} 1.0' in metrics
        assert 'vanvault_node_state{state="degraded"} 1.0' in metrics
        assert "vanvault_ready 1.0" in metrics
        time.sleep(2.5)  # the ledger ticks once a second
        assert server.stop() == 0
    with Archive.open(home) as archive:
        archive.catch_up()
        page = archive.search.page(Query({"type": f"vanvault.{STATE}"}, order="oldest"))
        assert [orjson.loads(line["detail"])["level"] for line in page.items][-2:] == ["degraded", "down"]


def test_a_caller_without_a_token_is_told_no_reasons(tmp_path: Path) -> None:
    """They may hold paths. The state, the kind of problem and the site's name are for everybody."""
    home = tmp_path / "home"
    token = init_home(home)
    with (
        Server(home) as server,
        server.wait_ready().client(token) as client,
        httpx.Client(base_url=server.url, trust_env=False) as stranger,
    ):
        (home / "sites" / "standby").rename(tmp_path / "aside")
        wait_for_state(client, "site-away", "settling")
        wait_for(lambda: str(home) in client.get("/v1/health/ready").text, "a reason holds a path")
        told = check_problem(stranger.get("/v1/health/ready"), 503, "site-unavailable")
        assert told["site"] == "standby"
        assert told["state"] in ("site-away", "settling")
        assert [site["reason"] for site in told["sites"]] == ["", ""]
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            text = stranger.get("/v1/health/ready", headers=headers).text
            assert str(tmp_path) not in text
            assert "sites/" not in text


def status(state: SiteState, *, reason: str = "no room left") -> SiteStatus:
    return SiteStatus("standby", state, None, reason, None)


@pytest.mark.parametrize(
    ("state", "away", "note"),
    [
        ("healthy", {}, None),
        ("suspect", {}, None),
        ("suspect", {"standby": "no route"}, "the site standby is away: no route"),
        ("out", {}, "the site standby is out, and receipts are degraded: no room left"),
        ("out", {"standby": "no route"}, "the site standby is out, and receipts are degraded: no room left"),
        ("catching-up", {}, "the site standby is back, and does not hold everything yet"),
        ("catching-up", {"standby": "no route"}, "the site standby is away: no route"),
    ],
)
def test_what_is_said_of_a_site(state: SiteState, away: dict[str, str], note: str | None) -> None:
    assert site_notes([status(state)], away) == ([note] if note else [])


def test_a_task_that_crashed_is_told_and_one_that_failed_is_not() -> None:
    crashed, last = TaskStatus("sampler", "resting", 3, 2, "KeyError"), ManualClock().now()
    again = task_notes([crashed, TaskStatus("peer-sync", "waiting", 1, 0, "SiteUnavailable", last)])
    assert again == ["the task sampler crashed (KeyError), and is tried again"]
    assert task_notes([replace(crashed, phase="crashed")]) == [
        "the task sampler crashed (KeyError), and is not started again"
    ]
    assert task_as_json(replace(crashed, last_success=last)) == {
        "task": "sampler",
        "state": "resting",
        "failures": 3,
        "error": "KeyError",
        "last_success": "2026-11-22T01:02:03Z",
    }


def test_a_site_that_was_never_probed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with (
        Server(home, settings={"PROBE__FILE_SITES": "true", **OPEN}) as server,
        server.client(token) as client,
    ):
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
    with (
        Server(home, program=program, settings=OPEN) as server,
        server.wait_ready().client(token) as client,
    ):
        assert client.get("/v1/health/live").json() == {"status": "live"}
        (home / "broken").touch()  # the next commit, of this push or of the node's own, meets a bug
        check_problem(push(client, "m", b"<a/>"), 503, "busy")
        found = wait_for_state(client, "failed")
        assert "restart the node" in found["detail"]
        live = check_problem(client.get("/v1/health/live"), 503, "busy")
        assert live["state"] == "failed"
        wait_for_metric(client, 'vanvault_task_failures_total{task="committer"} 1.0')
        assert 'vanvault_node_state{state="failed"} 1.0' in client.get("/metrics").text
