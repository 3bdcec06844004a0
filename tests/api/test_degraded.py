"""Degraded receipts over HTTP: given while a site is away, upgraded when it is back, by every node alike."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.api.conftest import check_problem
from tests.support.archives import SITES
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.evidence import holders, verify_receipt
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways

QUICK = {"HEALTH__CHECK_INTERVAL_S": "0.1", "HEALTH__BACK_S": "0.3", "RECONCILE__CHECK_INTERVAL_S": "0.2"}
BIG = b"<big>" + b"0123456789abcdef" * 100_000 + b"</big>"


def state(client: httpx.Client, site: str) -> dict[str, Any]:
    sites = client.get("/v1/health/ready").json()["sites"]
    return next(found for found in sites if found["site"] == site)


def receipt_of(client: httpx.Client, entry_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/receipts/{entry_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("site", SITES)
def test_degraded_then_upgraded(tmp_path: Path, site: str) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    strict_token = Gateways(home).add("strict", SystemEntropy(), SystemClock(), policy="all").secret
    folder, aside = home / "sites" / site, tmp_path / "aside"
    with (
        Server(home, settings={"SITES__POLICY": "any", **QUICK}) as server,
        server.wait_ready().client(token) as client,
        server.client(strict_token) as strict,
    ):
        whole = push(client, "whole", b"<whole/>").json()
        assert whole["policy"] == "all"
        assert "degraded" not in whole
        folder.rename(aside)
        answer = push(client, "small", b"<small/>")
        assert answer.status_code == 201, answer.text
        large = push(client, "large", BIG)
        assert large.status_code == 201, large.text
        degraded = {"small": answer.json(), "large": large.json()}
        for receipt in degraded.values():
            assert (receipt["policy"], receipt["degraded"]) == ("any", True)
            assert holders(receipt) == {other for other in SITES if other != site}
            assert receipt_of(client, receipt["id"]) == receipt
        wait_for(lambda: state(client, site)["state"] == "out")
        problem = check_problem(push(strict, "strict", b"<strict/>"), 503, "site-unavailable")
        assert (problem["site"], problem["may_be_stored"]) == (site, False)
        wait_for(lambda: (state(client, site)["lag"] or {}).get("objects", 0) >= 2)
        assert state(client, site)["lag"]["bytes"] > 0
        assert push(client, "small", b"<small/>").json() == degraded["small"]

        aside.rename(folder)
        wait_for(lambda: state(client, site)["state"] == "healthy")
        later = {name: receipt_of(client, receipt["id"]) for name, receipt in degraded.items()}
        for receipt in later.values():
            assert receipt["policy"] == "all"
            assert "degraded" not in receipt
            assert holders(receipt) == set(SITES)
        assert push(client, "small", b"<small/>").json() == later["small"]
        assert push(strict, "strict", b"<strict/>").status_code == 201
        assert state(client, site)["lag"] == {"objects": 0, "bytes": 0, "seconds": 0.0}
        assert server.stop() == 0
    with Archive.open(home) as archive:
        for receipt in (*degraded.values(), *later.values()):
            verify_receipt(receipt, archive.signing.public)
        read_entries(archive)
        archive.catch_up()
        query = Query(filters={"type": "vanvault.site.health"}, order="oldest")
        states = [orjson.loads(item["detail"])["to"] for item in archive.search.page(query).items]
        assert states[-3:] == ["out", "catching-up", "healthy"]
    for file in (home / "cache").glob("hot-tail*"):
        file.unlink()
    with Archive.open(home) as archive:  # another node, which never saw any of it
        archive.catch_up()
        for receipt in later.values():
            assert archive.receipts.of(receipt["id"]) == receipt


def test_a_gateway_that_was_refused_reads_no_degraded_receipt(tmp_path: Path) -> None:
    """It waits for every site: asking for the receipt is answered as sending the push again is."""
    home = tmp_path / "home"
    token = init_home(home)
    strict_token = Gateways(home).add("strict", SystemEntropy(), SystemClock(), policy="all").secret
    folder, aside = home / "sites" / "standby", tmp_path / "aside"
    settings = {
        "SITES__POLICY": "any",
        **QUICK,
        "HEALTH__CHECK_INTERVAL_S": "3",
    }  # a push meets the failure first
    with (
        Server(home, settings=settings) as server,
        server.wait_ready().client(token) as client,
        server.client(strict_token) as strict,
    ):
        folder.rename(aside)
        problem = check_problem(push(strict, "strict", b"<strict/>"), 503, "site-unavailable")
        assert (problem["site"], problem["may_be_stored"]) == ("standby", True)
        loose = push(client, "loose", b"<loose/>").json()
        assert receipt_of(client, loose["id"]) == loose
        assert loose["degraded"] is True
        found = strict.get("/v1/search", params={"message_id": "strict"}).json()["items"]
        assert len(found) == 1
        path = f"/v1/receipts/{found[0]['id']}"
        for answer in (strict.get(path), push(strict, "strict", b"<strict/>")):
            problem = check_problem(answer, 503, "site-unavailable")
            assert (problem["site"], problem["may_be_stored"]) == ("standby", True)
        check_problem(client.get(path), 404, "not-found")
        aside.rename(folder)
        wait_for(lambda: strict.get(path).status_code == 200)
        receipt = receipt_of(strict, found[0]["id"])
        assert (receipt["policy"], holders(receipt)) == ("all", set(SITES))
        assert push(strict, "strict", b"<strict/>").json() == receipt
        assert server.stop() == 0


def test_a_node_that_may_fall_back_takes_messages_while_a_site_is_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    folder, aside = home / "sites" / "standby", tmp_path / "aside"
    settings = {"SITES__FALL_BACK": "true", **QUICK}
    with Server(home, settings=settings) as server, server.wait_ready().client(token) as client:
        folder.rename(aside)
        wait_for(lambda: state(client, "standby")["state"] == "out")
        # A commit that met the failure may be under way yet; whoever asks then is told to ask again.
        wait_for(lambda: push(client, "m-1", b"<one/>").status_code in (200, 201))
        receipt = push(client, "m-1", b"<one/>").json()
        assert receipt["degraded"] is True
        aside.rename(folder)
        wait_for(lambda: "degraded" not in receipt_of(client, receipt["id"]))
        assert server.stop() == 0


def test_all_refuses_clearly_and_says_so_at_readiness(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    folder, aside = home / "sites" / "standby", tmp_path / "aside"
    with Server(home, settings=QUICK) as server, server.wait_ready().client(token) as client:
        folder.rename(aside)
        wait_for(lambda: state(client, "standby")["state"] == "out")
        ready = check_problem(client.get("/v1/health/ready"), 503, "site-unavailable")
        assert ready["site"] == "standby"
        # A commit that met the failure may be under way yet; after that, nothing is written any more.
        new = count()
        wait_for(lambda: push(client, f"m-{next(new)}", b"<one/>").json()["may_be_stored"] is False)
        check_problem(push(client, "m-refused", b"<one/>"), 503, "site-unavailable")
        aside.rename(folder)
        wait_for(lambda: client.get("/v1/health/ready").status_code == 200)
        assert push(client, "m-refused", b"<one/>").status_code == 201
        wait_for(lambda: state(client, "standby")["state"] == "healthy")
        assert server.stop() == 0


def test_an_outage_in_which_the_node_is_killed_is_on_record(tmp_path: Path) -> None:
    """Under ``all`` nothing can be archived while a site is out: who saw it must not be all that knows."""
    home = tmp_path / "home"
    init_home(home)
    folder, aside = home / "sites" / "standby", tmp_path / "aside"
    kept = home / "cache" / "health"
    with Server(home, settings=QUICK) as server:
        server.wait_ready()
        folder.rename(aside)
        wait_for(lambda: any(b'"out"' in path.read_bytes() for path in kept.glob("*.json")))
        server.kill()
    aside.rename(folder)
    with Server(home, settings=QUICK) as server:
        server.wait_ready()
        wait_for(lambda: not any(kept.iterdir()))
        assert server.stop() == 0
    with Archive.open(home) as archive:
        archive.catch_up()
        query = Query(filters={"type": "vanvault.site.health"}, order="oldest")
        states = [orjson.loads(item["detail"])["to"] for item in archive.search.page(query).items]
        assert states[:2] == ["suspect", "out"]
