"""The whole job at one S3 site: from an administrator's credentials to a bucket, users and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.provision.plan import DUTIES, Duty, PolicyDocument, ProvisionStep, bucket_policy
from vanvault.archiver.stores.s3.client import make_client
from vanvault.archiver.stores.s3.errors import S3_ERRORS, failure_of
from vanvault.archiver.stores.url import S3Url

#: Whose tools make users: MinIO's are used here, others' policy is printed; ``auto`` asks the server.
StoreKind = Literal["auto", "minio", "other"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was done, or would be in a dry run."""

    steps: tuple[ProvisionStep, ...]
    #: To apply by the store's own tools, which make its users; None: they are made.
    policy: PolicyDocument | None


def prepare_bucket(
    site: str,
    place: S3Url,
    users: Mapping[Duty, Credentials],
    administrator: Credentials,
    *,
    options: S3Options,
    kind: StoreKind = "auto",
    dry_run: bool = False,
) -> Prepared:
    """Bring a site's bucket, users and policies to what the appliance needs; a second run does nothing.

    Raises SettingsError (the bucket cannot be used as it is), AccessDenied, SiteUnavailable.
    """
    client = make_client(place.endpoint, administrator, options)
    try:
        minio = is_minio(client, kind)
        steps = provision(
            client,
            MinioUsers(place.endpoint, administrator, site=site, ca_file=options.ca_file) if minio else None,
            site=site,
            bucket=place.bucket,
            users=users,
            dry_run=dry_run,
        )
    finally:
        client.close()
    if minio:
        return Prepared(steps, None)
    principals = {duty: f"arn:aws:iam:::user/vanvault-{duty}" for duty in DUTIES}
    return Prepared(steps, bucket_policy(place.bucket, principals))


def is_minio(client: Any, kind: StoreKind) -> bool:
    """Are users and policies made by MinIO's tools? Raises AccessDenied, SiteUnavailable."""
    return kind == "minio" or (kind == "auto" and _server(client) == "minio")


def _server(client: Any) -> str:
    """The name that the server gives itself, lower case."""
    try:
        answer = client.list_buckets()
    except S3_ERRORS as error:
        raise failure_of(error).error("the site", may_be_stored=False) from error
    return str(answer["ResponseMetadata"]["HTTPHeaders"].get("server", "")).lower()
