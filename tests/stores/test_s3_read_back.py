"""A server that says yes and holds something else: what it was given is compared with what it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.stores.probe.faulty_s3 import FaultyS3, faulty_s3
from tests.stores.probe.worm_model import S3Error, Version, WormModel
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.stores import S3Url, StoredVersion, parse_site_url
from vanvault.archiver.stores.credentials import Credentials, SiteCredentials
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.s3.site import S3Site

KEY = "batch/0abcdefghjkmnpqr/0000000001-00ff.messages.parquet"
DATA = b"an original message" * 100
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)
USER = Credentials("admin", "unchecked-secret")
#: Harms the version that a server has just stored.
Harm = Callable[[Version], None]


class Server:
    """A model of a store that harms the next versions, or loses the answers to their puts."""

    def __init__(self, store: FaultyS3) -> None:
        store.become((), lambda: datetime.now(UTC))
        self.model: WormModel = store.model
        self.model.make("a-bucket")
        self.harm: Harm = lambda version: None
        self.lost = 0
        self.puts = 0
        stored = self.model.put

        def put(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> Version:
            self.puts += 1
            version = stored(bucket, key, body, headers)
            self.harm(version)
            if self.lost:
                self.lost -= 1
                raise S3Error("InternalError", 500)
            return version

        self.model.put = put  # type: ignore[method-assign,assignment]

    def versions(self) -> list[Version]:
        return self.model.bucket("a-bucket").keys.get(KEY, [])


@pytest.fixture(scope="module")
def store() -> Iterator[FaultyS3]:
    with faulty_s3() as found:
        yield found


@pytest.fixture
def server(store: FaultyS3) -> Server:
    return Server(store)


@pytest.fixture
def site(store: FaultyS3, server: Server) -> Iterator[S3Site]:
    place = parse_site_url(f"s3+{store.url}/a-bucket")
    assert isinstance(place, S3Url)
    found = S3Site(
        place,
        "primary",
        credentials=SiteCredentials(USER, USER, USER),
        clock=SystemClock(),
        options=S3Options(),
        patience=Patience(3, sleep=lambda _: None),
    )
    yield found
    found.close()


def put(site: S3Site) -> StoredVersion:
    return site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=UNTIL)


def cut(version: Version) -> None:
    version.body = version.body[:-1]


def grown(version: Version) -> None:
    version.body += b"x"


def other(version: Version) -> None:
    version.body = bytes(len(version.body))


def earlier(version: Version) -> None:
    version.until = UNTIL - timedelta(seconds=1)


def later(version: Version) -> None:
    version.until = UNTIL + timedelta(seconds=1)


def unlocked(version: Version) -> None:
    version.mode, version.until = "", None


def governed(version: Version) -> None:
    version.mode = "GOVERNANCE"


@pytest.mark.parametrize("harm", [cut, grown, earlier, later, unlocked, governed])
def test_what_a_server_shows_must_be_what_it_was_given(site: S3Site, server: Server, harm: Harm) -> None:
    assert put(site).retain_until == UNTIL
    server.harm = harm
    with pytest.raises(Damaged) as caught:
        put(site)
    assert (caught.value.key, caught.value.site) == (KEY, "primary")


@pytest.mark.parametrize("harm", [None, cut, other, earlier, later, unlocked])
def test_a_put_whose_answer_was_lost_is_found_with_its_bytes_and_its_lock_or_done_again(
    site: S3Site, server: Server, harm: Harm | None
) -> None:
    if harm is not None:
        first = harm
        server.harm = lambda version: first(version) if server.puts == 1 else None
    server.lost = 1
    stored = put(site)
    assert (stored.size, stored.retain_until) == (len(DATA), UNTIL)
    assert server.puts == len(server.versions()) == (1 if harm is None else 2)
    assert stored.version == server.versions()[-1].id


def test_a_put_whose_answers_are_all_lost_may_be_stored(site: S3Site, server: Server) -> None:
    server.harm, server.lost = cut, 3
    with pytest.raises(SiteUnavailable) as caught:
        put(site)
    assert caught.value.may_be_stored


def test_a_server_that_keeps_no_versions_is_refused(site: S3Site, server: Server) -> None:
    def unversioned(version: Version) -> None:
        version.id = "null"

    server.harm = unversioned
    with pytest.raises(Damaged, match="keeps no versions"):
        put(site)


def test_an_extension_is_read_back(site: S3Site, server: Server) -> None:
    version = put(site).version
    wanted = UNTIL + timedelta(days=5)
    assert site.extend(KEY, version, wanted).retain_until == wanted
    server.model.retain = lambda *_, **__: None  # type: ignore[method-assign]
    with pytest.raises(Damaged, match="shows another date"):
        site.extend(KEY, version, wanted + timedelta(days=1))
