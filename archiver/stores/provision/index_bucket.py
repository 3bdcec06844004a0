"""A bucket without locks for the index that a site keeps, and a user who may do there what that needs."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.provision.apply import MinioUsers
from vanvault.archiver.stores.provision.plan import (
    PolicyDocument,
    ProvisionStep,
    index_policy,
    index_policy_name,
    normal,
)
from vanvault.archiver.stores.provision.prepare import Prepared, StoreKind, is_minio
from vanvault.archiver.stores.s3.client import make_client
from vanvault.archiver.stores.url import S3Url

_NO_LOCK = "ObjectLockConfigurationNotFoundError"


def prepare_index_bucket(
    site: str,
    place: S3Url,
    user: Credentials,
    administrator: Credentials,
    *,
    options: S3Options,
    kind: StoreKind = "auto",
    dry_run: bool = False,
) -> Prepared:
    """Make what is missing of the bucket, its user and its policy; a second run does nothing.

    Raises SettingsError (the bucket has Object Lock: merged files would pile up), AccessDenied,
    SiteUnavailable.
    """
    client = make_client(place.endpoint, administrator, options)
    try:
        steps = [] if _is_there(client, site, place.bucket) else [_bucket_step(place.bucket)]
        if steps and not dry_run:
            _create(client, site, place.bucket)
        if not is_minio(client, kind):
            return Prepared(tuple(steps), index_policy(place.bucket, "arn:aws:iam:::user/vanvault-index"))
        users = MinioUsers(place.endpoint, administrator, site=site, ca_file=options.ca_file)
        wanted = _user_steps(users, place.bucket, user.access_key)
        for step in wanted if not dry_run else ():
            _apply(step, users, place.bucket, user)
        return Prepared((*steps, *wanted), None)
    finally:
        client.close()


def _is_there(client: Any, site: str, bucket: str) -> bool:
    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        client.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        if code == _NO_LOCK:
            return True
        if code == "NoSuchBucket":
            return False
        raise _refused(site, bucket, code) from error
    raise SettingsError(
        f"the bucket {bucket} has Object Lock: index files that are merged away would pile up there",
        hint=f"Name another bucket in sites.{site}.index_url.",
    )


def _create(client: Any, site: str, bucket: str) -> None:
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        raise _refused(site, bucket, error.response["Error"].get("Code", "")) from error


def _refused(site: str, bucket: str, code: str) -> AccessDenied:
    return AccessDenied(
        f"The store at site {site} does not give or make the bucket {bucket}: {code}.",
        authenticated=True,
        hint="Give an administrator's credentials for vanvault site init.",
    )


def _bucket_step(bucket: str) -> ProvisionStep:
    return ProvisionStep("create-bucket", bucket, "without Object Lock, for the index that the site keeps")


def _user_steps(users: MinioUsers, bucket: str, access_key: str) -> list[ProvisionStep]:
    policies, attached = users.read()
    name, steps = index_policy_name(bucket), list[ProvisionStep]()
    wanted: PolicyDocument = index_policy(bucket)
    if normal(policies.get(name, {})) != normal(wanted):
        verb = "replace" if name in policies else "add"
        steps.append(ProvisionStep("put-policy", name, f"{verb} the policy of who keeps the index"))
    if access_key not in attached:
        steps.append(ProvisionStep("add-user", access_key, "the user who keeps the index"))
    if name not in attached.get(access_key, frozenset()):
        steps.append(ProvisionStep("attach-policy", access_key, f"gets {name}"))
    return steps


def _apply(step: ProvisionStep, users: MinioUsers, bucket: str, user: Credentials) -> None:
    if step.action == "put-policy":
        users.put_policy(step.target, index_policy(bucket))
    elif step.action == "add-user":
        users.add_user(user)
    else:
        users.attach(step.target, index_policy_name(bucket))
