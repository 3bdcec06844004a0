"""The door of stores.s3."""

from __future__ import annotations

from vanvault.archiver.stores.s3.bucket import Bucket
from vanvault.archiver.stores.s3.client import make_client
from vanvault.archiver.stores.s3.errors import S3_ERRORS, judge

__all__ = [
    "S3_ERRORS",
    "Bucket",
    "judge",
    "make_client",
]
