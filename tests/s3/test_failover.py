"""A MinIO that freezes: it takes connections and never answers. Reads go on; a promotion opens intake."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.s3.homes import S3Home, make_home
from tests.servers.minio import MinioServer
from tests.support.command import vanvault
from tests.support.server import Server, push
from vanvault.archiver.core.evidence import holders

#: What a reader may have to wait: the patience of a read, and a machine that is busy.
READ_WITHIN_S = 20
INTAKE_WITHIN_S = 60


@pytest.fixture
def home(
    tmp_path: Path,
    minio_server_a: MinioServer,
    minio_server_b: MinioServer,
    monkeypatch: pytest.MonkeyPatch,
) -> S3Home:
    sites = {"primary": minio_server_a.endpoint, "standby": minio_server_b.endpoint}
    return make_home(tmp_path, sites, monkeypatch)


def reads(client: httpx.Client, entry_id: str) -> bool:
    found = client.get("/v1/search", params={"message_id": "before"}).json()["items"]
    original = client.get(f"/v1/messages/{entry_id}/original")
    receipt = client.get(f"/v1/receipts/{entry_id}")
    return bool(found) and original.content == b"<before/>" and receipt.status_code == 200


def wait_reads(client: httpx.Client, entry_id: str) -> None:
    until = time.monotonic() + READ_WITHIN_S
    while True:
        try:
            if reads(client, entry_id):
                return
        except httpx.TransportError:
            pass  # it is not listening yet
        assert time.monotonic() < until, "no answer"
        time.sleep(0.1)


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "started then"])
def test_a_primary_that_hangs(home: S3Home, minio_server_a: MinioServer, restarted: bool) -> None:
    server = Server(home.path)
    try:
        with server.wait_ready().client(home.token) as client:
            before = push(client, "before", b"<before/>").json()
        if restarted:
            assert server.stop() == 0
        minio_server_a.processes.freeze()
        if restarted:
            server = Server(home.path)
        with server.client(home.token) as client:
            wait_reads(client, before["id"])
            if restarted:
                assert push(client, "early", b"<early/>").status_code == 503
            vanvault(home.path, "failover", "promote", "--reason", "frozen", "--yes")
            until = time.monotonic() + INTAKE_WITHIN_S
            while (answer := push(client, "after", b"<after/>")).status_code == 503:
                assert time.monotonic() < until, answer.text
                time.sleep(0.2)
            assert holders(answer.json()) == {"standby"}
            wait_reads(client, before["id"])
    finally:
        minio_server_a.processes.thaw()
        server.kill()
