"""Attacks over real sockets, each with good pushes of another gateway beside it.

Nothing here asks how long a push takes: ``benchmarks/network_attacks.py`` measures that.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from tests.api.conftest import check_problem
from tests.support.attacks import (
    HALF_HEAD,
    connect,
    half_open,
    huge_header,
    push_head,
    push_until_taken,
    read_all,
    silent,
    trickled,
    unread,
)
from tests.support.server import Server, push, push_until_accepted
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.journal.availability.events import STATE
from vanvault.archiver.people import Gateways

FILES = 1_024
_PROGRAM = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])));"
    "sys.argv[1:] = sys.argv[3:]; from vanvault.cli.main import run; run()"
)
GOOD = b"<good/>"


@dataclass(frozen=True)
class Attacked:
    """A running node, the hostile gateway's token and those of two good ones."""

    server: Server
    home: Path
    hostile: str
    good: str
    third: str

    def ready(self) -> httpx.Response:
        """As a load balancer asks, without a token."""
        return httpx.get(f"{self.server.url}/v1/health/ready", timeout=60, trust_env=False)

    def metric(self, line: str) -> float:
        """The value of one line of the metrics."""
        text = httpx.get(f"{self.server.url}/metrics", timeout=60, trust_env=False).text
        (found,) = re.findall(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found)

    def pushes_are_taken(self, name: str, count: int = 5) -> None:
        """By another gateway, each on a new connection, beside whatever goes on."""
        for number in range(count):
            taken = push_until_taken(self.server.port, self.good, f"{name}-{number}", GOOD)
            assert taken, f"{name}: no push is accepted"
        assert self.ready().status_code == 200


