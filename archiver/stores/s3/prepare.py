"""Makes a bucket ready to be a site, or says why it cannot be one."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3.client import make_client
from vanvault.archiver.stores.s3.errors import S3_ERRORS, failure_of
from vanvault.archiver.stores.url import S3Url

_NO_LOCK = "ObjectLockConfigurationNotFoundError"


def prepare_bucket(url: S3Url, site: str, *, credentials: Credentials, options: S3Options) -> None:
    """Make the bucket with Object Lock, unless it exists; it must have Object Lock and be empty.

    Raises SettingsError (not empty, no Object Lock, no right to make it), SiteUnavailable.
    """
    client = make_client(url.endpoint, credentials, options)
    try:
        _make(client, url.bucket, options)
        if not _may_lock(client, url.bucket):
            raise SettingsError(
                f"the bucket {url.bucket} of site {site} has no Object Lock",
                hint="It can only be had from the start: make another bucket with vanvault site init.",
            )
        page = client.list_object_versions(Bucket=url.bucket, MaxKeys=1)
        if page.get("Versions") or page.get("DeleteMarkers"):
            raise SettingsError(
                f"the bucket {url.bucket} is not empty, so no site is made there",
                hint=f"Choose an empty bucket for the site {site}.",
            )
    except S3_ERRORS as error:
        failure = failure_of(error)
        if failure.kind == "denied":
            raise SettingsError(
                f"the credentials of site {site} may not make or read its bucket ({failure.code})",
                hint="Run vanvault site init with an administrator's credentials first.",
            ) from error
        raise failure.error(site, may_be_stored=False) from error
    finally:
        client.close()


def _make(client: Any, bucket: str, options: S3Options) -> None:
    try:
        client.list_object_versions(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        if failure_of(error).kind != "no-bucket":
            raise
        elsewhere = {} if options.region == "us-east-1" else {"LocationConstraint": options.region}
        settings = {"CreateBucketConfiguration": elsewhere} if elsewhere else {}
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **settings)


def _may_lock(client: Any, bucket: str) -> bool:
    """Whether the bucket has Object Lock; who may not ask for that learns it from the probe."""
    try:
        answer = client.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"].get("Code") == _NO_LOCK:
            return False
        if failure_of(error).kind == "denied":
            return True
        raise
    return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")
