"""Prepares an S3 site: a bucket with Object Lock, and users whose policies allow what their duty needs."""

from __future__ import annotations

from vanvault.archiver.stores.provision.index_bucket import prepare_index_bucket
from vanvault.archiver.stores.provision.plan import DUTIES, Duty, ProvisionStep, new_credentials
from vanvault.archiver.stores.provision.prepare import Prepared, StoreKind, prepare_bucket

__all__ = [
    "DUTIES",
    "Duty",
    "Prepared",
    "ProvisionStep",
    "StoreKind",
    "new_credentials",
    "prepare_bucket",
    "prepare_index_bucket",
]
