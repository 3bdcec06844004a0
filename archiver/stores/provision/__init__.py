"""The door of stores.provision."""

from __future__ import annotations

from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.provision.plan import DUTIES, Duty, bucket_policy, new_credentials

__all__ = [
    "DUTIES",
    "Duty",
    "MinioUsers",
    "bucket_policy",
    "new_credentials",
    "provision",
]
