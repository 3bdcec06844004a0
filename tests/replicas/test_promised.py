"""The reader of the bytes that a name promises: which version it gives, and why it gives none."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.contract.harness import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.names import large_key
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.replicas import answers, holds, read_anywhere, read_version
from vanvault.archiver.replicas.promised import read_whole

DATA = b"the right bytes"
DIGEST = hashlib.sha256(DATA).digest()
KEY = large_key("1m80yt0rdsqw5e1d", 4, DIGEST)


def site_with(*versions: bytes, name: str = "primary") -> MemorySite:
    """A site with these versions of KEY, oldest first."""
    clock = ManualClock()
    site = MemorySite(name, clock=clock)
    until = clock.now().replace(microsecond=0) + timedelta(days=9)
    for data in versions:
        site.put(KEY, data, sha256=hashlib.sha256(data).digest(), retain_until=until)
    return site


def gets(site: MemorySite) -> int:
    return [call.operation for call in site.calls].count("get")


def test_the_newest_version_is_read_with_one_request() -> None:
    site = site_with(DATA, DATA)
    assert read_whole(site, KEY) == DATA
    assert [call.operation for call in site.calls[2:]] == ["get"]


def test_below_a_wrong_newest_version_an_older_right_one_is_found() -> None:
    site = site_with(DATA, b"wrong", b"worse")
    assert read_whole(site, KEY) == DATA
    assert read_version(site, KEY) == (DATA, site.versions(KEY)[2])
    assert read_version(site, KEY, site.versions(KEY)[1:]) == (DATA, site.versions(KEY)[2])


def test_of_several_right_versions_the_newest_is_given() -> None:
    site = site_with(DATA, DATA, b"wrong")
    assert read_version(site, KEY)[1] == site.versions(KEY)[1]


def test_a_version_that_is_known_is_read_first_and_only_believed_by_its_bytes() -> None:
    site = site_with(DATA, b"wrong", DATA, b"worse")
    worse, third, wrong, first = (found.version for found in site.versions(KEY))
    site.calls.clear()
    assert read_whole(site, KEY, first) == DATA
    assert [(call.operation, call.version) for call in site.calls] == [("get", first)]
    for version in (third, wrong, worse, "gone"):
        assert read_whole(site, KEY, version) == DATA
    site.fail_next("get")
    assert read_whole(site, KEY, first) == DATA, "the site answers, so it is this version that it cannot read"


def test_a_site_that_is_away_is_not_asked_for_other_versions_than_the_known_one() -> None:
    site = site_with(DATA, DATA)
    version = site.versions(KEY)[0].version
    site.fail_next("get")
    site.fail_next("now")
    with pytest.raises(SiteUnavailable):
        read_anywhere({"a": site}, KEY, {"primary": version})


def test_no_version_is_told_from_no_right_version() -> None:
    for read in (read_whole, read_version):
        with pytest.raises(NotFound):
            read(site_with(), KEY)
        with pytest.raises(Damaged):
            read(site_with(b"wrong"), KEY)
    with pytest.raises(NotFound):
        read_version(site_with(), KEY, ())


def test_versions_that_are_gone_since_they_were_listed_are_not_damage() -> None:
    site, listed = site_with(), site_with(DATA, DATA).versions(KEY)
    with pytest.raises(NotFound):
        read_version(site, KEY, listed)


@pytest.mark.parametrize("key", ["notes/readme", "", DIGEST.hex()])
def test_what_is_no_name_promises_nothing(key: str) -> None:
    for read in (read_whole, read_version):
        with pytest.raises(Damaged, match="not the name"):
            read(site_with(DATA), key)


def test_a_version_that_cannot_be_read_is_passed_over_where_the_site_answers() -> None:
    site = site_with(DATA, DATA)
    site.fail_next("get")
    assert read_version(site, KEY)[1] == site.versions(KEY)[1]


def test_an_object_of_which_no_version_can_be_read_is_unavailable_at_a_site_that_answers() -> None:
    site = site_with(b"wrong", DATA)
    site.fail_next("get")
    with pytest.raises(SiteUnavailable):
        read_version(site, KEY)
    assert answers(site)


def test_a_site_that_is_away_is_asked_once() -> None:
    site = site_with(DATA, DATA)
    site.fail_next("get")
    site.fail_next("now")
    with pytest.raises(SiteUnavailable):
        read_version(site, KEY)
    assert gets(site) == 1


def test_the_first_site_with_the_right_bytes_gives_them() -> None:
    away, other, good = site_with(DATA, name="a"), site_with(b"wrong", name="b"), site_with(DATA, name="c")
    away.fail_next("get")
    assert read_anywhere({"a": away, "b": other, "c": good}, KEY) == DATA


def test_what_an_absent_site_may_hold_is_neither_missing_nor_damaged() -> None:
    for other in (site_with(), site_with(b"wrong")):
        for order in ((0, 1), (1, 0)):
            away = site_with(DATA, name="away")
            away.fail_next("get")
            both = (("away", away), ("other", other))
            with pytest.raises(SiteUnavailable):
                read_anywhere({both[i][0]: both[i][1] for i in order}, KEY)


def test_damage_is_told_before_absence() -> None:
    with pytest.raises(Damaged):
        read_anywhere({"a": site_with(b"wrong"), "b": site_with()}, KEY)
    with pytest.raises(NotFound):
        read_anywhere({"a": site_with(), "b": site_with()}, KEY)


def test_a_version_holds_a_digest_or_not() -> None:
    site = site_with(b"wrong", DATA)
    newest, older = site.versions(KEY)
    assert holds(site, newest, DIGEST)
    assert not holds(site, older, DIGEST)
    assert not holds(site_with(), newest, DIGEST)
    site.fail_next("get")
    with pytest.raises(SiteUnavailable):
        holds(site, newest, DIGEST)
