"""Two nodes of one archive: the same answers from both within a second, and a restart that nobody notices."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.balancer import RoundRobin
from tests.support.command import vanvault
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, init_home

COMMAND = ("-c", "import sys; from vanvault.cli.main import main; main()")


@dataclass
class Pair:
    """Two homes (which may be one) of one archive, and the token of its gateway."""

    homes: tuple[Path, Path]
    token: str

    def server(self, number: int) -> Server:
        home = str(self.homes[number])
        return Server(
            self.homes[number],
            program=(*COMMAND, "--home", home, "serve", "--port", "{port}", "--grace", "0.3"),
        )

    @contextmanager
    def running(self) -> Iterator[tuple[Server, Server]]:
        with ExitStack() as stack:
            servers = [stack.enter_context(self.server(number)) for number in (0, 1)]
            yield servers[0].wait_ready(), servers[1].wait_ready()
            for server in servers:
                assert server.stop() == 0

    def messages(self) -> dict[str, bytes]:
        """What lies at both sites, each message once, every chain whole."""
        with Archive.open(self.homes[0]) as archive:
            return {key[2]: data for key, data in read_entries(archive).items() if key[1] == "gateway-1"}


@pytest.fixture(params=["one home", "two homes"])
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Pair:
    first, second = tmp_path / "first" / "home", tmp_path / "second" / "home"
    first.parent.mkdir()
    token = init_home(first, primary=f"file:{tmp_path / 'primary'}", standby=f"file:{tmp_path / 'standby'}")
    if request.param == "one home":
        return Pair((first, first), token)
    shutil.copytree(first, second)  # keys, settings, gateways: what a second node is given
    return Pair((first, second), token)


def test_an_id_gets_the_same_answer_from_both_within_a_second(pair: Pair) -> None:
    with pair.running() as (one, two), one.client(pair.token) as a, two.client(pair.token) as b:
        for number, (here, there) in enumerate([(a, b), (b, a), (a, b)]):
            receipt = push(here, f"m-{number}", b"<m/>").json()
            time.sleep(1)
            again = push(there, f"m-{number}", b"<m/>")
            assert (again.status_code, again.json()) == (200, receipt)
            assert push(there, f"m-{number}", b"<other/>").status_code == 409
            found = there.get("/v1/search", params={"message_id": f"m-{number}"}).json()["items"]
            assert [item["id"] for item in found] == [receipt["id"]]
    assert pair.messages() == {f"m-{number}": b"<m/>" for number in range(3)}


def test_an_unknown_id_is_looked_for_before_it_is_denied(pair: Pair) -> None:
    with pair.running() as (one, two), one.client(pair.token) as a, two.client(pair.token) as b:
        for number in range(5):
            receipt = push(a, f"m-{number}", b"<m/>").json()
            assert b.get(f"/v1/messages/{receipt['id']}/original").content == b"<m/>"
            assert b.get(f"/v1/receipts/{receipt['id']}").json() == receipt
        assert b.get(f"/v1/messages/{receipt['id'][:-1]}9").status_code == 404


def test_a_rolling_restart_loses_and_doubles_nothing(pair: Pair) -> None:
    bodies: dict[str, bytes] = {}
    statuses: list[int] = []
    numbers, enough = itertools.count(), threading.Event()
    with ExitStack() as stack:
        one = stack.enter_context(pair.server(0)).wait_ready()
        two = stack.enter_context(pair.server(1)).wait_ready()
        client = stack.enter_context(RoundRobin([one.url, two.url], pair.token))

        def push_on() -> None:
            while not enough.wait(0.03):
                number = next(numbers)
                bodies[f"m-{number}"] = b"<m>%d</m>" % number
                statuses.append(client.push(f"m-{number}", bodies[f"m-{number}"]).status_code)

        with ThreadPoolExecutor(4) as pool:
            pushing = [pool.submit(push_on) for _ in range(4)]
            try:
                wait_for(lambda: len(statuses) > 60, "pushes before the restart")
                assert one.stop() == 0  # while the others push
                back = stack.enter_context(pair.server(0)).wait_ready()  # and starts again while they do
                goal = len(statuses) + 60
                wait_for(lambda: len(statuses) > goal, "pushes after the restart")
            finally:
                enough.set()
            for one_client in pushing:
                one_client.result()
        assert statuses == [201] * len(bodies)  # a 200 would mean: sent twice
        assert client.repeats > 0
        time.sleep(1)
        with back.client(pair.token) as a, two.client(pair.token) as b:
            for message_id, body in list(bodies.items())[::20]:
                first, second = push(a, message_id, body), push(b, message_id, body)
                assert (first.status_code, second.status_code) == (200, 200)
                assert first.json() == second.json()
        assert (back.stop(), two.stop()) == (0, 0)
    assert pair.messages() == bodies
    vanvault(pair.homes[0], "verify")
