"""The fake that polices its callers: each forbidden act is on record, each failure comes as ordered."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal

import pytest

from tests.support.clocks import ManualClock
from tests.support.memory_site import Call, InvariantBroken, MemorySite
from vanvault.archiver.core.errors import LockRefused, SiteFull, SiteUnavailable
from vanvault.archiver.stores import (
    StoredVersion,
)


@pytest.fixture
def memory(clock: ManualClock) -> MemorySite:
    return MemorySite("primary", clock=clock)


def until(site: MemorySite, days: int = 10) -> datetime:
    return site.now().replace(microsecond=0) + timedelta(days=days)


def put(site: MemorySite, key: str = "a", data: bytes = b"data") -> StoredVersion:
    return site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until(site))


class TestPolice:
    def test_good_manners_pass(self, memory: MemorySite, clock: ManualClock) -> None:
        stored = put(memory)
        memory.extend("a", stored.version, until(memory, 20))
        clock.advance(timedelta(days=21))
        memory.delete("a", stored.version)
        memory.check()

    def test_a_wrong_digest(self, memory: MemorySite) -> None:
        with pytest.raises(InvariantBroken):
            memory.put("a", b"data", sha256=bytes(32), retain_until=until(memory))

    def test_a_delete_of_what_is_locked(self, memory: MemorySite) -> None:
        stored = put(memory)
        with pytest.raises(LockRefused):
            memory.delete("a", stored.version)
        with pytest.raises(InvariantBroken, match="tried to delete a"):
            memory.check()

    def test_a_shortened_lock(self, memory: MemorySite) -> None:
        stored = put(memory)
        with pytest.raises(LockRefused):
            memory.extend("a", stored.version, until(memory, 1))
        with pytest.raises(InvariantBroken, match="tried to shorten"):
            memory.check()

    def test_other_bytes_under_the_same_name(self, memory: MemorySite) -> None:
        put(memory)
        put(memory, data=b"other")
        with pytest.raises(InvariantBroken, match="other bytes"):
            memory.check()

    def test_a_second_put_of_what_was_acknowledged(self, memory: MemorySite) -> None:
        put(memory)
        put(memory)
        with pytest.raises(InvariantBroken, match="again"):
            memory.check()

    def test_a_second_put_of_what_is_in_doubt_is_fair(self, memory: MemorySite) -> None:
        memory.fail_next("put", "after")
        with pytest.raises(SiteUnavailable):
            put(memory)
        put(memory)
        memory.check()
        assert len(memory.versions("a")) == 2

    def test_every_call_is_recorded(self, memory: MemorySite) -> None:
        stored = put(memory)
        memory.get("a")
        list(memory.list("a"))
        calls = [call for call in memory.calls if call.operation != "now"]
        assert calls == [Call("put", "a"), Call("get", "a"), Call("list", "a")]
        assert stored.version


class TestFailures:
    @pytest.mark.parametrize(("when", "stored"), [("before", False), ("after", True)])
    def test_both_ways_of_failing(
        self, memory: MemorySite, when: Literal["before", "after"], stored: bool
    ) -> None:
        memory.fail_next("put", when)
        with pytest.raises(SiteUnavailable) as caught:
            put(memory)
        assert caught.value.may_be_stored is stored
        assert bool(memory.versions("a")) is stored

    def test_as_often_as_ordered(self, memory: MemorySite) -> None:
        put(memory)
        memory.fail_next("get", times=2)
        for _ in range(2):
            with pytest.raises(SiteUnavailable):
                memory.get("a")
        assert memory.get("a") == b"data"

    def test_with_another_error(self, memory: MemorySite) -> None:
        memory.fail_next("put", error=SiteFull("full", site="primary"))
        with pytest.raises(SiteFull):
            put(memory)


class TestDamage:
    def test_each_kind_of_damage_harms_what_it_names(self, memory: MemorySite) -> None:
        for key in "abcd":
            put(memory, key, f"data {key}".encode())
        memory.damage.flip("a", bit=9)
        memory.damage.truncate("b", 3)
        memory.damage.drop("c")
        assert memory.get("a") == b"dcta a"
        assert (memory.get("b"), memory.stat("b").size) == (b"dat", 3)
        assert memory.versions("c") == []
        memory.damage.swap("a", "d")
        assert memory.get("d") == b"dcta a"
        memory.damage.add("e", b"extra")
        assert [version.key for version in memory.list()] == ["a", "b", "d", "e"]
        assert memory.stat("e").retain_until is None
