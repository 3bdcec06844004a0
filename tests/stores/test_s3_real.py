"""The S3 site on real servers, beyond the contract: the wire, delete markers, pages, parts, bad buckets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.contract.harness import s3_site
from tests.servers.endpoint import Endpoint
from vanvault.archiver.core.errors import (
    Damaged,
    LockRefused,
    NotFound,
    SettingsError,
    SiteUnavailable,
    TooLarge,
)
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import Credentials, Site, StoredVersion, Stray, create_site, open_site
from vanvault.archiver.stores.s3.disposal import DisposableS3Site

NO_VERSION = "00000000-0000-4000-8000-000000000000"
DATA = b"an original message"
KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"


@pytest.fixture
def bucket(endpoint: Endpoint) -> str:
    return endpoint.new_bucket("store")


@pytest.fixture
def site(endpoint: Endpoint, bucket: str) -> Iterator[DisposableS3Site]:
    found = s3_site(endpoint, bucket)
    yield found
    found.close()


def put(site: Site, data: bytes = DATA, key: str = KEY) -> StoredVersion:
    until = (site.now() + timedelta(minutes=10)).replace(microsecond=0)
    return site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)


class Wire:
    """What boto3 hands to HTTP for the writer."""

    def __init__(self, site: DisposableS3Site) -> None:
        self.requests: list[Any] = []
        for bucket in site.buckets:
            bucket.client.meta.events.register("before-send.s3", self._note)

    def _note(self, request: Any, **_: Any) -> None:
        self.requests.append(request)


class TestWire:
    def test_a_put_is_one_put_and_one_head(self, site: DisposableS3Site) -> None:
        until = (site.now() + timedelta(minutes=10)).replace(microsecond=0)
        wire = Wire(site)
        site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
        assert [request.method for request in wire.requests] == ["PUT", "HEAD"]
        headers = {name.lower(): value for name, value in wire.requests[0].headers.items()}
        text = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()
        }
        assert text["x-amz-object-lock-mode"] == "COMPLIANCE"
        assert text["x-amz-object-lock-retain-until-date"].startswith(f"{until:%Y-%m-%dT%H:%M:%S}")
        assert text["x-amz-content-sha256"] == hashlib.sha256(DATA).hexdigest()
        assert text["content-md5"]
        assert not [name for name in text if name.startswith("x-amz-checksum")]

    def test_bytes_and_their_lock_are_one_get(self, site: DisposableS3Site) -> None:
        stored = put(site)
        wire = Wire(site)
        assert site.get_locked(KEY, stored.version) == (DATA, stored)
        assert [request.method for request in wire.requests] == ["GET"]

    def test_a_wrong_digest_is_refused_by_the_server(self, site: DisposableS3Site) -> None:
        """The digest in the signature is the caller's, not one that boto3 computed on the way."""
        until = (site.now() + timedelta(minutes=10)).replace(microsecond=0)
        with pytest.raises(SiteUnavailable) as caught:
            site.put(KEY, DATA, sha256=hashlib.sha256(b"other").digest(), retain_until=until)
        assert not caught.value.may_be_stored
        assert site.versions(KEY) == []


class TestLocks:
    def test_the_server_itself_defends_the_lock(
        self, site: DisposableS3Site, endpoint: Endpoint, bucket: str
    ) -> None:
        stored = put(site)
        with pytest.raises(ClientError):
            endpoint.client().delete_object(Bucket=bucket, Key=KEY, VersionId=stored.version)
        assert site.get(KEY, stored.version) == DATA

    def test_a_delete_marker_hides_nothing(
        self, site: DisposableS3Site, endpoint: Endpoint, bucket: str
    ) -> None:
        stored = put(site)
        marker = endpoint.client().delete_object(Bucket=bucket, Key=KEY)["VersionId"]
        assert site.get(KEY) == DATA
        assert site.get_range(KEY, 3, 8) == DATA[3:11]
        assert site.stat(KEY) == stored
        assert site.versions(KEY) == [stored]
        assert [version.version for version in site.list()] == [stored.version]
        assert list(site.strays()) == [Stray(f"{KEY} (delete marker {marker})", hides=KEY)]
        put(site)
        assert list(site.strays()) == []

    def test_a_delete_marker_alone_hides_nothing_of_ours(
        self, site: DisposableS3Site, endpoint: Endpoint, bucket: str
    ) -> None:
        client = endpoint.client()
        version = client.put_object(Bucket=bucket, Key=KEY, Body=b"not locked")["VersionId"]
        marker = client.delete_object(Bucket=bucket, Key=KEY)["VersionId"]
        client.delete_object(Bucket=bucket, Key=KEY, VersionId=version)
        assert list(site.strays()) == [Stray(f"{KEY} (delete marker {marker})")]

    def test_versions_and_markers_of_one_key(
        self, site: DisposableS3Site, endpoint: Endpoint, bucket: str
    ) -> None:
        first = put(site, b"first")
        endpoint.client().delete_object(Bucket=bucket, Key=KEY)
        second = put(site, b"second")
        endpoint.client().delete_object(Bucket=bucket, Key=KEY)
        assert site.versions(KEY) == [second, first]
        assert site.get(KEY) == b"second"

    def test_an_overwrite_by_others_is_a_version_without_a_lock(
        self, site: DisposableS3Site, endpoint: Endpoint, bucket: str
    ) -> None:
        stored = put(site)
        endpoint.client().put_object(Bucket=bucket, Key=KEY, Body=b"forged")
        newest, oldest = site.versions(KEY)
        assert (newest.retain_until, oldest) == (None, stored)
        assert site.get(KEY, stored.version) == DATA

    def test_keys_of_others_are_strays(self, site: DisposableS3Site, endpoint: Endpoint, bucket: str) -> None:
        version = endpoint.client().put_object(Bucket=bucket, Key="Not Ours", Body=b"x")["VersionId"]
        assert list(site.list()) == []
        assert list(site.strays()) == [Stray(f"Not Ours (version {version})")]


