"""A clearing on real stores: users as ``site init`` makes them, and locks by the server's own clock."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from tests.servers.endpoint import Endpoint
from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.compacted import CompactedLab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import Ports, SystemClock, SystemEntropy
from vanvault.archiver.stores import Credentials, Disposer, S3Url, Site, StoredVersion, open_disposer
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.provision import DUTIES, Duty, new_credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.s3.site import S3Site
from vanvault.archiver.upkeep import keep_locks
from vanvault.recovery.clearing import ClearingTools, ClearRequest, clear
from vanvault.recovery.verify import VerifyRequest, verify


class LaterSite:
    """A store months later, as its clock would tell then; the server's own stays as it is."""

    def __init__(self, site: S3Site, now: TickingClock) -> None:
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

    def fill(self, source: Site, spent: set[str], locked: str) -> None:
        """Copy all objects; locks of what is spent end in a moment, but for ``locked``."""
        now = datetime.now(UTC).replace(microsecond=0)
        for version in source.list():
            until = version.retain_until
            if version.key in spent:
                until = now + (timedelta(hours=1) if version.key == locked else timedelta(seconds=20))
            assert until is not None
            data = source.get(version.key, version.version)
            self.site.put(version.key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)

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


def test_what_is_spent_goes_and_what_the_server_locks_stays(
    compacted: CompactedLab, minio_pair: tuple[Endpoint, Endpoint]
) -> None:
    buckets = {site: Bucket(site, one) for site, one in zip(SITES, minio_pair, strict=True)}
    spent = set(compacted.compacted())
    locked = min(spent)
    with compacted.open() as plain:
        for site, bucket in buckets.items():
            bucket.fill(plain.sites[site], spent, locked)
    clock = TickingClock()
    clock.moment = datetime.now(UTC) + timedelta(days=100)
    sites = {site: cast(Site, LaterSite(bucket.site, clock)) for site, bucket in buckets.items()}
    for bucket in buckets.values():
        over(bucket, spent - {locked})
    with Archive.open(compacted.home, ports=Ports.under(clock), sites=sites) as archive:
        archive.catch_up()
        keep_locks(archive)
        assert verify(archive, VerifyRequest()).report.whole
        disposers = {site: bucket.disposer for site, bucket in buckets.items()}
        report = clear(archive, ClearRequest(), tools=ClearingTools(disposers, sleep=lambda seconds: None))
        assert report.halted == ()
        assert {(one.site, one.key) for one in report.left} == {(site, locked) for site in SITES}
        assert report.exit_code == ExitCode.CHECK_FAILED
        assert verify(archive, VerifyRequest()).report.whole
    for bucket in buckets.values():
        assert spent & set(bucket.listed()) == {locked}
