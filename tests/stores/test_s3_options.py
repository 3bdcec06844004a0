"""How the S3 site talks: who acts for which duty, path or virtual style, its own authority for TLS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from urllib3 import HTTPResponse

from tests.contract.harness import s3_site
from tests.servers.endpoint import Endpoint
from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import Credentials, S3Url
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.s3.site import S3Site

from .tls_proxy import TlsProxy

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
DATA = b"an original message"
DUTIES = SiteCredentials(
    Credentials("the-writer", "secret-1"),
    Credentials("the-reader", "secret-2"),
    Credentials("the-keeper", "secret-3"),
)


def offline_site(options: S3Options | None = None) -> tuple[S3Site, list[Any]]:
    """A site whose requests are taken down and denied."""
    site = S3Site(
        S3Url("http://store.example:9000", "bucket"),
        "primary",
        credentials=DUTIES,
        clock=SystemClock(),
        options=options,
    )
    taken: list[Any] = []

    def take(request: Any, **_: Any) -> AWSResponse:
        taken.append(request)
        body = b"<Error><Code>AccessDenied</Code></Error>"
        return AWSResponse(request.url, 403, {}, HTTPResponse(BytesIO(body), preload_content=False))

    for bucket in site.buckets:
        bucket.client.meta.events.register("before-send.s3", take)
    return site, taken


def put(site: S3Site) -> None:
    until = SystemClock().now().replace(microsecond=0) + timedelta(minutes=10)
    site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)


def signers(requests: list[Any]) -> set[str]:
    texts = [request.headers["Authorization"] for request in requests]
    lines = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return {line.partition("Credential=")[2].partition("/")[0] for line in lines}


@pytest.mark.parametrize("region", ["", "eu-south-1"])
def test_a_bucket_is_made_with_object_lock_where_it_is_asked_for(region: str) -> None:
    site, taken = offline_site()
    with pytest.raises(ClientError, match="AccessDenied"):
        site.buckets[0].wire.make_bucket(region)
    (request,) = taken
    assert (request.method, urlsplit(request.url).path) == ("PUT", "/bucket")
    assert request.headers["X-Amz-Bucket-Object-Lock-Enabled"] == "true"
    assert request.headers["X-Amz-Content-SHA256"] == hashlib.sha256(request.body).hexdigest()
    named = b"<LocationConstraint>eu-south-1</LocationConstraint>"
    assert (named in request.body) if region else request.body == b""


def test_each_duty_signs_with_its_own_key() -> None:
    later = SystemClock().now().replace(microsecond=0) + timedelta(days=1)
    site, taken = offline_site()
    for call, signer in (
        (lambda: put(site), "the-writer"),
        (lambda: site.get(KEY), "the-reader"),
        (lambda: site.get_range(KEY, 0, 5, "v"), "the-reader"),
        (lambda: site.stat(KEY, "v"), "the-reader"),
        (lambda: site.versions(KEY), "the-reader"),
        (lambda: list(site.list()), "the-reader"),
        (lambda: list(site.strays()), "the-reader"),
        (lambda: site.now(), "the-reader"),
        (lambda: site.extend(KEY, "v", later), "the-keeper"),
    ):
        taken.clear()
        with pytest.raises(SiteUnavailable):
            call()
        assert signers(taken) == {signer}
    site.close()


def test_a_denied_put_is_not_repeated() -> None:
    site, taken = offline_site()
    with pytest.raises(SiteUnavailable):
        put(site)
    assert len(taken) == 1
    site.close()


@pytest.mark.parametrize(
    ("style", "start"),
    [
        ("path", "http://store.example:9000/bucket/batch/"),
        ("virtual", "http://bucket.store.example:9000/batch/"),
    ],
)
def test_path_or_virtual_style(style: Any, start: str) -> None:
    site, taken = offline_site(S3Options(addressing=style))
    with suppress(VanVaultError):
        put(site)
    assert taken[0].url.startswith(start)
    site.close()


def test_a_missing_profile_of_the_user_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    site, _ = offline_site()
    site.close()


class TestTls:
    @pytest.fixture
    def proxy(self, endpoint: Endpoint, tmp_path: Path) -> Iterator[TlsProxy]:
        found = TlsProxy(int(endpoint.url.rpartition(":")[2]), tmp_path)
        yield found
        found.close()

    def secure(self, endpoint: Endpoint, proxy: TlsProxy) -> Endpoint:
        return Endpoint(f"https://127.0.0.1:{proxy.port}", endpoint.access_key, endpoint.secret_key)

    def test_with_the_authority_of_the_settings(self, endpoint: Endpoint, proxy: TlsProxy) -> None:
        options = S3Options(ca_file=str(proxy.certificate))
        site = s3_site(self.secure(endpoint, proxy), endpoint.new_bucket("tls"), options=options)
        until = SystemClock().now().replace(microsecond=0) + timedelta(minutes=10)
        requests: list[Any] = []
        for bucket in site.buckets:
            bucket.client.meta.events.register(
                "before-send.s3", lambda request, **_: requests.append(request)
            )
        stored = site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
        assert site.get(KEY, stored.version) == DATA
        assert site.extend(KEY, stored.version, until + timedelta(days=1)).version == stored.version
        digest = requests[0].headers["X-Amz-Content-SHA256"]
        assert digest in (hashlib.sha256(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest().encode())
        site.close()

    def test_with_an_authority_of_the_system(
        self, endpoint: Endpoint, proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        site = s3_site(self.secure(endpoint, proxy), endpoint.new_bucket("tls-system"))
        put(site)  # raises when the certificate is not trusted
        site.close()

    def test_an_unknown_authority_is_not_trusted(self, endpoint: Endpoint, proxy: TlsProxy) -> None:
        site = s3_site(self.secure(endpoint, proxy), "bucket", patience=Patience(1))
        with pytest.raises(SiteUnavailable):
            put(site)
        site.close()
