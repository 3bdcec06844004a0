"""A disposal on real stores: users as ``site init`` makes them, and locks by the server's own clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from tests.recovery.disposal.conftest import Office, settled
from tests.recovery.disposal.test_run import certificate, is_gone, planned_segments
from tests.s3.buckets import Bucket, LaterSite, over
from tests.servers.endpoint import Endpoint
from tests.support.archives import SITES, memory_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.stores import Site, StoredVersion
from vanvault.archiver.stores.verdict import override_detail, override_event
from vanvault.recovery.disposal import run_disposal


def test_what_was_decided_goes_and_what_the_server_locks_is_named(
    tmp_path: Path, minio_pair: tuple[Endpoint, Endpoint]
) -> None:
    """Eleven years pass in memory; then all of it is put into buckets, and the disposal is run there."""
    with memory_home(tmp_path / "home") as home:
        with home.archive() as archive:
            office = settled(Office(home, archive))
            id = office.cooled()
            [segment] = planned_segments(office, id)
            for site in SITES:
                archive.record(
                    override_event(site),
                    override_detail(site, "a server of this test", "test", office.now + timedelta(days=1)),
                )
        locked = min(key for key in office.lies(segment)["standby"])
        ended = {one.key for one in home.primary.list() if one.retain_until and one.retain_until < office.now}
        buckets = {site: Bucket(site, one) for site, one in zip(SITES, minio_pair, strict=True)}

        def lock(site: str, version: StoredVersion, now: datetime) -> datetime | None:
            """What has ended is locked for a moment; one object at the standby longer, by the server."""
            if site == "standby" and version.key == locked:
                return now + timedelta(hours=1)
            return now + timedelta(seconds=20) if version.key in ended else version.retain_until

        for site, bucket in buckets.items():
            bucket.fill(home.sites[site], lambda version, now, site=site: lock(site, version, now))  # type: ignore[misc]
        for bucket in buckets.values():
            over(bucket, ended - {locked})
        sites = {site: cast(Site, LaterSite(bucket.site, home.clock)) for site, bucket in buckets.items()}
        disposers = {site: bucket.disposer for site, bucket in buckets.items()}
        home.forget_hot_tail()
        with Archive.open(home.path, ports=Ports.under(home.clock), sites=sites) as archive:
            archive.catch_up()
            office.archive = archive
            done = run_disposal(archive, id, office.who("minh"), disposers)
            assert done.halted == ()
            assert done.known.state == "certified-in-part"
            [left] = certificate(office, id)["remaining"]
            assert left["where"] == "standby"
            assert locked in left["what"]
            assert is_gone(office, "t-1")
            assert is_gone(office, "t-2")
            [kept] = office.ids["t-open"]
            assert archive.original(archive.search.entry(kept)) == b"dossier 5"
        prefix = f"segment/{segment}/"
        lie = {
            site: [key for key in bucket.listed() if key.startswith(prefix)]
            for site, bucket in buckets.items()
        }
        assert lie == {"primary": [], "standby": [locked]}
