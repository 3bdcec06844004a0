"""Bytes that rotted on the disks of real MinIO servers: 503 for the object, and all others are served."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.s3.homes import make_home
from tests.servers.minio import MinioServer
from tests.support.archives import Node, message
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.recovery.verify import verify_archive

#: Larger than what MinIO keeps beside its own notes of an object, also when compressed: only these bytes rot.
BODY = hashlib.shake_128(b"a scanned page").digest(600_000)


def rot(server: MinioServer, bucket: str, key: str) -> None:
    """Flip a bit in the middle of every part of an object."""
    parts = list((server.drive / bucket / key).rglob("part.*"))
    assert parts
    for path in parts:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def test_an_object_that_rotted_at_both_sites_stops_no_start(
    minio_server_a: MinioServer, minio_server_b: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = {"primary": minio_server_a, "standby": minio_server_b}
    endpoints = {name: server.endpoint for name, server in servers.items()}
    home = make_home(tmp_path, endpoints, monkeypatch)
    with home.archive() as archive, Node(archive) as node:
        node.wait_ready()
        rotted = str(node.push(message("m-1", BODY))["object"])
        node.push(message("m-2", b"<x/>"))
    for name, server in servers.items():
        rot(server, home.insiders[name].bucket, rotted)
    for file in (home.path / "cache").glob("hot-tail*"):
        file.unlink()
    with home.archive() as archive:
        with pytest.raises(SiteUnavailable):
            archive.sites["primary"].get(rotted)
        assert archive.catch_up(settle=True).unreadable == (rotted,)
        with Node(archive) as node:
            node.wait_ready()
            node.push(message("m-3", b"<y/>"))
        ids = {item["message_id"] for item in archive.search.page(Query({"entry": "message"})).items}
        assert ids == {"m-2", "m-3"}
        damaged = {(one.problem, one.key) for one in verify_archive(archive).findings if one.failing}
        assert damaged == {("damaged", rotted)}