@contextmanager
def attacked(home: Path, settings: Mapping[str, str], *, soft: int, hard: int) -> Iterator[Attacked]:
    hostile = init_home(home)
    good, third = (
        Gateways(home).add(name, SystemEntropy(), SystemClock()).secret for name in ("good", "third")
    )
    program = ("-c", _PROGRAM, str(soft), str(hard), "--home", str(home), "serve", "--port", "{port}")
    with Server(home, settings={"METRICS__PUBLIC": "true", **settings}, program=program) as server:
        yield Attacked(server.wait_ready(), home, hostile, good, third)
        assert server.stop() == 0
        log = server.log.read_text()
        assert "escrow" not in log
        assert "key-unavailable" not in log


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A node that may never open more than 1,024 files."""
    settings = {"INTAKE__MEMORY_BYTES": str(128 * 2**20)}
    with attacked(tmp_path_factory.mktemp("few") / "home", settings, soft=FILES, hard=FILES) as found:
        yield found


def test_half_open_requests(node: Attacked) -> None:
    """More than there may be connections; those that are ended come again at once."""
    with half_open(node.server.port, 4_100) as crowd:
        node.pushes_are_taken("half-open")
        assert crowd.opened >= 4_100
        wait_for(lambda: len(crowd.answers) > 100, "connections of the crowd are ended")
    for answer in crowd.answers[:100]:
        top, _, body = answer.partition(b"\r\n\r\n")
        assert top.split()[1] in (b"503", b"408")
        assert b"retry-after: 1" in top
        assert b"connection: close" in top
        problem = json.loads(body)
        assert problem["detail"] and problem["hint"] and problem["instance"]
    assert node.metric('vanvault_limit_reached_total{limit="address"}') + node.metric(
        'vanvault_limit_reached_total{limit="strangers"}'
    )
    node.pushes_are_taken("after half-open")


def test_silent_connections(node: Attacked) -> None:
    """More than the process may have files."""
    with silent(node.server.port, 1_100):
        node.pushes_are_taken("silent")
        assert node.metric("vanvault_connections_limit") == FILES // 2
        # Some of them have been told to end and are not gone yet.
        assert node.metric('vanvault_connections{of="stranger"}') <= FILES // 2 + 64
        assert node.metric("process_open_fds") < FILES
        assert node.metric('vanvault_limit_reached_total{limit="files"}') == 0


def test_callers_that_do_not_read(node: Attacked) -> None:
    """More of them than there may be connections, each with answers under way."""
    with unread(node.server.port, 600):
        node.pushes_are_taken("unread")
    assert node.metric('vanvault_limit_reached_total{limit="strangers"}')


def test_one_header_of_100_mib(node: Attacked) -> None:
    before = node.metric('vanvault_limit_reached_total{limit="headers-too-large"}')
    answer = huge_header(node.server.port)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert node.metric('vanvault_limit_reached_total{limit="headers-too-large"}') == before + 1
    node.pushes_are_taken("after a header")


@pytest.mark.parametrize("first", [0, 5 * 2**20], ids=["from-the-first-byte", "after-5-mib"])
def test_trickled_bodies_of_one_gateway(node: Attacked, first: int) -> None:
    """Sixteen of them announce, or send, more than the memory for all; other gateways have their quotas."""
    with trickled(node.server.port, node.hostile, size=60 * 2**20, first=first):
        if first:
            wait_for(lambda: node.metric("vanvault_inflight_bytes") > 48 * 2**20, "bodies fill the memory")
        node.pushes_are_taken(f"trickled-{first}")
        with node.server.client(node.good) as client:
            assert push(client, f"large-{first}", bytes(2 * 2**20)).status_code == 201
        assert node.metric('vanvault_saturated{limit="bytes"}') == 0


def test_the_soft_limit_on_files_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    with attacked(tmp_path / "home", {"HTTP__CONNECTIONS": "1000"}, soft=256, hard=4_096) as node:
        assert node.metric("process_max_fds") == 4_096
        assert node.metric("vanvault_connections_limit") == 1_000


SMALL = {
    "INTAKE__MEMORY_BYTES": str(8 * 2**20),
    "INTAKE__MAX_MESSAGE_BYTES": str(2**20),
    "INTAKE__MAX_REQUEST_BYTES": str(2**20),
    "INTAKE__BODY_TIMEOUT_S": "300",
    "HTTP__BODY_BYTES_PER_S": "0",
}


def test_a_node_without_room_says_so_and_keeps_a_part_for_each_gateway(tmp_path: Path) -> None:
    """Two gateways take all that is common: small pushes of a third pass, and three places tell of it."""
    with attacked(tmp_path / "home", SMALL, soft=FILES, hard=FILES) as node, contextlib.ExitStack() as stack:
        assert node.metric('vanvault_saturated{limit="bytes"}') == 0
        for token in (node.hostile, node.third):
            for number in range(10):
                connection = stack.enter_context(connect(node.server.port))
                with contextlib.suppress(ConnectionError):
                    connection.sendall(push_head(token, f"held-{number}", Content_Length=str(2**20)))
                    connection.sendall(bytes(2**20 - 1))
        client = stack.enter_context(node.server.client(node.good))

        def refused() -> bool:
            return push(client, "large", bytes(2**20)).status_code == 503

        wait_for(refused, "a large push finds no room")
        check_problem(push(client, "large", bytes(2**20)), 503, "busy")
        assert push(client, "small", GOOD).status_code in (200, 201)
        ready = client.get("/v1/health/ready")
        assert (ready.status_code, ready.json()["state"]) == (200, "saturated")
        assert any("intake.memory_bytes" in note for note in ready.json()["notes"])
        assert node.ready().json()["notes"] == []  # a stranger is told the state alone
        assert node.metric('vanvault_saturated{limit="bytes"}') == 1
        assert node.metric('vanvault_node_state{state="saturated"}') == 1
        assert node.metric('vanvault_limit_reached_total{limit="bytes"}') >= 2
        time.sleep(2.5)  # the ledger ticks once a second
    with Archive.open(tmp_path / "home") as archive:
        archive.catch_up()
        page = archive.search.page(Query({"type": f"vanvault.{STATE}"}, order="oldest"))
        told = [orjson.loads(line["detail"]) for line in page.items]
    assert [mark["level"] for mark in told if mark.get("why") == "saturated"] == ["degraded"]


def test_limits_of_one_gateway_are_its_own(tmp_path: Path) -> None:
    """Connections and requests; another gateway has others, and is not touched."""
    home = tmp_path / "home"
    settings = {**SMALL, "LIMITS__CONNECTIONS": "3", "LIMITS__GATEWAYS": '{"good": {"connections": 50}}'}
    with attacked(home, settings, soft=FILES, hard=FILES) as node, contextlib.ExitStack() as stack:
        for number in range(3):
            connection = stack.enter_context(connect(node.server.port))
            connection.sendall(push_head(node.hostile, f"held-{number}", Content_Length="4") + b"<a/")
        wait_for(lambda: node.metric('vanvault_connections{of="caller"}') == 3, "the gateway has its three")
        with node.server.client(node.hostile) as fourth:
            problem = check_problem(push(fourth, "fourth", GOOD), 503, "busy")
        assert "connections" in problem["detail"]
        assert node.metric('vanvault_limit_reached_total{limit="gateway-connections"}') == 1
        for number in range(10):
            client = stack.enter_context(node.server.client(node.good))
            assert push(client, f"good-{number}", GOOD).status_code == 201
        assert node.metric('vanvault_connections{of="caller"}') == 13


def refused_at_its_limit(port: int, pid: int) -> bool:
    """Is a stranger refused while the node may open no file more than it has open now?

    Now and then it closes one just then, and the stranger is served as anybody else.
    """
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), FILES))
    with connect(port) as stranger:
        stranger.sendall(HALF_HEAD)
        answer = read_all(stranger)
    return answer == b"" or answer.startswith(b"HTTP/1.1 503 ")


def test_no_file_left_is_told_as_that(tmp_path: Path) -> None:
    """To pushes, to new connections, by readiness and in the log; no key and no site is blamed."""
    with attacked(tmp_path / "home", {}, soft=FILES, hard=FILES) as node:
        pid = node.server.process.pid
        with node.server.client(node.good) as client:
            assert push(client, "before", GOOD).status_code == 201
            few = len(os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, FILES))
            problem = push(client, "meanwhile", GOOD)
            assert problem.status_code == 503
            assert problem.headers["retry-after"]
            assert "key" not in problem.json()["type"]
            assert "site" not in problem.json()["type"]
            assert "limit" in problem.json()["detail"]
            assert any(refused_at_its_limit(node.server.port, pid) for _ in range(5))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
            assert push_until_accepted(client, "meanwhile", GOOD).status_code in (200, 201)
        assert node.ready().json()["state"] == "saturated"
        assert node.metric('vanvault_limit_reached_total{limit="files"}') >= 1
        assert "the machine's limit is reached" in node.server.log.read_text()


def test_a_node_with_hardly_any_files_serves_and_blames_no_key(tmp_path: Path) -> None:
    with attacked(tmp_path / "home", {}, soft=256, hard=256) as node, silent(node.server.port, 300):
        node.pushes_are_taken("few files")
