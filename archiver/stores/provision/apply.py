"""Read what a store has and make the planned changes: buckets over S3, users and policies for MinIO."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from vanvault.archiver.core.errors import AccessDenied, SiteUnavailable
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.provision.plan import (
    Current,
    Duty,
    PolicyDocument,
    ProvisionStep,
    plan,
    policy,
    policy_name,
)

_TIMEOUT = 30  # seconds


class Users(Protocol):
    """The administration of users and policies at one store."""

    def read(self) -> tuple[Mapping[str, PolicyDocument], Mapping[str, frozenset[str]]]:
        """Policies by name, and for each access key the names of its policies."""
        ...

    def put_policy(self, name: str, document: PolicyDocument) -> None: ...
    def add_user(self, credentials: Credentials) -> None: ...
    def attach(self, access_key: str, name: str) -> None: ...


class MinioUsers:
    """MinIO's administration API, through the ``minio`` package."""

    def __init__(
        self, endpoint: str, credentials: Credentials, *, site: str, ca_file: str | None = None
    ) -> None:
        """``endpoint`` is ``http(s)://host:port``; the credentials are an administrator's."""
        url = urlsplit(endpoint)
        self._site = site
        certificates: dict[str, Any] = {"ca_certs": ca_file} if ca_file else {}
        self._admin = MinioAdmin(
            endpoint=url.netloc,
            credentials=StaticProvider(credentials.access_key, credentials.secret_key),
            secure=url.scheme == "https",
            http_client=urllib3.PoolManager(timeout=_TIMEOUT, retries=False, **certificates),
        )

    def read(self) -> tuple[Mapping[str, PolicyDocument], Mapping[str, frozenset[str]]]:
        policies = json.loads(self._ask(self._admin.policy_list))
        users = json.loads(self._ask(self._admin.user_list))
        attached = {
            key: frozenset(name for name in user.get("policyName", "").split(",") if name)
            for key, user in users.items()
        }
        return policies, attached

    def put_policy(self, name: str, document: PolicyDocument) -> None:
        self._ask(lambda: self._admin.policy_add(name, policy=document))

    def add_user(self, credentials: Credentials) -> None:
        self._ask(lambda: self._admin.user_add(credentials.access_key, credentials.secret_key))

    def attach(self, access_key: str, name: str) -> None:
        self._ask(lambda: self._admin.attach_policy([name], user=access_key))

    def _ask(self, call: Callable[[], str]) -> str:
        try:
            return call()
        except MinioAdminException as error:
            if str(error._code) in ("401", "403"):
                raise _denied(
                    f"MinIO at site {self._site} refuses these credentials for its administration."
                ) from error
            raise SiteUnavailable(
                f"MinIO's administration at site {self._site} failed: {error}",
                site=self._site,
                may_be_stored=False,
            ) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise SiteUnavailable(
                f"MinIO's administration at site {self._site} does not answer: {error}",
                site=self._site,
                may_be_stored=False,
            ) from error


def read_bucket(client: Any, bucket: str, *, site: str) -> Current:
    """Whether the bucket is there and fit. Raises AccessDenied, SiteUnavailable."""
    try:
        # MinIO says of a bucket that does not exist that it has no lock configuration: ask for it first.
        client.list_object_versions(Bucket=bucket, MaxKeys=1)
        lock = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        versioning = client.get_bucket_versioning(Bucket=bucket).get("Status")
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        if code == "NoSuchBucket":
            return Current("missing")
        if code == "ObjectLockConfigurationNotFoundError":
            return Current("no-lock")
        raise _denied(
            f"The store at site {site} does not say what the bucket {bucket} is: {code}."
        ) from error
    except BotoCoreError as error:
        raise _silent(site, error) from error
    fit = lock.get("ObjectLockEnabled") == "Enabled" and versioning == "Enabled"
    return Current("ready" if fit else "no-lock")


def provision(
    client: Any,
    users_of_store: Users | None,
    *,
    site: str,
    bucket: str,
    users: Mapping[Duty, Credentials],
    dry_run: bool = False,
) -> tuple[ProvisionStep, ...]:
    """Bring the store to what the plan asks for; the steps that were made (or, dry, would be).

    ``client`` is a boto3 client of an administrator. Without ``users_of_store`` only the bucket is made;
    print ``bucket_policy`` for whoever administers the store. A second run finds nothing to do.

    Raises SettingsError (see ``plan``), AccessDenied, SiteUnavailable.
    """
    current = read_bucket(client, bucket, site=site)
    if users_of_store is None:
        steps = plan(bucket, {}, current)
    else:
        policies, attached = users_of_store.read()
        steps = plan(bucket, users, Current(current.bucket, policies, attached))
    if not dry_run:
        for step in steps:
            _apply(step, client, users_of_store, site, bucket, users)
    return steps


def _apply(
    step: ProvisionStep,
    client: Any,
    store: Users | None,
    site: str,
    bucket: str,
    users: Mapping[Duty, Credentials],
) -> None:
    if step.action == "create-bucket":
        make_bucket(client, bucket, site=site, locked=True)
    elif store is not None and step.duty is not None:
        granted = policy_name(step.duty, bucket), policy(step.duty, bucket)
        apply_to_user(step, store, users[step.duty], granted)


def make_bucket(client: Any, bucket: str, *, site: str, locked: bool) -> None:
    """A new bucket, ``locked``: with Object Lock. Raises AccessDenied, SiteUnavailable."""
    try:
        client.create_bucket(Bucket=bucket, **({"ObjectLockEnabledForBucket": True} if locked else {}))
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise _denied(f"The store at site {site} did not make the bucket {bucket}: {code}.") from error
    except BotoCoreError as error:
        raise _silent(site, error) from error


def apply_to_user(
    step: ProvisionStep, store: Users, user: Credentials, granted: tuple[str, PolicyDocument]
) -> None:
    """One of ``plan.user_steps``. Raises AccessDenied, SiteUnavailable."""
    name, document = granted
    if step.action == "put-policy":
        store.put_policy(name, document)
    elif step.action == "add-user":
        store.add_user(user)
    else:
        store.attach(user.access_key, name)


def _denied(message: str) -> AccessDenied:
    hint = "Give an administrator's credentials for vanvault site init."
    return AccessDenied(message, authenticated=True, hint=hint)


def _silent(site: str, error: BotoCoreError) -> SiteUnavailable:
    return SiteUnavailable(f"Site {site} does not answer: {error}", site=site, may_be_stored=False)
