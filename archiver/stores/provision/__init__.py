"""Prepares an S3 site: a bucket with Object Lock, and users whose policies allow what their duty needs."""

from __future__ import annotations

from vanvault.archiver.stores.provision.plan import DUTIES, Duty, new_credentials
from vanvault.archiver.stores.provision.prepare import Prepared, StoreKind, prepare_bucket

__all__ = [
    "DUTIES",
    "Duty",
    "Prepared",
    "StoreKind",
    "new_credentials",
    "prepare_bucket",
]