class TestFarDates:
    def test_with_the_probes_word_they_are_tried_and_read_back(self, endpoint: Endpoint, bucket: str) -> None:
        """Ceph 16 lets such a date wrap into the past: the read-back must notice."""
        site = s3_site(endpoint, bucket, options=S3Options(far_dates_ok=True))
        until = datetime(2110, 1, 1, tzinfo=UTC)
        try:
            stored = site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
        except Damaged as error:
            assert "2110" in error.message
        else:
            assert site.stat(KEY, stored.version).retain_until == until
        site.close()


class TestPages:
    def test_a_listing_goes_on_over_pages(self, endpoint: Endpoint, bucket: str) -> None:
        """Pages of three lines end within keys of four lines, delete markers among them."""
        client = endpoint.client()
        site = s3_site(endpoint, bucket, options=S3Options(page=3))
        stored = {}
        for key in "abc":
            stored[key] = [put(site, b"first", key), put(site, b"second", key)]
            client.delete_object(Bucket=bucket, Key=key)
            stored[key].append(put(site, b"third", key))
        newest_first = {key: [found.version for found in reversed(stored[key])] for key in "abc"}
        assert [found.version for found in site.list()] == [
            *newest_first["a"],
            *newest_first["b"],
            *newest_first["c"],
        ]
        assert [found.version for found in site.list(after="a")] == [*newest_first["b"], *newest_first["c"]]
        assert [found.version for found in site.versions("b")] == newest_first["b"]
        assert list(site.strays()) == []
        for key in "abc":
            client.delete_object(Bucket=bucket, Key=key)
        assert [stray.hides for stray in site.strays()] == ["a", "b", "c"]
        site.close()

    def test_the_first_key_of_many_costs_a_short_page_and_all_of_them_few_pages(
        self, site: DisposableS3Site
    ) -> None:
        keys = [f"{number:03}" for number in range(130)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: put(site, key=key), keys))
        pages: list[int] = []

        def note(request: Any, **_: Any) -> None:
            pages.append(int(parse_qs(urlsplit(request.url).query)["max-keys"][0]))

        for bucket in site.buckets:
            bucket.client.meta.events.register("before-send.s3.ListObjectVersions", note)
        assert next(iter(site.list())).key == "000"
        assert pages == [10]
        pages.clear()
        assert [found.key for found in site.list()] == keys
        assert pages == [10, 100, 1000]


