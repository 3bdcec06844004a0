"""Dask is used over TLS only: workers run code for nobody but who has a certificate of the cluster's CA."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from distributed import Client, Security
from distributed.core import connect

from tests.support.certificates import Authority, Issued
from tests.support.command import run_cli
from tests.support.dask_cluster import Scheduler, dask_cluster, dask_settings
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.settings import JobsSettings
from vanvault.archiver.home_files import load_settings
from vanvault.recovery.work.jobs import open_jobs


def mark(home: Path, name: str) -> str:
    (home / name).touch()
    return name


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def node(tmp_path: Path) -> Issued:
    return Authority(tmp_path / "certificates").issue("node")


def say(home: Path, **jobs: str) -> None:
    with (home / "vanvault.toml").open("a") as file:
        file.write("\n[jobs]\n" + "".join(f'{name} = "{value}"\n' for name, value in jobs.items()))


@pytest.mark.parametrize(
    "address",
    ["tcp://scheduler:8786", "scheduler:8786", "http://scheduler:8786", "TLS://scheduler:8786",
     "tls://", "tls://scheduler", "tls:scheduler:8786", "inproc://1.2.3.4/5/6", "ws://scheduler:8786",
     "wss://scheduler:8786", "ucx://scheduler:8786", " tls://scheduler:8786", "tls://a:1 tcp://b:2", ""],
)  # fmt: skip
def test_an_address_without_tls_is_refused(home: Path, address: str) -> None:
    say(home, dask=address, dask_ca="ca.pem", dask_certificate="node.pem", dask_key="node.key")
    with pytest.raises(SettingsError, match=r"jobs\.dask: .*write \"tls://HOST:PORT\""):
        load_settings(home)


def test_the_verb_says_the_field_and_what_to_write(home: Path) -> None:
    say(home, dask="tcp://127.0.0.1:8786")
    answer = run_cli(home, "verify", "--json")
    assert answer.exit_code == 6
    for part in ("jobs.dask", "tls://HOST:PORT", "master keys"):
        assert part in answer.output


@pytest.mark.parametrize("missing", ["dask_ca", "dask_certificate", "dask_key"])
def test_each_file_has_to_be_named(home: Path, missing: str) -> None:
    named = {"dask_ca": "ca.pem", "dask_certificate": "node.pem", "dask_key": "node.key"}
    del named[missing]
    say(home, dask="tls://scheduler:8786", **named)
    with pytest.raises(SettingsError, match=rf"jobs\.{missing}: .*PEM file"):
        load_settings(home)


@pytest.mark.parametrize("missing", ["authority", "certificate", "key"])
def test_each_file_has_to_be_there(tmp_path: Path, node: Issued, missing: str) -> None:
    settings = dask_settings("tls://127.0.0.1:1", replace(node, **{missing: tmp_path / "nothing.pem"}))
    field = "dask_ca" if missing == "authority" else f"dask_{missing}"
    with pytest.raises(SettingsError, match=rf"jobs\.{field}: .*nothing\.pem"), open_jobs(tmp_path, settings):
        pass


def test_paths_are_relative_to_the_home(home: Path, scheduler: Scheduler) -> None:
    for path, name in zip(
        (scheduler.node.authority, scheduler.node.certificate, scheduler.node.key),
        ("ca.pem", "node.pem", "node.key"),
        strict=True,
    ):
        shutil.copy(path, home / name)
    say(home, dask=scheduler.address, dask_ca="ca.pem", dask_certificate="node.pem", dask_key="node.key")
    with open_jobs(home, load_settings(home).jobs) as jobs:
        assert list(jobs.map(mark, ["ran"])) == ["ran"]


def test_a_key_that_others_may_read(tmp_path: Path, node: Issued) -> None:
    node.key.chmod(0o640)
    settings = dask_settings("tls://127.0.0.1:1", node)
    with pytest.raises(SettingsError, match=r"jobs\.dask_key"), open_jobs(tmp_path, settings):
        pass


def test_a_key_of_another_certificate(tmp_path: Path, node: Issued) -> None:
    other = Authority(tmp_path / "other").issue("other")
    settings = dask_settings("tls://127.0.0.1:1", replace(node, key=other.key))
    with pytest.raises(SettingsError, match=r"dask_key"), open_jobs(tmp_path, settings):
        pass


def test_a_key_with_a_password_does_not_wait_for_one(tmp_path: Path, node: Issued) -> None:
    key = serialization.load_pem_private_key(node.key.read_bytes(), None)
    node.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    settings = dask_settings("tls://127.0.0.1:1", node)
    with pytest.raises(SettingsError, match="password"), open_jobs(tmp_path, settings):
        pass


def test_a_scheduler_with_a_certificate_of_another_ca_gets_nothing(tmp_path: Path, node: Issued) -> None:
    with (
        dask_cluster(0, Authority(tmp_path / "stranger")) as stranger,
        pytest.raises(SiteUnavailable, match=r"certificate of jobs\.dask_ca"),
        open_jobs(tmp_path, dask_settings(stranger.address, node)) as jobs,
    ):
        list(jobs.map(mark, ["ran"]))


def security(issued: Issued, authority: Path) -> Security:
    return Security(
        require_encryption=True,
        tls_ca_file=str(authority),
        tls_client_cert=str(issued.certificate),
        tls_client_key=str(issued.key),
    )


@pytest.fixture
def addresses(scheduler: Scheduler, tmp_path: Path) -> list[str]:
    """Of all processes of the cluster: scheduler, workers, nannies."""
    own = security(scheduler.node, scheduler.node.authority)
    with Client(scheduler.address, security=own, set_as_default=False) as client:
        client.wait_for_workers(1)
        workers = client.scheduler_info(n_workers=-1)["workers"]
    found = [scheduler.address, *workers, *(worker["nanny"] for worker in workers.values())]
    assert len(found) >= 3
    assert all(address.startswith("tls://") for address in found)
    return found


async def speaks(address: str, shown: Security | None) -> bool:
    """Whether the process at ``address`` answers a request of its own protocol."""
    arguments = shown.get_connection_args("client") if shown else {}
    try:
        comm = await connect(address, timeout=5, **arguments)
    except OSError:
        return False
    try:
        await comm.write({"op": "identity", "reply": True})
        return bool(await asyncio.wait_for(comm.read(), 5))
    except (OSError, TimeoutError):
        return False
    finally:
        comm.abort()


def test_no_process_of_the_cluster_listens_to_a_stranger(
    scheduler: Scheduler, addresses: list[str], tmp_path: Path
) -> None:
    authority = scheduler.node.authority
    own = security(scheduler.node, authority)
    other = security(Authority(tmp_path / "stranger").issue("node"), authority)
    for address in addresses:
        assert asyncio.run(speaks(address, own)), address
        assert not asyncio.run(speaks(address, other)), address
        assert not asyncio.run(speaks(address.replace("tls://", "tcp://"), None)), address


def test_a_stranger_s_client_runs_nothing(scheduler: Scheduler, tmp_path: Path) -> None:
    address = scheduler.address.replace("tls://", "tcp://")
    with pytest.raises(OSError), Client(address, timeout="3s", set_as_default=False) as client:
        client.submit(mark, tmp_path, "ran").result()
    assert not (tmp_path / "ran").exists()
    assert os.listdir(tmp_path) == []


def test_the_certificates_of_the_documentation(tmp_path: Path) -> None:
    """By OpenSSL's strict rules, which Python applies from 3.13 on."""
    text = (Path(__file__).parents[2] / "docs" / "workers.md").read_text(encoding="utf-8")
    (commands,) = re.findall(
        r"(?:^    .*\n)+", text[text.index("## Certificates") : text.index("## Start")], re.M
    )
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, check=True, capture_output=True)
    for host in ("node", "scheduler", "worker-1"):
        verify = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", f"{host}.pem"]
        subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / f"{host}.key").stat().st_mode & 0o077 == 0


def test_without_dask_no_file_is_asked_for() -> None:
    assert JobsSettings().dask is None
