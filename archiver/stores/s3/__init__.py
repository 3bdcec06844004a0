"""Sites in buckets with Object Lock; a ``Bucket`` is also what the index store keeps its files in."""

from __future__ import annotations

from vanvault.archiver.stores.s3.bucket import Bucket

__all__ = [
    "Bucket",
]
