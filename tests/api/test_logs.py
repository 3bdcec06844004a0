"""One line for each request, one id through log, answer and problem, and nothing about anybody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from tests.support.server import Server, push
from vanvault.api.logs import PlainText
from vanvault.archiver.appliance import init_home

NAME, NUMBER, EMPLOYER, TAX, DOSSIER = (
    "Nguyễn Thị Thử",
    "7912345678",
    "TZ9876Z",
    "0312345678",
    "00123/2026/07900",
)
BODY = (
    f"<Hoso><HoTen>{NAME}</HoTen><MaSoBHXH>{NUMBER}</MaSoBHXH><MaDonVi>{EMPLOYER}</MaDonVi></Hoso>".encode()
)
PERSONAL = (NAME, "Nguyễn", "Nguy\\u1ec5n", NUMBER, EMPLOYER, TAX, DOSSIER, "00123%2F2026", "dossier-of-thu")
HEADERS = {
    "Vanvault-Insurance-Numbers": NUMBER,
    "Vanvault-Employer-Code": EMPLOYER,
    "Vanvault-Tax-Code": TAX,
    "Vanvault-Dossier-Number": DOSSIER,
    "Vanvault-Transaction-Id": "dossier-of-thu",
}


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


@pytest.mark.parametrize("form", ["json", "console"])
def test_personal_values_are_in_no_log_no_problem_and_no_metric(tmp_path: Path, form: str) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    problems = []
    settings = {"LOG__FORMAT": form, "METRICS__PUBLIC": "true"}
    with Server(home, settings=settings) as server, server.wait_ready().client(token) as client:
        assert push(client, "dossier-of-thu", BODY, **HEADERS).status_code == 201
        problems.append(push(client, "dossier-of-thu", BODY + b" ", **HEADERS))
        problems.append(push(client, "", BODY, **HEADERS))
        search = {"insurance_number": NUMBER, "employer_code": EMPLOYER}
        (found,) = client.get("/v1/search", params=search).json()["items"]
        assert client.get(f"/v1/messages/{found['id']}/original").content == BODY
        problems.append(client.get("/v1/search", params={**search, "limit": "many"}))
        problems.append(client.get(f"/v1/messages/{NUMBER}"))
        problems.append(client.get(f"/v1/transactions/{EMPLOYER}"))
        problems.append(client.get(f"/{DOSSIER}/{NUMBER}"))
        event = {"event_id": "e", "occurred_at": "no time", "type": NAME, "dossier_number": DOSSIER}
        problems.append(client.post("/v1/events", json=[event]))
        problems.append(client.post("/v1/messages:batch", content=BODY))
        client.get("/v1/search", headers={"X-Request-Id": NUMBER}, params=search)
        (home / "sites" / "standby").rename(tmp_path / "aside")
        problems.append(push(client, "another", BODY, **HEADERS))
        metrics = client.get("/metrics").text
        (tmp_path / "aside").rename(home / "sites" / "standby")
        server.stop()
    log = server.log.read_text()
    assert log.count("/v1/messages") >= 4
    for problem in problems:
        assert problem.status_code >= 400 or "problem" in problem.text
    for where in (log, metrics, *(problem.text for problem in problems)):
        for value in PERSONAL:
            assert value not in where


def test_the_line_of_a_request(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    given = "0b9c2a4e-3d55-4a51-9d0e-7d1f5a2b3c4d"
    with (
        Server(home, settings={"LOG__FORMAT": "json"}) as server,
        server.wait_ready().client(token) as client,
    ):
        answer = client.post(
            "/v1/messages", content=b"<a/>", headers={"Vanvault-Message-Id": "m", "X-Request-Id": given}
        )
        assert answer.headers["X-Request-Id"] == given
        missing = client.get("/v1/messages/00000000000000aa-1-0")
        problem_id = missing.headers["X-Request-Id"]
        assert missing.json()["instance"] == f"urn:vanvault:request:{problem_id}"
        server.stop()
    requests = {line["request_id"]: line for line in lines(server) if line["event"] == "request"}
    line = requests[given]
    assert (line["method"], line["route"]) == ("POST", "/v1/messages")
    assert (line["status"], line["gateway"], line["received_bytes"]) == (201, "gateway-1", 4)
    assert line["sent_bytes"] == len(answer.content)
    assert 0 < line["duration_ms"] < 60_000
    assert requests[problem_id]["route"] == "/v1/messages/{entry_id}"
    assert requests[problem_id]["status"] == 404


@pytest.mark.parametrize(
    "given",
    ["7912345678", "0312345678-001-2026", "a@b.vn-a@b.vn-a@b.vn", "x" * 65, "short", "Nguyen Van A Nguyen"],
)
def test_an_id_that_might_be_somebody_is_replaced(client: httpx.Client, given: str) -> None:
    answer = client.get("/v1/health/live", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_the_access_lines_can_be_turned_off(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    settings = {"LOG__FORMAT": "json", "LOG__ACCESS": "false"}
    with Server(home, settings=settings) as server, server.wait_ready().client(token) as client:
        push(client, "m", b"<a/>")
        server.stop()
    assert "serving" in {line["event"] for line in lines(server)}
    assert "request" not in {line["event"] for line in lines(server)}


@pytest.mark.parametrize(
    "event",
    [
        {"route": "/v1/messages/{entry_id}", "status": 201, "duration_ms": 1.25, "gateway": "gateway-1"},
        {"gateway": ""},
        {"gateway": "of two words"},
        {"reason": "a=b", "count": 1},
        {"reason": 'it said "no"\nand ended', "kind": None},
        {"site": "chính", "found": ["a"], "open": True},
        {},
    ],
)
@pytest.mark.parametrize("text", ["request", "a text of more than the thirty characters of its column"])
def test_plain_text_is_what_the_console_renderer_writes(event: dict[str, Any], text: str) -> None:
    console = structlog.dev.ConsoleRenderer(colors=False)
    whole = {**event, "event": text, "level": "info", "timestamp": "2026-11-30T08:00:00.000001Z"}
    for line in (whole, event | {"event": text}, event | {"event": text, "level": "warning"}):
        assert PlainText(console)(None, "info", dict(line)) == console(None, "info", dict(line))
