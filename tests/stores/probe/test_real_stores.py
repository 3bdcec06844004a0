"""The probe against real servers: what MinIO and Ceph truly do. The tables of docs/stores.md say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, fault_proxy
from tests.servers.processes import free_ports
from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.stores import Credentials
from vanvault.archiver.stores.probe import attacker, probe_s3
from vanvault.archiver.stores.probe.run import PREFIX
from vanvault.archiver.stores.provision import DUTIES, new_credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.verdict import ProbeResult


def failed(result: ProbeResult) -> set[str]:
    return {finding.check for finding in result.findings if not finding.ok}


def root(endpoint: Endpoint) -> Credentials:
    return Credentials(endpoint.access_key, endpoint.secret_key)


def probe_buckets(endpoint: Endpoint) -> list[str]:
    names = [bucket["Name"] for bucket in endpoint.client().list_buckets()["Buckets"]]
    return [name for name in names if name.startswith(PREFIX)]


def test_minio_passes_with_provisioned_users(minio_a: Endpoint) -> None:
    users = {duty: new_credentials(duty, SystemEntropy()) for duty in DUTIES}
    admin = MinioUsers(minio_a.url, root(minio_a), site="primary")
    provision(minio_a.client(), admin, site="primary", bucket="probed-archive", users=users)
    attackers = [attacker(duty, minio_a.url, credentials) for duty, credentials in users.items()]
    result = probe_s3("primary", minio_a.url, attackers)
    assert (result.verdict, result.server) == ("pass", "MinIO")
    assert failed(result) == {"hold-keeps-default", "if-none-match-marker"}
    assert all(result.capabilities.values())
    assert (result.finished_at - result.started_at).total_seconds() < 60
    assert result.remains == ()
    assert probe_buckets(minio_a) == []


def test_ceph_16_loses_a_lock_that_is_extended_past_2106(ceph_a: Endpoint) -> None:
    result = probe_s3("standby", ceph_a.url, [attacker("admin", ceph_a.url, root(ceph_a))])
    refused = {one.check for one in result.findings if not one.ok and one.severity == "refuse"}
    assert result.verdict == "refused"
    assert refused == {"extend-far"}
    weak = {one.check for one in result.findings if not one.ok and one.severity == "weak"}
    assert weak == {
        "date-2110",
        "multipart-lock",
        "multipart-hold",
        "if-none-match",
        "if-none-match-race",
        "wrong-sha256",
    }
    able = {name for name, can in result.capabilities.items() if can}
    assert able == {"checksum_md5", "default_retention", "exact_dates", "legal_hold"}
    assert probe_buckets(ceph_a) == []


def test_no_answer_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    result = probe_s3("primary", url, [attacker("admin", url, Credentials("nobody", "nothing"))])
    assert result.verdict == "unreachable"
    assert not any(finding.ok for finding in result.findings)


def test_a_store_that_goes_silent_is_unreachable_soon(minio_a: Endpoint) -> None:
    with fault_proxy(minio_a.url) as proxy:
        proxy.script(Fault.HANG_BEFORE, path="duty-admin", times=1000)
        options = S3Options(read_timeout_s=1)
        result = probe_s3(
            "primary",
            proxy.url,
            [attacker("admin", proxy.url, root(minio_a), options)],
            lock=timedelta(seconds=10),
        )
    assert result.verdict == "unreachable"
    assert (result.finished_at - result.started_at).total_seconds() < 40
    assert any(one.check == "reach" and "Read timeout" in one.detail for one in result.findings)
    assert result.remains == ()  # it answered again in the end


def test_wrong_credentials_are_said(minio_a: Endpoint) -> None:
    with pytest.raises(AccessDenied, match="InvalidAccessKeyId"):
        probe_s3(
            "primary", minio_a.url, [attacker("admin", minio_a.url, Credentials("nobody", "wrong-secret"))]
        )


def test_no_credentials_are_said() -> None:
    with pytest.raises(SettingsError, match="No credentials"):
        probe_s3("primary", "http://127.0.0.1:9", [])
