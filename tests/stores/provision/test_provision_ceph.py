"""The bucket policy that is printed for stores other than MinIO, applied to a real Ceph RGW."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.servers.ceph import CephServer

from vanvault.archiver.stores.provision import Duty
from vanvault.archiver.stores.provision.plan import bucket_policy

DUTIES: tuple[Duty, ...] = ("writer", "reader", "keeper", "disposer")


def who_may(clients: dict[Duty, Any], call: Callable[[Any], object]) -> list[Duty]:
    able = []
    for duty, client in clients.items():
        try:
            call(client)
            able.append(duty)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
    return able


@pytest.fixture(scope="module")
def bucket(ceph_server_a: CephServer) -> str:
    name = ceph_server_a.endpoint.new_bucket("policy")
    for duty in DUTIES:
        ceph_server_a.add_user(f"vanvault-{duty}", f"key-{duty}", f"secret-of-{duty}")
    document = bucket_policy(name, {duty: f"arn:aws:iam:::user/vanvault-{duty}" for duty in DUTIES})
    ceph_server_a.endpoint.client().put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    return name


def test_each_duty_may_do_its_own_and_nobody_may_delete(ceph_server_a: CephServer, bucket: str) -> None:
    endpoint = ceph_server_a.endpoint
    clients = {duty: endpoint.client(f"key-{duty}", f"secret-of-{duty}") for duty in DUTIES}
    until = datetime.now(UTC) + timedelta(minutes=5)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": until + timedelta(minutes=5)}
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    put = {"Bucket": bucket, "Key": "object", "Body": b"x", **lock}
    assert who_may(clients, lambda c: c.put_object(**put)) == ["writer"]
    found = endpoint.client().list_object_versions(Bucket=bucket)["Versions"][0]["VersionId"]
    at = {"Bucket": bucket, "Key": "object", "VersionId": found}
    assert who_may(clients, lambda c: c.get_object(**at)) == ["writer", "reader", "keeper", "disposer"]
    assert who_may(clients, lambda c: c.put_object_retention(**at, Retention=longer)) == ["writer", "keeper"]
    attacks: list[Callable[[Any], object]] = [
        lambda c: c.delete_object(**at),
        lambda c: c.delete_object(**at, BypassGovernanceRetention=True),
        lambda c: c.delete_object(Bucket=bucket, Key="object"),
        lambda c: c.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
        lambda c: c.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
        ),
        lambda c: c.delete_bucket_policy(Bucket=bucket),
        lambda c: c.delete_bucket(Bucket=bucket),
    ]
    for attack in attacks:
        assert who_may(clients, attack) == []
    free = endpoint.client().put_object(Bucket=bucket, Key="free", Body=b"x")["VersionId"]
    gone = {"Bucket": bucket, "Key": "free", "VersionId": free}
    assert who_may(clients, lambda c: c.delete_object(**gone)) == ["disposer"]
