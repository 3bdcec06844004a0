"""A repository in a bucket of a real MinIO, and a network between that breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.backup.kit import Kit, write_settings
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.lab import Lab
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.recovery.backup.check import check_backup, list_backups


@pytest.fixture
def proxy(minio_a: Endpoint) -> Iterator[FaultProxy]:
    with fault_proxy(minio_a.url) as running:
        yield running


@pytest.fixture
def s3_kit(
    lab: Lab, tmp_path: Path, minio_a: Endpoint, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> Kit:
    bucket = f"third-{os.urandom(6).hex()}"
    minio_a.client().create_bucket(Bucket=bucket)
    write_settings(lab.home, f"s3:{proxy.url}/{bucket}")
    secret = tmp_path / "secret"
    secret.write_text(minio_a.secret_key + "\n")
    monkeypatch.setenv("VANVAULT_BACKUP_REPOSITORY_ACCESS_KEY", minio_a.access_key)
    monkeypatch.setenv("VANVAULT_BACKUP_REPOSITORY_SECRET_KEY_FILE", str(secret))
    kit = Kit(lab, Path())
    with kit.open() as (_, repository):
        repository.init()
    return kit


def test_a_network_that_breaks_and_heals(s3_kit: Kit, proxy: FaultProxy) -> None:
    proxy.script(Fault.RESET_BEFORE, method="PUT", path="/data/", times=1)
    proxy.script(Fault.RESET_AFTER, method="PUT", path="/data/", skip=1, times=1)
    proxy.script(Fault.ERROR_500, method="PUT", path="/index/", times=1)
    assert s3_kit.run().whole
    assert {seen.fault for seen in proxy.seen} >= {Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.ERROR_500}
    before = s3_kit.objects("standby")
    s3_kit.lose_sites()
    proxy.script(Fault.TRUNCATE, method="GET", path="/data/", times=1)
    proxy.script(Fault.RESET_BEFORE, method="GET", path="/data/", skip=1, times=1)
    assert s3_kit.load("primary").whole
    assert s3_kit.objects("primary") == before
    with s3_kit.open() as (archive, repository):
        assert check_backup(archive, repository, read_percent=100).whole


def test_a_wrong_secret(s3_kit: Kit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not-the-secret-key\n")
    with pytest.raises(SiteUnavailable) as caught:
        s3_kit.run()
    assert "not-the-secret-key" not in caught.value.message
    monkeypatch.delenv("VANVAULT_BACKUP_REPOSITORY_ACCESS_KEY")
    with pytest.raises(SettingsError, match="ACCESS_KEY is missing"):
        s3_kit.run()


def test_a_network_that_is_cut(s3_kit: Kit, proxy: FaultProxy) -> None:
    s3_kit.set("repository", '"s3:http://127.0.0.1:1/bucket"')
    with pytest.raises(SiteUnavailable):
        s3_kit.run()
    assert not (s3_kit.home / "cache" / "backup" / "objects").exists()


def test_objects_of_an_s3_site_are_staged_and_come_back(s3_kit: Kit) -> None:
    assert s3_kit.run().whole
    with s3_kit.open() as (_, repository):
        (found,) = list_backups(repository)
    assert found.objects == len(s3_kit.objects("standby"))
