"""Provisioning: the plan as a table, and least privilege on a real MinIO."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.servers.endpoint import Endpoint

from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.stores import Credentials
from vanvault.archiver.stores.provision import DUTIES, Duty, new_credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.provision.plan import DENIED, Current, bucket_policy, plan, policy, policy_name

USERS: dict[Duty, Credentials] = {duty: Credentials(f"key-{duty}", "secret") for duty in DUTIES}


def actions(current: Current) -> list[str]:
    return [f"{step.action} {step.target}" for step in plan("archive", USERS, current)]


def test_an_empty_store_gets_everything() -> None:
    expected = ["create-bucket archive"]
    for duty in DUTIES:
        expected += [
            f"put-policy vanvault-archive-{duty}",
            f"add-user key-{duty}",
            f"attach-policy key-{duty}",
        ]
    assert actions(Current("missing")) == expected


def whole() -> tuple[dict[str, Any], dict[str, frozenset[str]]]:
    policies = {policy_name(duty, "archive"): policy(duty, "archive") for duty in DUTIES}
    users = {f"key-{duty}": frozenset({policy_name(duty, "archive")}) for duty in DUTIES}
    return policies, users


def test_a_whole_store_gets_nothing_even_when_it_sorts_otherwise() -> None:
    policies, users = whole()
    for document in policies.values():
        for statement in document["Statement"]:
            statement["Action"].reverse()
        document["Statement"].reverse()
    assert actions(Current("ready", policies, users)) == []


def test_only_what_is_missing_or_changed_is_made() -> None:
    policies, users = whole()
    policies["vanvault-archive-writer"]["Statement"].pop()
    users["key-reader"] = frozenset()
    del users["key-keeper"]
    assert actions(Current("ready", policies, users)) == [
        "put-policy vanvault-archive-writer",
        "attach-policy key-reader",
        "add-user key-keeper",
        "attach-policy key-keeper",
    ]


def test_a_bucket_without_lock_is_refused() -> None:
    with pytest.raises(SettingsError, match="without Object Lock"):
        plan("archive", USERS, Current("no-lock"))


def test_a_user_with_other_rights_is_refused() -> None:
    policies, users = whole()
    users["key-reader"] |= {"consoleAdmin"}
    with pytest.raises(SettingsError, match="consoleAdmin"):
        plan("archive", USERS, Current("ready", policies, users))


def test_duties_do_not_share_a_key() -> None:
    with pytest.raises(SettingsError, match="share"):
        plan("archive", {"writer": USERS["writer"], "reader": USERS["writer"]}, Current("missing"))


@pytest.mark.parametrize("duty", ["writer", "reader", "keeper"])
def test_nobody_may_delete_or_bypass(duty: Duty) -> None:
    allow, deny = policy(duty, "archive")["Statement"]
    assert set(DENIED) <= set(deny["Action"])
    assert not set(allow["Action"]) & set(deny["Action"])
    assert "s3:PutObject" in (allow if duty == "writer" else deny)["Action"]


def test_the_disposer_of_a_bucket_policy_may_remove_versions_and_make_no_marker() -> None:
    allow, deny = bucket_policy("archive", {"disposer": "arn:aws:iam:::user/d"})["Statement"]
    assert "s3:DeleteObjectVersion" in allow["Action"]
    assert set(DENIED) - {"s3:DeleteObjectVersion"} <= set(deny["Action"])
    assert {"s3:PutObject", "s3:PutObjectRetention", "s3:DeleteObject"} <= set(deny["Action"])
    assert not set(allow["Action"]) & set(deny["Action"])


def test_the_prober_has_no_right_in_the_archive() -> None:
    assert "archive" not in json.dumps(policy("prober", "archive"))


def test_steps_and_keys_hold_no_secret_and_fit_minio() -> None:
    for duty in DUTIES:
        fresh = new_credentials(duty, SystemEntropy())
        assert 3 <= len(fresh.access_key) <= 20
        assert len(fresh.secret_key) == 40
    assert "secret" not in repr(plan("archive", USERS, Current("missing")))


def test_the_bucket_policy_names_every_user_and_no_probe_bucket() -> None:
    found = bucket_policy("archive", {"writer": "arn:aws:iam:::user/w", "reader": "arn:aws:iam:::user/r"})
    assert [one["Principal"]["AWS"] for one in found["Statement"]] == [
        ["arn:aws:iam:::user/r"],
        ["arn:aws:iam:::user/r"],
        ["arn:aws:iam:::user/w"],
        ["arn:aws:iam:::user/w"],
    ]
    assert "probe" not in json.dumps(found)


# On a real MinIO


@dataclass(frozen=True)
class Provisioned:
    endpoint: Endpoint
    bucket: str
    users: dict[Duty, Credentials]

    def client(self, duty: Duty) -> Any:
        return self.endpoint.client(self.users[duty].access_key, self.users[duty].secret_key)


def minio_users(endpoint: Endpoint) -> MinioUsers:
    return MinioUsers(endpoint.url, Credentials(endpoint.access_key, endpoint.secret_key), site="primary")


@pytest.fixture(scope="module")
def provisioned(minio_a: Endpoint) -> Provisioned:
    users: dict[Duty, Credentials] = {duty: new_credentials(duty, SystemEntropy()) for duty in DUTIES}
    bucket = "provisioned-archive"
    arguments = {"site": "primary", "bucket": bucket, "users": users}
    dry = provision(minio_a.client(), minio_users(minio_a), **arguments, dry_run=True)
    assert bucket not in [one["Name"] for one in minio_a.client().list_buckets()["Buckets"]]
    made = provision(minio_a.client(), minio_users(minio_a), **arguments)
    assert made == dry
    assert provision(minio_a.client(), minio_users(minio_a), **arguments) == ()
    return Provisioned(minio_a, bucket, users)


def refused(call: Callable[..., Any], *, answer: str = "AccessDenied", **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == answer, error
        return True
    return False


def put(site: Provisioned, duty: Duty, key: str) -> dict[str, Any]:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    arguments = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    answer: dict[str, Any] = site.client(duty).put_object(Bucket=site.bucket, Key=key, Body=b"x", **arguments)
    return {"Bucket": site.bucket, "Key": key, "VersionId": answer["VersionId"]}


def test_who_may_put(provisioned: Provisioned) -> None:
    put(provisioned, "writer", "by-writer")
    for duty in ("reader", "keeper", "disposer", "prober"):
        assert refused(put, site=provisioned, duty=duty, key=f"by-{duty}"), duty


def test_who_may_read(provisioned: Provisioned) -> None:
    where = put(provisioned, "writer", "read")
    for duty in ("writer", "reader", "keeper", "disposer"):
        client = provisioned.client(duty)
        assert client.get_object(**where)["Body"].read() == b"x"
        assert client.head_object(**where)["ObjectLockMode"] == "COMPLIANCE"
        assert client.list_object_versions(Bucket=provisioned.bucket)["Versions"]
    assert refused(provisioned.client("prober").get_object, **where)


def test_who_may_extend(provisioned: Provisioned) -> None:
    where = put(provisioned, "writer", "extend")
    later = datetime.now(UTC) + timedelta(minutes=10)
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": later}
    for duty in ("writer", "keeper"):
        provisioned.client(duty).put_object_retention(**where, Retention=retention)
    for duty in ("reader", "disposer", "prober"):
        assert refused(provisioned.client(duty).put_object_retention, **where, Retention=retention), duty


@pytest.mark.parametrize("duty", DUTIES)
def test_nobody_may_take_away_or_change_the_bucket(provisioned: Provisioned, duty: Duty) -> None:
    client, where = provisioned.client(duty), put(provisioned, "writer", f"attacked-{duty}")
    bucket, key = provisioned.bucket, where["Key"]
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    # A lock stops the one duty that may remove; the others are not even let so far.
    answer = "InvalidRequest" if duty == "disposer" else "AccessDenied"
    assert refused(client.delete_object, **where, answer=answer)
    assert refused(client.delete_object, **where, BypassGovernanceRetention=True, answer=answer)
    assert refused(client.delete_object, Bucket=bucket, Key=key)
    assert refused(client.put_object_legal_hold, **where, LegalHold={"Status": "ON"})
    assert refused(
        client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert refused(
        client.put_object_lock_configuration,
        Bucket=bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
    )
    assert refused(
        client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    assert refused(client.put_bucket_policy, Bucket=bucket, Policy="{}")
    assert refused(client.delete_bucket, Bucket=bucket)


def test_the_disposer_removes_a_version_without_a_lock_and_hides_none(provisioned: Provisioned) -> None:
    root, client = provisioned.endpoint.client(), provisioned.client("disposer")
    version = root.put_object(Bucket=provisioned.bucket, Key="free", Body=b"x")["VersionId"]
    assert refused(client.delete_object, Bucket=provisioned.bucket, Key="free")
    many = {"Objects": [{"Key": "free"}]}
    assert client.delete_objects(Bucket=provisioned.bucket, Delete=many)["Errors"]
    assert root.get_object(Bucket=provisioned.bucket, Key="free")["Body"].read() == b"x"
    client.delete_object(Bucket=provisioned.bucket, Key="free", VersionId=version)
    found = root.list_object_versions(Bucket=provisioned.bucket, Prefix="free")
    assert "Versions" not in found
    assert "DeleteMarkers" not in found


def test_users_cannot_administer(provisioned: Provisioned) -> None:
    writer = MinioUsers(provisioned.endpoint.url, provisioned.users["writer"], site="primary")
    with pytest.raises(AccessDenied, match="administration"):
        writer.read()


def test_a_bucket_without_lock_is_found(minio_a: Endpoint) -> None:
    minio_a.client().create_bucket(Bucket="plain-bucket")
    with pytest.raises(SettingsError, match="without Object Lock"):
        provision(minio_a.client(), minio_users(minio_a), site="primary", bucket="plain-bucket", users=USERS)
