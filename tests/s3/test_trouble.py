"""A node whose store stops, dies or refuses it; a restore that is killed; a site that nobody has probed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.s3.homes import S3Home, make_home
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, FaultProxy
from tests.servers.minio import MinioServer
from tests.support.archives import GATEWAY, SITES, Node, message
from tests.support.command import vanvault
from tests.support.server import Server, push, push_until_accepted
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.evidence import verify_receipt

SETTINGS = {"CLOCK__CHECK_INTERVAL_S": "0.5"}
#: What a gateway may have to wait for a refusal: two tries to put and one look, each given up after 1 s.
REFUSED_WITHIN_S = 10
PATIENCE_S = 30
#: Objects that a restore brings to its target before it is killed.
PUT_BEFORE_KILL = 5


def body_of(message_id: str) -> bytes:
    return f"<dossier>{message_id}</dossier>".encode() * 20


@dataclass
class Pushing:
    """Clients that push new messages until they are told to stop, and what they were told."""

    server: Server
    token: str
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, clients: int = 4) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._one, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        return threads

    def _one(self, number: int) -> None:
        with self.server.client(self.token) as client:
            count = 0
            while not self.stop.is_set():
                message_id = f"{number}-{count}"
                answer = push(client, message_id, body_of(message_id))
                self.answers[message_id] = answer
                if answer.status_code != 201:
                    self.stop.wait(0.05)
                count += 1

    def wait_for(self, status: int, more: int) -> None:
        """Until so many more answers have this status."""
        goal = self.count(status) + more
        wait_for(lambda: self.count(status) >= goal, f"more answers of {status}")

    def count(self, status: int) -> int:
        return sum(answer.status_code == status for answer in list(self.answers.values()))


def check_after(home: S3Home, server: Server, answers: Mapping[str, httpx.Response]) -> None:
    """Retry everything: nothing acknowledged is lost, nothing is there twice, both sites are whole."""
    receipts: dict[str, dict[str, Any]] = {}
    with server.client(home.token) as client:
        for message_id, first in answers.items():
            again = push(client, message_id, body_of(message_id))
            assert again.status_code in (200, 201), again.text
            if first.status_code == 201:
                assert (again.status_code, again.json()) == (200, first.json())
            receipts[message_id] = again.json()
    assert server.stop() == 0
    with home.archive() as archive:
        entries = read_entries(archive)
        ours = {key[2]: data for key, data in entries.items() if key[1] == GATEWAY}
        assert ours == {message_id: body_of(message_id) for message_id in answers}
        for receipt in receipts.values():
            verify_receipt(receipt, archive.signing.public)
            for placement in receipt["placements"]:
                assert archive.sites[placement["site"]].stat(placement["key"], placement["version"])


Ailment = tuple[Callable[[MinioServer], None], Callable[[MinioServer], None]]
AILMENTS: dict[str, Ailment] = {
    "frozen": (lambda server: server.processes.freeze(), lambda server: server.processes.thaw()),
    "killed": (lambda server: server.stop(), lambda server: server.start()),
}


@pytest.mark.parametrize("ailment", AILMENTS)
def test_a_store_that_stops_under_load(
    ailment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minio_a: Endpoint,
    minio_server_b: MinioServer,
) -> None:
    """Refused soon, naming the site; accepted again by itself when the store is back."""
    sites = {"primary": minio_a, "standby": minio_server_b.endpoint}
    home = make_home(tmp_path, sites, monkeypatch, attempts=2, read_timeout_s=1, connect_timeout_s=1)
    harm, heal = AILMENTS[ailment]
    with Server(home.path, settings=SETTINGS) as server:
        server.wait_ready()
        pushing = Pushing(server, home.token)
        threads = pushing.run()
        try:
            pushing.wait_for(201, 20)
            harm(minio_server_b)
            try:
                pushing.wait_for(503, 8)
                acknowledged = pushing.count(201)
                pushing.wait_for(503, 8)
                assert pushing.count(201) == acknowledged, "acknowledged without a site"
            finally:
                heal(minio_server_b)
            pushing.wait_for(201, 20)
        finally:
            pushing.stop.set()
            for thread in threads:
                thread.join()
        refused = [answer for answer in pushing.answers.values() if answer.status_code != 201]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["site"] for answer in refused} == {"standby"}
        assert all("standby" in answer.json()["detail"] for answer in refused)
        assert all(answer.headers["Retry-After"] for answer in refused)
        assert max(answer.elapsed.total_seconds() for answer in refused) < REFUSED_WITHIN_S
        check_after(home, server, pushing.answers)


def test_credentials_that_end_are_said_and_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minio_pair: tuple[Endpoint, Endpoint]
) -> None:
    """The writer's secret is changed at the server first, and in the node's file a little later."""
    sites = dict(zip(SITES, minio_pair, strict=True))
    home = make_home(tmp_path, sites, monkeypatch, least_privilege=("primary",))
    access = home.secret_file("primary", "writer").with_suffix(".access").read_text().strip()
    with Server(home.path, settings=SETTINGS) as server:
        server.wait_ready()
        with server.client(home.token) as client:
            answers = {"before": push(client, "before", body_of("before"))}
            home.insiders["primary"].change_secret("primary", access, "renewed-secret-key")
            until = time.monotonic() + PATIENCE_S
            while True:
                refused = push(client, "meanwhile", body_of("meanwhile"))
                assert refused.status_code == 503
                assert refused.json()["site"] == "primary"
                if "credentials" in refused.json()["hint"]:
                    break  # MinIO may show no locks for a moment while it changes a user
                assert time.monotonic() < until, refused.text
            answers["meanwhile"] = refused
            home.secret_file("primary", "writer").write_text("renewed-secret-key\n")
            answers["after"] = push_until_accepted(client, "after", body_of("after"))
        check_after(home, server, answers)


def test_a_restore_that_is_killed_is_resumed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minio_pair: tuple[Endpoint, Endpoint],
    proxies: dict[str, FaultProxy],
) -> None:
    """kill -9 amid puts; the second run copies the rest, and nothing twice."""
    through = {"primary": proxies["primary"].url}
    sites = dict(zip(SITES, minio_pair, strict=True))
    home = make_home(tmp_path, sites, monkeypatch, through=through, page=4)
    with home.archive() as archive, Node(archive) as node:
        node.wait_ready()
        for number in range(12):
            node.push(message(f"m-{number}", body_of(str(number))))
        node.push(node.placed(message("large", body_of("large") * 100)))
    lost = home.insiders["primary"].bucket
    fresh = f"{lost}-new"
    settings = home.path / "vanvault.toml"
    settings.write_text(settings.read_text().replace(lost, fresh))
    primary = proxies["primary"]
    primary.clear()
    primary.script(Fault.HANG_BEFORE, method="PUT", path="/batch/", skip=PUT_BEFORE_KILL, times=100)
    command = [sys.executable, "-m", "vanvault.cli", "--home", str(home.path)]
    restore = subprocess.Popen([*command, "restore", "--from", "standby"], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: stored(primary) == PUT_BEFORE_KILL)
    finally:
        restore.send_signal(signal.SIGKILL)
        restore.wait()
    primary.clear()
    report = vanvault(home.path, "restore", "--from", "standby")
    assert report["whole"] is True
    assert report["verification"]["findings"] == []
    assert report["copied"]["objects"] == report["objects"] - PUT_BEFORE_KILL
    page = minio_pair[0].client().list_object_versions(Bucket=fresh)
    assert all(count == 1 for count in Counter(entry["Key"] for entry in page["Versions"]).values())


def stored(proxy: FaultProxy) -> int:
    """How many objects the store has taken through this proxy."""
    return sum(seen.method == "PUT" and "/batch/" in seen.path and seen.status == 200 for seen in proxy.seen)


def test_nothing_is_taken_until_the_site_was_probed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minio_a: Endpoint
) -> None:
    """A node that is up opens by itself once a probe is on record."""
    sites = {"primary": None, "standby": minio_a}
    home = make_home(tmp_path, sites, monkeypatch, trusted=False, least_privilege=("standby",))
    with Server(home.path, settings=SETTINGS) as server, server.client(home.token) as client:
        wait_for(lambda: is_live(client))
        refused = push(client, "early", body_of("early"))
        assert refused.status_code == 503
        wait_for(lambda: "never probed" in push(client, "early", body_of("early")).json()["detail"])
        assert "vanvault probe standby" in client.get("/v1/health/ready").json()["hint"]
        found = vanvault(home.path, "probe", "standby", exit_code=ExitCode.OK)
        assert (found["verdict"], found["archived"]) == ("pass", True)
        server.wait_ready()
        answers = {"early": push(client, "early", body_of("early"))}
        assert answers["early"].status_code == 201
        check_after(home, server, answers)


def is_live(client: httpx.Client) -> bool:
    try:
        return client.get("/v1/health/live").status_code == 200
    except httpx.TransportError:
        return False
