"""The main job, whole: messages in from many clients, found, proved, a site lost and rebuilt."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.support.command import vanvault
from tests.support.server import Server, push, push_until_accepted
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.sample import generate

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
CLIENTS = 16


def originals() -> dict[str, bytes]:
    """Real documents where they are at hand, else invented ones; by message id."""
    files = sorted(path for path in CORPUS.glob("*/**/*") if path.is_file())
    if files:
        return {str(path.relative_to(CORPUS)): path.read_bytes() for path in files if path.stat().st_size}
    return {
        message.message_id: message.body
        for transaction in generate(60, 7, start=datetime(2026, 11, 22, tzinfo=UTC))
        for message in transaction.messages
    }


def at_once(server: Server, token: str, work: list[tuple[str, bytes]]) -> dict[str, httpx.Response]:
    """Push from CLIENTS clients, each with a connection of its own; the answers by message id."""

    def one_client(number: int) -> list[tuple[str, httpx.Response]]:
        with server.client(token) as client:
            return [
                (message_id, push(client, message_id, body)) for message_id, body in work[number::CLIENTS]
            ]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return dict(answer for answers in pool.map(one_client, range(CLIENTS)) for answer in answers)


def check_reading(
    client: httpx.Client, bodies: dict[str, bytes], receipts: dict[str, dict[str, object]]
) -> None:
    """Every original comes back identical and is found by its digest."""
    for message_id, body in bodies.items():
        receipt = receipts[message_id]
        assert client.get(f"/v1/messages/{receipt['id']}/original").content == body
        digest = hashlib.sha256(body).hexdigest()
        found = client.get("/v1/search", params={"sha256": digest, "limit": 1000}).json()["items"]
        assert receipt["id"] in {item["id"] for item in found}


def test_the_main_job(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = vanvault(home, "init")["token"]
    bodies = originals()
    with Server(home) as server, server.wait_ready().client(token) as client:
        answers = at_once(server, token, list(bodies.items()))
        assert {answer.status_code for answer in answers.values()} == {201}
        receipts = {message_id: answer.json() for message_id, answer in answers.items()}
        check_reading(client, bodies, receipts)

        report = vanvault(home, "verify")
        assert report["whole"]
        assert report["messages"] == len(bodies)

        shutil.rmtree(home / "sites" / "primary")
        vanvault(home, "verify", exit_code=ExitCode.CHECK_FAILED)
        vanvault(home, "restore", "--from", "standby")
        assert vanvault(home, "verify")["whole"]

        check_reading(client, bodies, receipts)
        again = at_once(server, token, list(bodies.items()))
        assert all(again[message_id].json() == receipts[message_id] for message_id in bodies)
        assert push_until_accepted(client, "after the restore", b"<new/>").status_code == 201
        assert server.stop() == 0
    assert vanvault(home, "verify")["messages"] == len(bodies) + 1


def test_a_stop_under_load_loses_nothing(tmp_path: Path) -> None:
    """SIGTERM while clients push: what was answered with a receipt is there, nothing is half done."""
    home = tmp_path / "home"
    token = init_home(home)
    receipts: dict[str, dict[str, object]] = {}
    lock, enough = threading.Lock(), threading.Event()

    def one_client(number: int) -> None:
        with server.client(token) as client:
            for count in range(10_000):
                message_id = f"{number}-{count}"
                try:
                    answer = push(client, message_id, message_id.encode())
                except httpx.TransportError:
                    return
                if answer.status_code != 201:
                    assert answer.status_code == 503
                    return
                with lock:
                    receipts[message_id] = answer.json()
                    if len(receipts) == 200:
                        enough.set()

    with Server(home) as server, ThreadPoolExecutor(CLIENTS) as pool:
        server.wait_ready()
        clients = [pool.submit(one_client, number) for number in range(CLIENTS)]
        assert enough.wait(60)
        assert server.stop() == 0
        for client in clients:
            client.result()
    report = vanvault(home, "verify")
    assert report["whole"]
    with Server(home) as server, server.wait_ready().client(token) as reader:
        for message_id, receipt in receipts.items():
            answer = push(reader, message_id, message_id.encode())
            assert (answer.status_code, answer.json()) == (200, receipt)
        assert server.stop() == 0
