"""A clearing on real stores: users as ``site init`` makes them, and locks by the server's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from tests.s3.buckets import Bucket, LaterSite, over
from tests.servers.endpoint import Endpoint
from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.compacted import CompactedLab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.upkeep import keep_locks
from vanvault.recovery.clearing import ClearingTools, ClearRequest, clear
from vanvault.recovery.verify import VerifyRequest, verify


def test_what_is_spent_goes_and_what_the_server_locks_stays(
    compacted: CompactedLab, minio_pair: tuple[Endpoint, Endpoint]
) -> None:
    buckets = {site: Bucket(site, one) for site, one in zip(SITES, minio_pair, strict=True)}
    spent = set(compacted.compacted())
    locked = min(spent)

    def lock(version: StoredVersion, now: datetime) -> datetime | None:
        """Of what is spent, a moment longer; but for one."""
        if version.key not in spent:
            return version.retain_until
        return now + (timedelta(hours=1) if version.key == locked else timedelta(seconds=20))

    with compacted.open() as plain:
        for site, bucket in buckets.items():
            bucket.fill(plain.sites[site], lock)
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
