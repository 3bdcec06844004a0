"""What every WORM store does, whatever it is made of. Where stores may differ, capabilities decide."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from vanvault.archiver.core.errors import InvalidInput, LockRefused, NotFound
from vanvault.archiver.stores import Oversize, StoredVersion

from .harness import DisposableSite, Harness


class OffClock:
    """A host's clock that differs from the store's."""

    def __init__(self, site: DisposableSite, by: timedelta = timedelta()) -> None:
        self._site = site
        self._by = by

    def now(self) -> datetime:
        return self._site.now() + self._by


DATA = b"an original message"


def put(
    site: DisposableSite, key: str, data: bytes = DATA, *, until: datetime | None = None
) -> StoredVersion:
    """Put with the right digest, locked for a day unless told otherwise."""
    retain_until = until or in_future(site, timedelta(days=1))
    return site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=retain_until)


def in_future(site: DisposableSite, by: timedelta) -> datetime:
    return (site.now() + by).replace(microsecond=0)


def as_listed(site: DisposableSite, *versions: StoredVersion) -> list[StoredVersion]:
    """What list() shows of these versions: not every store tells the locks there."""
    if site.capabilities.list_shows_locks:
        return list(versions)
    return [replace(version, retain_until=None) for version in versions]


def all_of(site: DisposableSite, prefix: str, after: str = "") -> list[str]:
    return [version.key for version in site.list(prefix, after)]


class TestPutAndGet:
    @pytest.mark.parametrize("size", [0, 1, 4095, 1_000_003])
    def test_bytes_come_back(self, site: DisposableSite, room: str, size: int) -> None:
        data = bytes(index * 7 % 251 for index in range(size))
        stored = put(site, f"{room}/a", data)
        assert site.get(f"{room}/a") == data
        assert site.get(f"{room}/a", stored.version) == data

    def test_any_buffer_is_taken(self, site: DisposableSite, room: str) -> None:
        view = memoryview(b"..original..")[2:-2]
        digest = hashlib.sha256(view).digest()
        site.put(f"{room}/a", view, sha256=digest, retain_until=in_future(site, timedelta(days=1)))
        assert site.get(f"{room}/a") == b"original"

    def test_put_reports_what_stat_reads_back(self, site: DisposableSite, room: str) -> None:
        until = in_future(site, timedelta(days=400))
        before = site.now()
        stored = put(site, f"{room}/a", until=until)
        assert stored == site.stat(f"{room}/a", stored.version) == site.stat(f"{room}/a")
        assert (stored.key, stored.size, stored.retain_until) == (f"{room}/a", len(DATA), until)
        assert stored.version
        assert abs(stored.stored_at - before) < timedelta(seconds=30)

    def test_the_bytes_of_a_version_come_with_its_lock(self, site: DisposableSite, room: str) -> None:
        first, second = put(site, f"{room}/a", b"first"), put(site, f"{room}/a", b"second")
        assert site.get_locked(f"{room}/a", second.version) == (b"second", second)
        assert site.get_locked(f"{room}/a", first.version, most=5) == (b"first", first)
        longer = site.extend(f"{room}/a", first.version, in_future(site, timedelta(days=9)))
        assert longer.retain_until != first.retain_until
        assert site.get_locked(f"{room}/a", first.version) == (b"first", longer)
        with pytest.raises(Oversize):
            site.get_locked(f"{room}/a", first.version, most=4)

    def test_a_date_in_another_zone_is_the_same_moment(self, site: DisposableSite, room: str) -> None:
        until = in_future(site, timedelta(days=1)).astimezone(timezone(timedelta(hours=7)))
        assert put(site, f"{room}/a", until=until).retain_until == until

    def test_a_second_put_adds_a_version_and_keeps_the_first(self, site: DisposableSite, room: str) -> None:
        first = put(site, f"{room}/a", b"first")
        second = put(site, f"{room}/a", b"second")
        assert first.version != second.version
        assert site.get(f"{room}/a", first.version) == b"first"
        assert site.get(f"{room}/a", second.version) == b"second"
        assert site.get(f"{room}/a") == b"second"
        assert [found.version for found in site.versions(f"{room}/a")] == [second.version, first.version]

    def test_everything_survives_a_restart(self, harness: Harness, room: str) -> None:
        stored = put(harness.site, f"{room}/a")
        later = in_future(harness.site, timedelta(days=9))
        harness.site.extend(f"{room}/a", stored.version, later)
        again = harness.reopen()
        assert again.get(f"{room}/a", stored.version) == DATA
        assert again.stat(f"{room}/a", stored.version).retain_until == later

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, 4, b"0123"),
            (3, 4, b"3456"),
            (8, 9, b"89"),
            (10, 5, b""),
            (99, 5, b""),
            (0, 0, b""),
            (0, 10, b"0123456789"),
        ],
    )
    def test_ranges_are_read(
        self, site: DisposableSite, room: str, offset: int, length: int, expected: bytes
    ) -> None:
        stored = put(site, f"{room}/a", b"0123456789")
        assert site.get_range(f"{room}/a", offset, length) == expected
        assert site.get_range(f"{room}/a", offset, length, stored.version) == expected

    @pytest.mark.parametrize(("offset", "length"), [(-1, 5), (0, -1)])
    def test_ranges_are_not_negative(self, site: DisposableSite, room: str, offset: int, length: int) -> None:
        put(site, f"{room}/a")
        with pytest.raises(InvalidInput):
            site.get_range(f"{room}/a", offset, length)

    def test_what_is_not_there_is_not_found(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/here")
        assert site.versions(f"{room}/a") == []
        for key, version in (
            (f"{room}/a", None),
            (f"{room}/a", stored.version),
            (f"{room}/here", "no-such-version"),
        ):
            with pytest.raises(NotFound):
                site.get(key, version)
            with pytest.raises(NotFound):
                site.get_range(key, 0, 1, version)
            with pytest.raises(NotFound):
                site.stat(key, version)
            with pytest.raises(NotFound):
                site.get_locked(key, version or stored.version)
        with pytest.raises(NotFound):
            site.extend(f"{room}/a", stored.version, in_future(site, timedelta(days=9)))
        with pytest.raises(NotFound):
            site.delete(f"{room}/a", stored.version)


class TestLocks:
    def test_a_locked_version_is_not_deleted(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/a")
        with pytest.raises(LockRefused):
            site.delete(f"{room}/a", stored.version)
        assert site.get(f"{room}/a", stored.version) == DATA

    def test_a_lock_is_never_shortened(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/a", until=in_future(site, timedelta(days=9)))
        with pytest.raises(LockRefused):
            site.extend(f"{room}/a", stored.version, in_future(site, timedelta(days=8)))
        assert site.stat(f"{room}/a", stored.version) == stored

    def test_a_lock_is_extended_again_and_again(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/a")
        for days in (2, 30, 4000):
            later = in_future(site, timedelta(days=days))
            extended = site.extend(f"{room}/a", stored.version, later)
            assert extended == site.stat(f"{room}/a", stored.version)
            assert extended.retain_until == later
            assert (extended.version, extended.size) == (stored.version, stored.size)
        assert site.get(f"{room}/a", stored.version) == DATA

    def test_the_same_date_again_changes_nothing(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/a")
        assert stored.retain_until is not None
        assert site.extend(f"{room}/a", stored.version, stored.retain_until) == stored

    def test_extending_one_version_leaves_the_other(self, site: DisposableSite, room: str) -> None:
        first, second = put(site, f"{room}/a", b"first"), put(site, f"{room}/a", b"second")
        site.extend(f"{room}/a", first.version, in_future(site, timedelta(days=50)))
        assert site.stat(f"{room}/a", second.version) == second

    def test_after_expiry_a_version_may_go_and_only_that_one(self, harness: Harness, room: str) -> None:
        site = harness.site
        soon = in_future(site, harness.short_lock)
        expired = put(site, f"{room}/a", b"first", until=soon)
        locked = put(site, f"{room}/a", b"second")
        harness.wait_until(soon)
        site.delete(f"{room}/a", expired.version)
        assert site.versions(f"{room}/a") == [locked]
        with pytest.raises(NotFound):
            site.get(f"{room}/a", expired.version)

    def test_an_extension_outlives_the_first_date(self, harness: Harness, room: str) -> None:
        site = harness.site
        soon = in_future(site, harness.short_lock)
        stored = put(site, f"{room}/a", until=soon)
        site.extend(f"{room}/a", stored.version, in_future(site, timedelta(days=1)))
        harness.wait_until(soon)
        with pytest.raises(LockRefused):
            site.delete(f"{room}/a", stored.version)
        assert site.get(f"{room}/a", stored.version) == DATA

    def test_a_date_past_what_the_store_keeps_is_refused(self, site: DisposableSite, room: str) -> None:
        latest = site.capabilities.latest_retain_until
        if latest is None:
            pytest.skip("this store keeps any date, by its own word")
        stored = put(site, f"{room}/a")
        with pytest.raises(InvalidInput):
            put(site, f"{room}/b", until=latest + timedelta(seconds=1))
        with pytest.raises(InvalidInput):
            site.extend(f"{room}/a", stored.version, latest + timedelta(seconds=1))
        assert site.stat(f"{room}/a", stored.version) == stored
        assert site.versions(f"{room}/b") == []

    @pytest.mark.parametrize("year", [2036, 2039, 2106, 2200])
    def test_far_dates_read_back_exactly(self, site: DisposableSite, room: str, year: int) -> None:
        if not site.capabilities.exact_dates:
            pytest.skip("this store rounds dates, by its own word")
        until = datetime(year, 1, 31, 23, 59, 59, tzinfo=UTC)
        latest = site.capabilities.latest_retain_until
        if latest is not None and until > latest:
            pytest.skip("this store does not keep dates so far off, by its own word")
        assert put(site, f"{room}/a", until=until).retain_until == until
        assert site.stat(f"{room}/a").retain_until == until


class TestRefusals:
    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            "A",
            "ä",
            "a b",
            "a~b",
            "a\\b",
            "a\x00b",
            "a\n",
            "a" * 201,
            "a/" * 256 + "a",
        ],
    )
    def test_bad_keys_are_refused(self, site: DisposableSite, key: str) -> None:
        with pytest.raises(InvalidInput):
            put(site, key)
        for call in (site.get, site.stat, site.versions, lambda key: site.get_locked(key, "v1")):
            with pytest.raises(InvalidInput):
                call(key)

    def test_the_longest_keys_are_fine(self, site: DisposableSite, room: str) -> None:
        key = f"{room}/{'k' * 200}/{'l' * 200}"
        key += "/" + "m" * (512 - len(key) - 1)
        put(site, key)
        assert site.get(key) == DATA
        assert all_of(site, room) == [key]

    @pytest.mark.parametrize("size", [0, 31, 33])
    def test_a_digest_of_another_size(self, site: DisposableSite, room: str, size: int) -> None:
        with pytest.raises(InvalidInput):
            site.put(f"{room}/a", DATA, sha256=bytes(size), retain_until=in_future(site, timedelta(days=1)))

    def test_dates_that_lock_nothing(self, site: DisposableSite, room: str) -> None:
        tomorrow = in_future(site, timedelta(days=1))
        for until in (
            in_future(site, timedelta(days=-1)),
            tomorrow.replace(tzinfo=None),
            tomorrow.replace(microsecond=1),
        ):
            with pytest.raises(InvalidInput):
                put(site, f"{room}/a", until=until)
        assert site.versions(f"{room}/a") == []


class TestList:
    def test_versions_by_key_newest_first(self, site: DisposableSite, room: str) -> None:
        old = put(site, f"{room}/b", b"old")
        first = put(site, f"{room}/a")
        new = put(site, f"{room}/b", b"new")
        assert list(site.list(f"{room}/")) == as_listed(site, first, new, old)

    def test_code_point_order_across_folders(self, site: DisposableSite, room: str) -> None:
        names = ["a", "a-b", "a-b/c", "a.b", "a/b", "a/b/c", "a/c", "a0", "a_b", "ab", "abcdefg", "abcdefg-x"]
        names += ["abcdefg/y", "abcdefg0", "abcdefgh", "b/0000000001-x", "b/0000001000-x", "b/0000001000-x/z"]
        if not site.capabilities.keys_may_nest:
            names = [name for name in names if not any(other.startswith(f"{name}/") for other in names)]
        keys = [f"{room}/{name}" for name in names]
        for key in reversed(keys):
            put(site, key)
        assert all_of(site, f"{room}/") == sorted(keys)
        for after in keys:
            assert all_of(site, f"{room}/", after) == [key for key in sorted(keys) if key > after]

    def test_a_prefix_need_not_end_at_a_slash(self, site: DisposableSite, room: str) -> None:
        for name in ("aa/1", "ab/1", "ab/2", "b/1"):
            put(site, f"{room}/{name}")
        assert all_of(site, f"{room}/a") == [f"{room}/aa/1", f"{room}/ab/1", f"{room}/ab/2"]
        assert all_of(site, f"{room}/ab/2") == [f"{room}/ab/2"]
        assert all_of(site, f"{room}/c") == []
        assert all_of(site, f"{room}/a", f"{room}/ab/1") == [f"{room}/ab/2"]
        assert all_of(site, f"{room}/a", f"{room}/b") == []

    def test_many_keys_come_page_by_page(self, site: DisposableSite, room: str) -> None:
        keys = [f"{room}/{number:010d}-x" for number in range(997, 1004)]
        for key in keys:
            put(site, key)
        listing = site.list(f"{room}/")
        assert next(listing).key == keys[0]
        assert [version.key for version in listing] == keys[1:]

    def test_what_is_put_meanwhile_does_no_harm(self, site: DisposableSite, room: str) -> None:
        for name in "bdf":
            put(site, f"{room}/{name}")
        listing = site.list(f"{room}/")
        seen = [next(listing).key]
        for name in "aceg":
            put(site, f"{room}/{name}")
        seen += [version.key for version in listing]
        assert seen == sorted(set(seen))
        assert {f"{room}/{name}" for name in "bdf"} <= set(seen)


class TestManyAtOnce:
    def test_many_at_once_under_different_keys_all_arrive(self, site: DisposableSite, room: str) -> None:
        def store(number: int) -> StoredVersion:
            return put(site, f"{room}/{number % 5}/{number:010d}-x", b"%d" % number)

        with ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(store, range(60)))
        by_key = sorted(stored, key=lambda found: found.key)
        assert list(site.list(f"{room}/")) == as_listed(site, *by_key)
        for number, version in enumerate(stored):
            assert site.get(version.key, version.version) == b"%d" % number

    def test_one_key_loses_nobody(self, site: DisposableSite, room: str) -> None:
        if site.capabilities.put_if_absent:
            pytest.skip("this store lets one put win, by its own word")
        contents = [b"%d" % number for number in range(16)]
        with ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(lambda data: put(site, f"{room}/a", data), contents))
        assert len({version.version for version in stored}) == len(contents)
        assert {site.get(f"{room}/a", version.version) for version in stored} == set(contents)
        assert len(site.versions(f"{room}/a")) == len(contents)

    def test_extensions_of_one_version_end_at_the_latest(self, site: DisposableSite, room: str) -> None:
        stored = put(site, f"{room}/a")
        dates = [in_future(site, timedelta(days=days)) for days in range(2, 12)]

        def extend(date: datetime) -> bool:
            try:
                site.extend(f"{room}/a", stored.version, date)
            except LockRefused:  # a later date was quicker
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(extend, dates))
        assert done[-1]
        assert site.stat(f"{room}/a", stored.version).retain_until == dates[-1]


def test_it_says_what_it_is(site: DisposableSite) -> None:
    assert site.site
    assert site.capabilities.lock
    assert site.capabilities.max_single_put > 0
    assert site.now().utcoffset() == timedelta()


class TestDisposer:
    def test_it_removes_what_has_expired_and_nothing_else(self, harness: Harness, room: str) -> None:
        site = harness.site
        soon = in_future(site, harness.short_lock)
        expired = put(site, f"{room}/a", until=soon)
        locked = put(site, f"{room}/a", b"second")
        disposer = harness.disposer(OffClock(site))
        harness.wait_until(soon)
        with pytest.raises(LockRefused):
            disposer.delete(f"{room}/a", locked.version)
        disposer.delete(f"{room}/a", expired.version)
        assert disposer.versions(f"{room}/a") == site.versions(f"{room}/a") == [locked]
        with pytest.raises(NotFound):
            disposer.delete(f"{room}/a", expired.version)

    def test_it_cannot_put_or_extend(self, harness: Harness) -> None:
        disposer = harness.disposer(OffClock(harness.site))
        for verb in ("put", "put_from", "extend", "begin_put"):
            assert not hasattr(disposer, verb), verb

    def test_a_clock_ahead_of_the_store_ends_no_lock(self, harness: Harness, room: str) -> None:
        if not harness.own_clock:
            pytest.skip("this store goes by the clock of its host")
        stored = put(harness.site, f"{room}/a")
        with pytest.raises(LockRefused):
            harness.disposer(OffClock(harness.site, timedelta(days=9))).delete(f"{room}/a", stored.version)
        assert harness.site.get(f"{room}/a", stored.version) == DATA

    def test_a_clock_behind_the_store_lets_a_lock_stand(self, harness: Harness, room: str) -> None:
        if not harness.own_clock:
            pytest.skip("this store goes by the clock of its host")
        soon = in_future(harness.site, harness.short_lock)
        stored = put(harness.site, f"{room}/a", until=soon)
        harness.wait_until(soon)
        with pytest.raises(LockRefused):
            harness.disposer(OffClock(harness.site, -timedelta(days=9))).delete(f"{room}/a", stored.version)
        assert harness.site.get(f"{room}/a", stored.version) == DATA
