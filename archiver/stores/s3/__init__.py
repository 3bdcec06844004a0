"""Sites in buckets with Object Lock; a ``Bucket`` is also what the index store keeps its files in."""

from __future__ import annotations

from vanvault.archiver.stores.s3.bucket import Bucket
from vanvault.archiver.stores.s3.certificates import system_certificates

__all__ = [
    "Bucket",
    "system_certificates",
]
