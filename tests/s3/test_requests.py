"""How many requests recovery makes at an S3 site, whose listings tell no locks: none more than it needs."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.s3.homes import make_home
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import FaultProxy
from tests.support.archives import SITES, Node, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.stores import S3Url, Site, StoredVersion, open_site, parse_site_url
from vanvault.recovery.restore import plan_restore, restore_site
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import verify_archive

WRITERS = 2  # one wrote the override
OBJECTS = 12  # messages, each in a batch of its own; some events of the system beside them


@pytest.fixture
def archive(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minio_pair: tuple[Endpoint, Endpoint],
    proxies: dict[str, FaultProxy],
) -> Iterator[Archive]:
    through = {site: proxy.url for site, proxy in proxies.items()}
    home = make_home(tmp_path, dict(zip(SITES, minio_pair, strict=True)), monkeypatch, through=through)
    with home.archive() as found:
        with Node(found) as node:
            node.wait_ready()
            for number in range(OBJECTS):
                node.push(message(f"m-{number}", b"<dossier/>" * 50))
        found.catch_up()
        for proxy in proxies.values():
            proxy.clear()
        yield found


def of_objects(proxy: FaultProxy) -> Counter[str]:
    """Requests for single objects by method; LIST for a look at one object's versions."""
    found = Counter(seen.method for seen in proxy.seen if "/batch/" in seen.path.partition("?")[0])
    found.update("LIST" for seen in proxy.seen if _prefix(seen.path).endswith(".parquet"))
    return found


def _prefix(path: str) -> str:
    """Of what a listing asks for; its next pages name keys besides."""
    return parse_qs(urlsplit(path).query).get("prefix", [""])[0]


def check_verified(proxy: FaultProxy, read: int) -> None:
    """What was read, once, with its lock; and a look at the objects that other writers name."""
    asked = of_objects(proxy)
    assert asked["GET"] == read
    assert asked["HEAD"] == asked["LIST"]
    assert asked["LIST"] <= WRITERS


def test_verify_reads_each_version_once_and_asks_once_for_its_lock(
    archive: Archive, proxies: dict[str, FaultProxy]
) -> None:
    report = verify_archive(archive, pause=lambda: None)
    assert report.whole
    for proxy in proxies.values():
        check_verified(proxy, report.objects)


def test_verify_of_a_share_asks_for_no_lock_beyond_it(
    archive: Archive, proxies: dict[str, FaultProxy]
) -> None:
    report = verify_archive(archive, subset=Subset(1, 3), pause=lambda: None)
    assert report.whole
    read = report.sites["primary"].objects
    assert 0 < read < report.objects
    for proxy in proxies.values():
        check_verified(proxy, read)


class Meeting:
    """A site that answers the first two questions for a lock only when both have been asked."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._asked = itertools.count()
        self._both = threading.Barrier(2, timeout=20)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        if next(self._asked) < 2:
            self._both.wait()
        return self._site.stat(key, version)


def test_a_plan_asks_for_the_locks_of_what_both_sites_list_and_several_at_once(
    archive: Archive, proxies: dict[str, FaultProxy]
) -> None:
    primary: Any = Meeting(archive.sites["primary"])
    plan = plan_restore(archive.sites["standby"], primary, name="primary")
    assert plan.todo.objects == 0
    assert plan.total.objects > OBJECTS
    for proxy in proxies.values():
        assert of_objects(proxy) == {"HEAD": plan.total.objects}


def test_a_restore_into_an_empty_bucket_asks_for_no_lock_that_it_did_not_set(
    archive: Archive, proxies: dict[str, FaultProxy], minio_a: Endpoint
) -> None:
    through = Endpoint(proxies["primary"].url, minio_a.access_key, minio_a.secret_key)
    url = through.site_url(minio_a.new_bucket())
    empty = open_site("primary", url, home=archive.home, archive="", clock=archive.clock)
    plan = plan_restore(archive.sites["standby"], empty, name="primary")
    for proxy in proxies.values():
        assert of_objects(proxy) == {}
    for proxy in proxies.values():
        proxy.clear()
    copied = restore_site(plan, archive.sites["standby"], empty).copied.objects
    empty.close()
    assert copied == plan.todo.objects == plan.total.objects > OBJECTS
    # At the source the bytes with their lock; at the target the put, and its lock read back. No listing.
    assert of_objects(proxies["standby"]) == {"GET": copied}
    for proxy in proxies.values():
        assert not [seen.path for seen in proxy.seen if "versions" in urlsplit(seen.path).query.split("&")]
    assert of_objects(proxies["primary"]) == {"PUT": copied, "HEAD": copied}


def test_a_restore_stores_nothing_of_wrong_bytes_and_finds_the_right_ones_below(
    archive: Archive, proxies: dict[str, FaultProxy], minio_pair: tuple[Endpoint, Endpoint]
) -> None:
    """Somebody put other bytes of the same size over an object at the source."""
    source, (first, second) = archive.sites["standby"], minio_pair
    key = next(found.key for found in source.list("batch/") if found.key.endswith(".messages.parquet"))
    right = source.get(key)
    place = parse_site_url(archive.endpoint("standby"))
    assert isinstance(place, S3Url)
    second.client().put_object(Bucket=place.bucket, Key=key, Body=right[:-1] + b"?")
    through = Endpoint(proxies["primary"].url, first.access_key, first.secret_key)
    url = through.site_url(first.new_bucket())
    empty = open_site("primary", url, home=archive.home, archive="", clock=archive.clock)
    plan = plan_restore(source, empty, name="primary")
    report = restore_site(plan, source, empty)
    assert report.whole
    assert report.copied.objects == plan.todo.objects
    assert [empty.get(key, found.version) for found in empty.versions(key)] == [right]
    empty.close()
