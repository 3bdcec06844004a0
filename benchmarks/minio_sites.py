"""Two real MinIO servers as sites; the plain way is one locked boto3 PUT of each message to both.

The servers are those of the tests, started in the same way (``tests/servers/minio.py``).
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commands import Finished, run
from common import Original, Stored, allocated, cpu_s
from tests.servers.minio import MinioServer
from tests.servers.processes import ServerUnavailable

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.settings import SITE_NAMES
from vanvault.archiver.stores.verdict import override_detail, override_event

BUCKET = "archive"
_YEARS = timedelta(days=3653)


@contextmanager
def minio(folder: Path) -> Iterator[MinioServer]:
    """A MinIO on an empty drive below ``folder``, until the block ends."""
    try:
        server = MinioServer(folder)
    except ServerUnavailable as error:
        raise SystemExit(f"MinIO cannot be had: {error}") from error
    try:
        _wait_initialized(server)
        yield server
    finally:
        server.stop()


@contextmanager
def empty_server(folder: Path) -> Iterator[MinioServer]:
    """A MinIO on an empty drive, in a folder of its own below ``folder``, which goes with it."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        with minio(place / "target") as target:
            yield target
    finally:
        shutil.rmtree(place)


def restic(server: MinioServer, folder: Path, *verb: str, cwd: Path | None = None) -> Finished:
    """One restic command on the repository at this server; ``folder``: for its cache."""
    variables = {
        "AWS_ACCESS_KEY_ID": server.endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": server.endpoint.secret_key,
        "RESTIC_REPOSITORY": f"s3:{server.endpoint.url}/restic",
        "RESTIC_PASSWORD": "benchmark",
        "RESTIC_CACHE_DIR": str(folder / "restic-cache"),
    }
    return run(["restic", *verb, "--quiet"], variables, cwd=cwd)


def _wait_initialized(server: MinioServer) -> None:
    """A MinIO on a busy machine says that it is ready before it takes buckets."""
    client = server.endpoint.client()
    for _ in range(100):
        with suppress(client.exceptions.ClientError):
            client.list_buckets()
            return
        time.sleep(0.1)
    raise SystemExit("MinIO says that it is ready, and takes no requests")


def server_cpu_s(server: MinioServer) -> float:
    """CPU seconds of a server so far."""
    return sum(cpu_s(process.pid) for process in server.processes.running)


def give_credentials(server: MinioServer, site: str) -> None:
    """Set the environment of this process, and of those it starts, for VanVault's site."""
    os.environ[f"VANVAULT_{site.upper()}_ACCESS_KEY"] = server.endpoint.access_key
    os.environ[f"VANVAULT_{site.upper()}_SECRET_KEY"] = server.endpoint.secret_key


def trust_unprobed(home: Path) -> None:
    """Put on record that intake shall take both sites without a probe, which is no part of a benchmark."""
    with Archive.open(home) as archive:
        until = archive.clock.now() + timedelta(days=1)
        for site in SITE_NAMES:
            detail = override_detail(site, "benchmark", "benchmark", until)
            archive.record(override_event(site), detail)


@dataclass(frozen=True, slots=True)
class MinioSites:
    """``Sites`` on two running servers."""

    folder: Path
    servers: Sequence[MinioServer]

    def init(self, home: Path) -> str:
        for name, server in zip(SITE_NAMES, self.servers, strict=True):
            give_credentials(server, name)
        primary, standby = (server.endpoint.site_url(BUCKET) for server in self.servers)
        token = init_home(home, primary=primary, standby=standby)
        trust_unprobed(home)
        return token

    def cpu_s(self) -> float:
        return sum(server_cpu_s(server) for server in self.servers)

    def stored(self) -> Stored:
        pages = (
            self.servers[0].endpoint.client().get_paginator("list_object_versions").paginate(Bucket=BUCKET)
        )
        sizes = [line["Size"] for page in pages for line in page.get("Versions", [])]
        return Stored(len(sizes), sum(sizes), allocated(drive(self.folder, SITE_NAMES[0]) / BUCKET))

    @contextmanager
    def plainly(self) -> Iterator[Callable[[Original], None]]:
        bucket = "plain"
        clients = [server.endpoint.client() for server in self.servers]
        for client in clients:
            with suppress(client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        until = datetime.now(UTC).replace(microsecond=0) + _YEARS

        def store(original: Original) -> None:
            md5 = base64.b64encode(hashlib.md5(original.body, usedforsecurity=False).digest()).decode()
            for client in clients:
                client.put_object(
                    Bucket=bucket,
                    Key=original.message_id,
                    Body=original.body,
                    ContentMD5=md5,
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=until,
                )

        yield store
        for client in clients:
            client.close()


def drive(folder: Path, name: str) -> Path:
    """Where the server that was started in ``folder``/``name`` keeps its data."""
    return folder / name / "drive"


@contextmanager
def minio_sites(folder: Path) -> Iterator[MinioSites]:
    """Two servers that know nothing of each other."""
    with ExitStack() as stack:
        servers = [stack.enter_context(minio(folder / name)) for name in SITE_NAMES]
        yield MinioSites(folder, servers)
