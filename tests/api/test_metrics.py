"""The metrics page: what is counted, who may read it, and that page, rules and registry name the same."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Appliance, check_problem
from tests.support.server import Server, free_port, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import init_home

DOCS = Path(__file__).parents[2] / "docs"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(text: str) -> dict[str, Any]:
    """Name, as a query would use it -> family."""
    found = {}
    for family in text_string_to_metric_families(text):
        found[family.name + ("_total" if family.type == "counter" else "")] = family
    return found


def samples(server: Server) -> Samples:
    answer = httpx.get(f"{server.url}/metrics", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def test_what_is_accepted_repeated_and_refused_is_counted(appliance: Appliance, client: httpx.Client) -> None:
    before = samples(appliance.server)
    assert push(client, "counted", b"<counted/>").status_code == 201
    assert push(client, "counted", b"<counted/>").status_code == 200
    assert push(client, "counted", b"<other/>").status_code == 409
    event = {"event_id": "counted-1", "occurred_at": "2026-11-22T08:00:00+07:00", "type": "dossier.received"}
    client.post("/v1/events", json=[event, {"event_id": "x"}])
    client.post("/v1/messages", content=b"<a/>", headers={"Authorization": "Bearer wrong"})
    after = samples(appliance.server)

    def grew(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grew("vanvault_entries_accepted_total", entry="message") == 1
    assert grew("vanvault_accepted_bytes_total", entry="message") == len(b"<counted/>")
    assert grew("vanvault_entries_accepted_total", entry="event") >= 1  # the node's own do not count here
    assert grew("vanvault_entries_repeated_total", entry="message") == 1
    assert grew("vanvault_entries_refused_total", entry="message", problem="conflict") == 1
    assert grew("vanvault_entries_refused_total", entry="event", problem="invalid-input") == 1
    assert grew("vanvault_entries_refused_total", entry="message", problem="unauthenticated") == 1
    assert grew("vanvault_ack_duration_seconds_count", route="/v1/messages") == 2
    assert grew("vanvault_commit_duration_seconds_count") >= 2
    assert grew("vanvault_http_requests_total", method="POST", route="/v1/messages", status="409") == 1
    assert grew("vanvault_http_received_bytes_total") >= 2 * len(b"<counted/>")


def test_labels_take_few_values_whatever_is_asked(appliance: Appliance, client: httpx.Client) -> None:
    client.get("/v1/messages/00000000000000aa-1-0")
    client.get("/no/such/path/at/all")
    client.request("PROPFIND", "/v1/messages")
    client.get("/v1/transactions/a-very/particular/one")
    text = httpx.get(f"{appliance.server.url}/metrics", trust_env=False).text
    assert 'route="/v1/messages/{entry_id}"' in text
    assert 'route="other"' in text
    assert 'method="other"' in text
    for secret in ("00000000000000aa", "no/such", "PROPFIND", "particular", "gateway-1"):
        assert secret not in text


def test_the_page_and_the_node_name_the_same_metrics(appliance: Appliance) -> None:
    found = families(httpx.get(f"{appliance.server.url}/metrics", trust_env=False).text)
    rows = re.findall(r"^\| `(vanvault_\w+)` \| (\w+) \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    shown = {name: family.type for name, family in found.items() if name.startswith("vanvault_")}
    assert dict(rows) == shown


def test_every_rule_uses_what_there_is(appliance: Appliance) -> None:
    wait_for(
        lambda: any(name == "vanvault_condition" for name, _ in samples(appliance.server)),
        "the node has looked at conditions",
    )
    found = samples(appliance.server)
    text = httpx.get(f"{appliance.server.url}/metrics", trust_env=False).text
    names = {name for name, _ in found} | set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    names.add("up")  # of Prometheus itself
    labels = {label for _, pairs in found for label, _ in pairs} | {"instance", "job", "le"}
    groups = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith((".", "?"))
        used = set(re.findall(r"\b(?:vanvault_\w+|up)\b", rule["expr"]))
        assert used, rule["alert"]
        assert used <= names, f"{rule['alert']} uses {used - names}"
        named = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|=)", rule["expr"])
        named += re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert set(named) <= labels, rule["alert"]


@pytest.mark.parametrize("public", [False, True])
def test_only_with_the_token_or_when_open(tmp_path: Path, public: bool) -> None:
    """For callers of this very host, too: a proxy on it passes on what comes from anywhere."""
    home = tmp_path / "home"
    gateway_token = init_home(home)
    (home / "scraper.token").write_text("scrape-me\n")
    settings = {"METRICS__PUBLIC": str(public).lower(), "METRICS__TOKEN_FILE": "scraper.token"}
    with Server(home, settings=settings) as server:
        url = f"{server.wait_ready().url}/metrics"
        asked = {
            token: httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code
            for token in ("scrape-me", "wrong", gateway_token)
        }
        refused = 200 if public else 401
        assert asked == {"scrape-me": 200, "wrong": refused, gateway_token: refused}
        assert httpx.get(url, trust_env=False).status_code == refused
        (home / "scraper.token").unlink()
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {gateway_token}"}):
            ready = httpx.get(f"{server.url}/v1/health/ready", headers=headers, trust_env=False)
            assert ready.status_code == 200, "health does not depend on the scraper's file"
        assert server.stop() == 0


def test_an_address_of_its_own_serves_metrics_and_health_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    port = free_port()
    with Server(home, settings={"METRICS__ADDRESS": f"127.0.0.1:{port}"}) as server:
        server.wait_ready()
        check_problem(httpx.get(f"{server.url}/metrics", trust_env=False), 401, "unauthenticated")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as own:
            assert "vanvault_ready 1.0" in own.get("/metrics").text
            assert own.get("/v1/health/live").json() == {"status": "live"}
            assert own.head("/v1/health/ready").status_code == 200
            headers = {"Authorization": f"Bearer {token}"}
            check_problem(own.get("/v1/search", headers=headers), 404, "")
            answer = own.post("/v1/messages", content=b"<a/>", headers=headers)
            check_problem(answer, 404, "")
        assert server.stop() == 0


def test_an_address_of_its_own_that_is_taken_ends_the_node(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = {"METRICS__ADDRESS": f"127.0.0.1:{other.getsockname()[1]}"}
        with Server(home, settings=settings) as server:
            assert server.wait_end() != 0
            assert "cannot listen" in server.log.read_text()
