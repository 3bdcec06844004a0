"""A bucket without locks for the index that a site keeps, and a user who may do there what that needs."""

from __future__ import annotations

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, apply_to_user, make_bucket, read_bucket
from vanvault.archiver.stores.provision.plan import (
    Current,
    ProvisionStep,
    index_policy,
    index_policy_name,
    user_steps,
)
from vanvault.archiver.stores.provision.prepare import Prepared, StoreKind, is_minio
from vanvault.archiver.stores.s3.client import make_client
from vanvault.archiver.stores.url import S3Url


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

    Raises SettingsError (the bucket has Object Lock: merged files would pile up; the user has other
    policies), AccessDenied, SiteUnavailable.
    """
    bucket, steps = place.bucket, list[ProvisionStep]()
    store: MinioUsers | None = None
    granted = index_policy_name(bucket), index_policy(bucket)
    client = make_client(place.endpoint, administrator, options)
    try:
        current = read_bucket(client, bucket, site=site)
        if current.bucket == "ready":
            raise SettingsError(
                f"the bucket {bucket} has Object Lock: index files that are merged away would pile up there",
                hint=f"Name another bucket in sites.{site}.index_url.",
            )
        if current.bucket == "missing":
            what = "without Object Lock, for the index that the site keeps"
            steps.append(ProvisionStep("create-bucket", bucket, what))
        if is_minio(client, kind):
            store = MinioUsers(place.endpoint, administrator, site=site, ca_file=options.ca_file)
            current = Current(current.bucket, *store.read())
            steps += user_steps("index keeper", granted, user.access_key, current)
        for step in steps if not dry_run else ():
            if step.action == "create-bucket":
                make_bucket(client, bucket, site=site, locked=False)
            elif store is not None:
                apply_to_user(step, store, user, granted)
    finally:
        client.close()
    policy = None if store is not None else index_policy(bucket, "arn:aws:iam:::user/vanvault-index")
    return Prepared(tuple(steps), policy)