class TestSizes:
    def test_over_the_bound_without_multipart(self, endpoint: Endpoint, bucket: str) -> None:
        site = s3_site(endpoint, bucket, options=S3Options(max_single_put_bytes=10))
        with pytest.raises(TooLarge):
            put(site)
        assert site.versions(KEY) == []
        site.close()

    def test_in_parts_either_locked_or_refused(self, endpoint: Endpoint, bucket: str) -> None:
        """Ceph 16 drops the lock of a multipart object: the read-back must notice."""
        data = bytes(range(256)) * (6 * 2**20 // 256)
        site = s3_site(endpoint, bucket, options=S3Options(max_single_put_bytes=5 * 2**20, multipart_ok=True))
        try:
            stored = put(site, data)
        except Damaged as error:
            assert "no lock" in error.message
        else:
            assert site.stat(KEY, stored.version) == stored
            assert site.get(KEY, stored.version) == data
        site.close()


class TestTrouble:
    def test_no_such_bucket(self, endpoint: Endpoint) -> None:
        site = s3_site(endpoint, "no-such-bucket")
        for call in (
            site.now,
            lambda: site.get(KEY),
            lambda: site.get(KEY, NO_VERSION),
            lambda: site.stat(KEY),
            lambda: site.stat(KEY, NO_VERSION),
            lambda: site.versions(KEY),
            lambda: list(site.list()),
        ):
            with pytest.raises(SiteUnavailable) as caught:
                call()
            assert not caught.value.may_be_stored
        site.close()

    def test_a_bucket_without_object_lock(self, endpoint: Endpoint) -> None:
        name = f"plain-{endpoint.new_bucket('x')}"
        endpoint.client().create_bucket(Bucket=name)
        site = s3_site(endpoint, name)
        with pytest.raises((SiteUnavailable, Damaged)):
            put(site)
        site.close()

    @pytest.mark.parametrize("wrong", ["access", "secret"])
    def test_wrong_credentials_are_named(self, endpoint: Endpoint, bucket: str, wrong: str) -> None:
        given = Endpoint(
            endpoint.url,
            "nobody-at-all" if wrong == "access" else endpoint.access_key,
            "not-the-secret" if wrong == "secret" else endpoint.secret_key,
        )
        site = s3_site(given, bucket)
        for call in (
            lambda: put_at(site),
            lambda: site.stat(KEY, NO_VERSION),
            lambda: site.get(KEY),
            site.now,
        ):
            with pytest.raises(SiteUnavailable) as caught:
                call()
            assert not caught.value.may_be_stored
            assert "credentials" in caught.value.hint
            assert given.secret_key not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
        site.close()

    def test_where_nobody_listens_nothing_may_be_stored(self, bucket: str) -> None:
        site = s3_site(Endpoint("http://127.0.0.1:9", "someone", "some-secret"), bucket)
        with pytest.raises(SiteUnavailable) as caught:
            put_at(site)
        assert not caught.value.may_be_stored
        site.close()


def put_at(site: Site) -> None:
    """A put that asks the site nothing before."""
    until = SystemClock().now().replace(microsecond=0) + timedelta(minutes=10)
    site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)


class TestOpen:
    def environment(self, endpoint: Endpoint) -> dict[str, str]:
        return {
            "VANVAULT_PRIMARY_ACCESS_KEY": endpoint.access_key,
            "VANVAULT_PRIMARY_SECRET_KEY": endpoint.secret_key,
        }

    def create(self, endpoint: Endpoint, bucket: str, home: Path) -> None:
        create_site(
            "primary",
            endpoint.site_url(bucket),
            home=home,
            archive="test",
            clock=SystemClock(),
            environment=self.environment(endpoint),
        )

    def test_from_url_and_environment(self, endpoint: Endpoint, tmp_path: Path) -> None:
        name = f"made-{endpoint.new_bucket('x')}"
        self.create(endpoint, name, tmp_path)
        self.create(endpoint, name, tmp_path)
        site = open_site(
            "primary",
            endpoint.site_url(name),
            home=tmp_path,
            archive="test",
            clock=SystemClock(),
            environment=self.environment(endpoint),
        )
        stored = put(site)
        assert site.get(KEY, stored.version) == DATA
        with pytest.raises(LockRefused):
            site.extend(KEY, stored.version, site.now() + timedelta(minutes=1))
        with pytest.raises(NotFound):
            site.get("nothing/here")
        with pytest.raises(SettingsError, match="not empty"):
            self.create(endpoint, name, tmp_path)
        site.close()

    def test_a_bucket_without_object_lock_is_refused(self, endpoint: Endpoint, tmp_path: Path) -> None:
        name = f"plain-{endpoint.new_bucket('x')}"
        endpoint.client().create_bucket(Bucket=name)
        with pytest.raises(SettingsError, match="Object Lock"):
            self.create(endpoint, name, tmp_path)

    def test_credentials_that_may_not(self, endpoint: Endpoint, bucket: str, tmp_path: Path) -> None:
        stranger = Endpoint(endpoint.url, "nobody-at-all", "not-the-secret")
        with pytest.raises(SettingsError):
            self.create(stranger, bucket, tmp_path)

    def test_new_credentials_serve_after_trouble(
        self, endpoint: Endpoint, bucket: str, tmp_path: Path
    ) -> None:
        environment = {**self.environment(endpoint), "VANVAULT_PRIMARY_SECRET_KEY": "has-expired"}
        site = open_site(
            "primary",
            endpoint.site_url(bucket),
            home=tmp_path,
            archive="test",
            clock=SystemClock(),
            environment=environment,
        )
        with pytest.raises(SiteUnavailable):
            put_at(site)
        environment.update(self.environment(endpoint))
        put_at(site)
        site.close()


def test_secrets_stay_out_of_what_is_printed() -> None:
    assert "hidden" not in repr(Credentials("known", "hidden"))
