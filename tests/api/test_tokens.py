"""Tokens at a real server: scopes, dates, networks, rotation, and types that only the archive may write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.server import Server, push
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways, TokenTerms

ENTROPY, CLOCK = SystemEntropy(), SystemClock()
READS = (
    "/v1/search",
    "/v1/histogram",
    "/v1/messages/{id}",
    "/v1/messages/{id}/original",
    "/v1/receipts/{id}",
    "/v1/transactions/t-1",
)
EVENT = {"event_id": "e-1", "occurred_at": "2026-11-22T08:02:03+07:00", "type": "dossier.received"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "home"
    init_home(path)
    return path


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """A node that believes a proxy on this host."""
    with Server(home, settings={"HTTP__PROXIES": '["127.0.0.1"]'}) as found:
        yield found.wait_ready()
        assert found.stop() == 0


def token(home: Path, **terms: object) -> str:
    """One more token of gateway-1; what ``TokenTerms.of`` takes."""
    made = Gateways(home).add_token("gateway-1", ENTROPY, CLOCK, terms=TokenTerms.of(**terms))  # type: ignore[arg-type]
    return made.secret


def test_a_token_that_may_only_push_reads_nothing(home: Path, server: Server) -> None:
    with server.client(token(home, scopes=["push"])) as client:
        receipt = push(client, "only-push", b"<x/>")
        assert receipt.status_code == 201
        assert push(client, "only-push", b"<x/>").status_code == 200
        assert client.post("/v1/events", json=[EVENT]).json()["items"][0]["id"]
        for route in READS:
            check_problem(client.get(route.format(id=receipt.json()["id"])), 403, "access-denied")


def test_a_token_that_may_only_read_pushes_nothing(home: Path, server: Server) -> None:
    with server.client(token(home)) as client:
        id = push(client, "both", b"<x/>").json()["id"]
    with server.client(token(home, scopes=["read-own"])) as client:
        assert client.get(f"/v1/messages/{id}/original").content == b"<x/>"
        assert client.get("/v1/search", params={"message_id": "both"}).json()["items"]
        check_problem(push(client, "only-read", b"<x/>"), 403, "access-denied")
        check_problem(client.post("/v1/events", json=[EVENT]), 403, "access-denied")
        check_problem(client.post("/v1/messages:batch", content=b""), 403, "access-denied")
        assert client.get("/v1/search", params={"message_id": "only-read"}).json()["items"] == []


def test_a_token_is_refused_before_and_after_its_time(home: Path, server: Server) -> None:
    now = CLOCK.now()
    for terms in ({"not_before": now + timedelta(days=1)}, {"not_after": now - timedelta(days=1)}):
        with server.client(token(home, **terms)) as client:
            problem = check_problem(client.get("/v1/search"), 401, "unauthenticated")
            assert problem["hint"]


def forwarded(client: httpx.Client, address: str | None) -> httpx.Response:
    return client.get("/v1/search", headers={"X-Forwarded-For": address} if address else {})


def test_a_token_that_is_bound_to_a_network_is_good_from_there_only(home: Path, server: Server) -> None:
    with server.client(token(home, networks=["203.0.113.0/24"])) as client:
        assert forwarded(client, "203.0.113.9").status_code == 200
        assert forwarded(client, "198.51.100.1, 203.0.113.9").status_code == 200
        for address in ("198.51.100.1", "203.0.113.9, 198.51.100.1", "unknown", None):
            check_problem(forwarded(client, address), 403, "access-denied")
    with server.client(token(home, networks=["127.0.0.0/8"])) as client:
        check_problem(forwarded(client, None), 403, "access-denied")  # the proxy's own address lets nobody in


def test_without_a_declared_proxy_only_the_peer_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    init_home(home)
    here, there = token(home, networks=["127.0.0.0/8"]), token(home, networks=["203.0.113.0/24"])
    with Server(home) as server:
        server.wait_ready()
        with server.client(here) as client:
            assert forwarded(client, None).status_code == 200
            assert forwarded(client, "203.0.113.9").status_code == 200
        with server.client(there) as client:
            check_problem(forwarded(client, "203.0.113.9"), 403, "access-denied")


def test_a_token_changes_without_a_gap_and_a_removed_one_ends_at_once(home: Path, server: Server) -> None:
    gateways = Gateways(home)
    old = gateways.add("rotating", ENTROPY, CLOCK)
    with server.client(old.secret) as client:
        first = push(client, "m-1", b"<x/>")
        assert first.status_code == 201
        new = gateways.add_token("rotating", ENTROPY, CLOCK, overlap=timedelta(days=1))
        assert push(client, "m-1", b"<x/>").json() == first.json()
    with server.client(new.secret) as client:
        assert push(client, "m-1", b"<x/>").json() == first.json()
    gateways.remove_token("rotating", old.id, ENTROPY, CLOCK)
    with server.client(old.secret) as client:
        check_problem(push(client, "m-1", b"<x/>"), 401, "unauthenticated")
    gateways.remove("rotating", ENTROPY, CLOCK)
    with server.client(new.secret) as client:
        check_problem(push(client, "m-1", b"<x/>"), 401, "unauthenticated")
    back = gateways.bring_back("rotating", ENTROPY, CLOCK)
    with server.client(back.secret) as client:
        assert push(client, "m-1", b"<x/>").json() == first.json()
        check_problem(push(client, "m-1", b"<y/>"), 409, "conflict")


@pytest.mark.parametrize("type", ["vanvault.failover.promoted", "VANVAULT.x", "van vault.x", "ｖanvault.x"])
def test_an_event_that_speaks_as_the_archive_is_refused_and_not_stored(
    home: Path, server: Server, type: str
) -> None:
    with server.client(token(home)) as client:
        event = {**EVENT, "event_id": f"reserved-{type}", "type": type}
        good = {**EVENT, "event_id": f"good-{type}"}
        items = client.post("/v1/events", json=[event, good]).json()["items"]
        assert items[0]["status"] == 400
        assert items[0]["field"] == "type"
        assert items[1]["id"]
        found = client.get("/v1/search", params={"event_id": event["event_id"]}).json()["items"]
        assert found == []
        assert client.get("/v1/search", params={"event_id": good["event_id"]}).json()["items"]


def test_a_node_that_stops_writes_down_which_tokens_were_used(tmp_path: Path) -> None:
    home = tmp_path / "home"
    gateways = Gateways(home)
    secret = init_home(home)
    gateways.add_token("gateway-1", ENTROPY, CLOCK)
    used, unused = gateways.get("gateway-1").tokens
    with Server(home) as server:
        server.wait_ready()
        with server.client(secret) as client:
            client.get("/v1/search")
        assert server.stop() == 0
    assert set(gateways.last_uses()) == {used.id}
    assert unused.id not in gateways.last_uses()
