"""A drill on real S3 sites: the primary is rebuilt from MinIO, and MinIO was only read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.s3.homes import make_home
from tests.servers.endpoint import Endpoint
from tests.support.archives import event, message
from tests.support.command import run_cli


def test_primary_lost_on_minio(
    minio_a: Endpoint, minio_b: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, {"primary": minio_a, "standby": minio_b}, monkeypatch)
    with home.archive() as archive:
        now = archive.clock.now()
        writer, _ = archive.open_writer()
        for number in range(6):
            received = int(now.timestamp() * 1e6) + number
            body = b"<dossier>%d</dossier>" % number
            writer.commit([message(f"m-{number}", body, received_us=received), event(f"e-{number}")])
        writer.commit([archive.system_event("writer.closed", {})], final=True)
        writer.close()
        listed = {site: list(found.list()) for site, found in archive.sites.items()}
    environment = {name: value for name, value in os.environ.items() if name.startswith("VANVAULT_")}
    result = run_cli(home.path, "drill", "run", "primary-lost", "--json", env=environment)
    assert result.exit_code == 0, result.stdout + result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert (summary["passed"], summary["rpo_messages"], summary["archived"]) == (True, 0, True)
    shown = run_cli(home.path, "drill", "show", summary["id"], "--verify", "--json", env=environment)
    report = json.loads(shown.stdout)["report"]
    (untouched,) = [one for one in report["checks"] if one["name"] == "production was not touched"]
    versions = sum(map(len, listed.values()))
    assert untouched["detail"].startswith(f"{versions} versions as before, 0 new and 0 extended")
    with home.archive() as archive:  # what is new there is the record of the drill, and nothing is gone
        for site, before in listed.items():
            after = {(one.key, one.version): one for one in archive.sites[site].list()}
            assert all(after[one.key, one.version] == one for one in before)
