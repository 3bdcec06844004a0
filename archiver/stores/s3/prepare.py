"""Makes a bucket ready to be a site, or says why it cannot be one."""

from __future__ import annotations

from botocore.exceptions import ClientError

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3.client import S3Client
from vanvault.archiver.stores.s3.errors import S3_ERRORS, failure_of
from vanvault.archiver.stores.s3.page import parse_page, says_locked
from vanvault.archiver.stores.s3.wire import Wire
from vanvault.archiver.stores.url import S3Url

#: The one that a request to make a bucket does not name.
_FIRST_REGION = "us-east-1"
_NO_LOCK = "ObjectLockConfigurationNotFoundError"


def prepare_bucket(url: S3Url, site: str, *, credentials: Credentials, options: S3Options) -> None:
    """Make the bucket with Object Lock, unless it exists; it must have Object Lock and be empty.

    Raises SettingsError (not empty, no Object Lock, no right to make it), SiteUnavailable.
    """
    ends = S3Client(url.endpoint, credentials, options)
    wire = Wire(ends, url.bucket, credentials, options)
    try:
        _make(wire, options)
        if not _may_lock(wire):
            raise SettingsError(
                f"the bucket {url.bucket} of site {site} has no Object Lock",
                hint="It can only be had from the start: make another bucket with vanvault site init.",
            )
        if parse_page(wire.list_versions({}, 1))[0]:
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
        ends.close()


def _make(wire: Wire, options: S3Options) -> None:
    try:
        wire.list_versions({}, 1)
    except ClientError as error:
        if failure_of(error).kind != "no-bucket":
            raise
        wire.make_bucket("" if options.region == _FIRST_REGION else options.region)


def _may_lock(wire: Wire) -> bool:
    """Whether the bucket has Object Lock; who may not ask for that learns it from the probe."""
    try:
        return says_locked(wire.object_lock())
    except ClientError as error:
        if error.response["Error"].get("Code") == _NO_LOCK:
            return False
        if failure_of(error).kind == "denied":
            return True
        raise
