"""Sites in buckets of real servers with a user for each duty, filled from elsewhere, and seen years later."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from tests.servers.endpoint import Endpoint
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.stores import Credentials, Disposer, S3Url, Site, StoredVersion, open_disposer
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.provision import DUTIES, Duty, new_credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.s3.site import S3Site


class Tells(Protocol):
    """A clock."""

    def now(self) -> datetime:
        """In UTC."""


class LaterSite:
    """A store months later, as its clock would tell then; the server's own stays as it is."""

    def __init__(self, site: S3Site, now: Tells) -> None:
        self._site = site
        self._now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def now(self) -> datetime:
        return self._now.now()


class Bucket:
    """A site in a bucket, with a user for each duty."""

    def __init__(self, site: str, endpoint: Endpoint) -> None:
        self.name, self.endpoint = f"cleared-{site}-{os.urandom(6).hex()}", endpoint
        self.users: dict[Duty, Credentials] = {
            duty: new_credentials(duty, SystemEntropy()) for duty in DUTIES
        }
        root = Credentials(endpoint.access_key, endpoint.secret_key)
        admin = MinioUsers(endpoint.url, root, site=site)
        provision(endpoint.client(), admin, site=site, bucket=self.name, users=self.users)
        duties = SiteCredentials(self.users["writer"], self.users["reader"], self.users["keeper"])
        place = S3Url(endpoint.url, self.name)
        self.site = S3Site(place, site, credentials=duties, clock=SystemClock())
        given = self.users["disposer"]
        stem = f"VANVAULT_{site.upper()}_DISPOSER"
        self.disposer: Disposer = open_disposer(
            site,
            endpoint.site_url(self.name),
            home=Path(),
            archive="",
            clock=SystemClock(),
            environment={f"{stem}_ACCESS_KEY": given.access_key, f"{stem}_SECRET_KEY": given.secret_key},
        )

    def fill(self, source: Site, until: Callable[[StoredVersion, datetime], datetime | None]) -> None:
        """Copy all objects. ``until``: the lock of one, by the server's clock as the copying begins."""
        now = datetime.now(UTC).replace(microsecond=0)
        for version in source.list():
            lock = until(version, now)
            assert lock is not None
            data = source.get(version.key, version.version)
            self.site.put(version.key, data, sha256=hashlib.sha256(data).digest(), retain_until=lock)

    def listed(self) -> list[str]:
        """Keys of versions and of delete markers, as an administrator sees them."""
        pages = self.endpoint.client().get_paginator("list_object_versions").paginate(Bucket=self.name)
        return [
            one["Key"]
            for page in pages
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]


def over(bucket: Bucket, keys: set[str]) -> None:
    """Wait until the server's clock is past these locks."""
    last = max(
        (cast(datetime, found.retain_until) for key in keys for found in _versions(bucket, key)),
        default=bucket.site.now(),
    )
    while bucket.site.now() <= last:
        time.sleep(0.2)


def _versions(bucket: Bucket, key: str) -> list[StoredVersion]:
    return bucket.site.versions(key)
