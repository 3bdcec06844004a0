"""The gate of a site: what no trusted key has signed, and what is too large, does not come through."""

from __future__ import annotations

import hashlib
import itertools
import unittest.mock
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.names import batch_key
from tests.support.waiting import PATIENCE_S
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteFaulty, TooLarge
from vanvault.archiver.core.names import new_writer_id, parse_key
from vanvault.archiver.core.object_limits import LockRules, ObjectSizes, SizeLimit
from vanvault.archiver.keys import Judged
from vanvault.archiver.replicas import Gate, GateRules, GuardedSite, Quarantine, guarded, quarantine
from vanvault.archiver.replicas.promised import read_version, read_whole
from vanvault.archiver.stores import StoredVersion, TimedSite

USUAL, GREATEST = 100, 1000
FOR_EVER = datetime(9998, 12, 31, tzinfo=UTC)


class Behind:
    """A site in memory, and the gate before it; ``forged`` are names that no trusted key has signed."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.behind = MemorySite("standby", clock=self.clock)
        self.forged: set[str] = set()
        self.quarantine = Quarantine(self.clock)
        limits = dict.fromkeys(ObjectSizes.under().by_kind, SizeLimit(USUAL, GREATEST))
        rules = GateRules(ObjectSizes(limits), LockRules())
        self.gate = Gate(self.judge, rules, self.quarantine, self.clock)
        self.site = GuardedSite(self.behind, self.gate)
        self.writer = new_writer_id(self.clock.now(), bytes(5))

    def judge(self, key: str) -> Judged:
        name = parse_key(key)
        return Judged(name, "junk" if name is None else "bad-signature" if key in self.forged else None)

    @property
    def until(self) -> datetime:
        return (self.clock.now() + timedelta(days=40)).replace(microsecond=0)

    def key_of(self, data: bytes, sequence: int = 0) -> str:
        return batch_key(self.writer, sequence, "messages", hashlib.sha256(data).digest())

    def put(self, data: bytes, sequence: int = 0) -> str:
        key = self.key_of(data, sequence)
        digest = hashlib.sha256(data).digest()
        self.site.put(key, data, sha256=digest, retain_until=self.until)
        return key

    def aside(self) -> list[tuple[str, str]]:
        return [(one.key, one.reason) for one in self.quarantine.found()]


@pytest.fixture
def gate() -> Behind:
    return Behind()


def test_what_is_proved_comes_through_as_it_is(gate: Behind) -> None:
    key = gate.put(b"good")
    (listed,) = gate.site.list()
    assert gate.site.versions(key) == [listed] == gate.behind.versions(key)
    assert gate.site.stat(key) == listed
    assert gate.site.get(key) == b"good"
    assert gate.site.get_locked(key, listed.version) == (b"good", listed)
    assert gate.site.get_range(key, 1, 2) == b"oo"
    assert gate.aside() == []


def test_names_that_prove_nothing_are_set_aside_and_never_read(gate: Behind) -> None:
    good = gate.put(b"good")
    forged = gate.key_of(b"forged", 7)
    gate.forged.add(forged)
    for key in ("junk/" + "0" * 64 + ".x", forged):
        gate.behind.damage.add(key, b"forged")
    assert [version.key for version in gate.site.list()] == [good]
    assert gate.aside() == [(forged, "bad-signature"), ("junk/" + "0" * 64 + ".x", "junk")]
    assert gate.quarantine.counts() == {("standby", "bad-signature"): 1, ("standby", "junk"): 1}
    before = len(gate.behind.calls)
    assert gate.site.versions(forged) == []
    for read in (
        gate.site.get,
        gate.site.stat,
        lambda key: gate.site.get_range(key, 0, 1),
        lambda key: gate.site.get_locked(key, "v-extra"),
    ):
        with pytest.raises(Damaged, match="set aside"):
            read(forged)
    assert len(gate.behind.calls) == before


def test_what_was_removed_leaves_the_quarantine_with_the_next_listing(gate: Behind) -> None:
    gate.behind.damage.add("batch/junk", b"1")
    gate.behind.damage.add("other/junk", b"2")
    list(gate.site.list())
    gate.behind.damage.drop("batch/junk")
    gate.behind.damage.drop("other/junk")
    list(gate.site.list("batch/"))
    assert gate.aside() == [("other/junk", "junk")]
    gate.behind.fail_next("list")
    with pytest.raises(Exception, match="as it was told to"):
        list(gate.site.list())
    assert gate.aside() == [("other/junk", "junk")]
    list(gate.site.list())
    assert gate.aside() == []
    assert gate.quarantine.counts() == {("standby", "junk"): 0}


def test_a_listing_that_is_left_early_forgets_only_what_it_passed(gate: Behind) -> None:
    good = gate.put(b"good")
    for key in ("aaa/junk", "zzz/junk"):
        gate.behind.damage.add(key, b"?")
    list(gate.site.list())
    for key in ("aaa/junk", "zzz/junk"):
        gate.behind.damage.drop(key)
    listing = gate.site.list()
    assert next(listing).key == good
    listing.close()  # type: ignore[attr-defined]
    assert gate.aside() == [("zzz/junk", "junk")]


def test_a_version_that_is_too_large_is_not_there_and_the_good_one_below_it_is(gate: Behind) -> None:
    key = gate.put(b"good")
    good = gate.site.stat(key)
    gate.behind.damage.add(key, bytes(GREATEST + 1))
    assert list(gate.site.list()) == gate.site.versions(key) == [good]
    assert gate.site.stat(key) == good
    assert gate.site.get(key) == b"good" == read_whole(gate.site, key)
    assert gate.aside() == [(key, "too-large")]
    with pytest.raises(Damaged, match="set aside"):
        gate.site.get(key, "v-extra")
    with pytest.raises(Damaged, match="set aside"):
        gate.site.get_locked(key, "v-extra")
    assert gate.site.get_locked(key, good.version) == (b"good", good)


def test_an_object_of_which_only_a_version_too_large_is_there_is_damaged(gate: Behind) -> None:
    key = gate.key_of(b"gone")
    gate.behind.damage.add(key, bytes(GREATEST + 1))
    with pytest.raises(Damaged, match="set aside"):
        gate.site.get(key)
    with pytest.raises(NotFound):
        read_version(gate.site, key)


def test_an_unusually_large_object_is_read_once_its_bytes_are_known_for_good(gate: Behind) -> None:
    """As one that was written under other settings."""
    data = b"x" * (USUAL + 1)
    key = gate.put(data)
    assert gate.site.get(key) == data
    stored = gate.site.stat(key)
    assert gate.site.get(key, stored.version) == data
    assert gate.site.get_locked(key, stored.version) == (data, stored)


def test_unusually_many_wrong_bytes_are_hashed_piece_by_piece_and_never_read_whole(gate: Behind) -> None:
    key = gate.put(b"good")
    gate.behind.damage.add(key, b"y" * GREATEST)
    gate.behind.calls.clear()
    with pytest.raises(Damaged, match="not those that its name promises"):
        gate.site.get(key)
    whole = [call for call in gate.behind.calls if call.operation == "get"]
    assert len(whole) == 1  # which was refused before it was read
    assert read_whole(gate.site, key) == b"good"
    data, version = read_version(gate.site, key)
    assert (data, version.version) == (b"good", "v0000000001")


def test_nothing_unproved_and_nothing_too_large_is_put(gate: Behind) -> None:
    digest = hashlib.sha256(b"x").digest()
    with pytest.raises(InvalidInput, match="proved name"):
        gate.site.put("batch/somebody/else", b"x", sha256=digest, retain_until=gate.until)
    big = bytes(GREATEST + 1)
    with pytest.raises(TooLarge):
        gate.put(big)
    assert list(gate.behind.list()) == []


def test_no_lock_is_set_beyond_the_retention_rules(gate: Behind) -> None:
    key = gate.put(b"good")
    version = gate.site.stat(key)
    longest = LockRules().longest(gate.clock.now())
    with pytest.raises(InvalidInput, match="beyond the retention rules"):
        gate.site.extend(key, version.version, FOR_EVER)
    data = b"other"
    with pytest.raises(InvalidInput, match="beyond the retention rules"):
        gate.site.put(gate.key_of(data), data, sha256=hashlib.sha256(data).digest(), retain_until=FOR_EVER)
    assert gate.site.stat(key) == version
    assert gate.site.extend(key, version.version, longest).retain_until == longest


def test_a_hostile_name_is_shown_without_what_a_terminal_would_obey(gate: Behind) -> None:
    gate.quarantine.note("standby", "junk/\x1b[2J\u202etxt" + "y" * 1000, "v1", "junk", 1)
    (one,) = gate.quarantine.found()
    assert one.key.isascii()
    assert one.key.isprintable()
    assert one.key.startswith(r"junk/\x1b[2J\u202etxt")
    assert len(one.key) < 310


def test_memory_for_what_is_set_aside_is_bounded(gate: Behind) -> None:
    for number in range(10_050):
        gate.quarantine.note("standby", f"junk/{number}", "v1", "junk", 1)
    assert gate.quarantine.counts() == {("standby", "junk"): 10_000}


def test_a_listing_of_names_that_prove_nothing_comes_to_an_end(gate: Behind) -> None:
    """However well they are formed: between proved ones, too, and versions as well as names."""
    good = gate.put(b"good")
    made = itertools.count()
    digest = hashlib.sha256(b"forged").digest()

    def endless(prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        yield gate.behind.stat(good)
        for number in made:
            key = batch_key(gate.writer, number + 1, "messages", digest)
            gate.forged.add(key)
            yield StoredVersion(key, "v1", 1, None, gate.clock.now())

    gate.behind.list = endless  # type: ignore[method-assign]
    with (
        unittest.mock.patch.object(guarded, "MOST_UNPROVED", 100),
        pytest.raises(SiteFaulty, match="prove nothing") as caught,
    ):
        for _ in gate.site.list():
            pass
    assert caught.value.site == "standby"
    assert next(made) < 200
    assert gate.quarantine.counts() == {("standby", "bad-signature"): 101}


def test_as_many_as_are_allowed_take_no_site_out(gate: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "MOST_UNPROVED", 5)
    good = gate.put(b"good")
    for number in range(5):
        gate.behind.damage.add(f"junk/{number}", b"?")
    assert [version.key for version in gate.site.list()] == [good]


def test_much_of_one_sort_hides_nothing_of_another(gate: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand names that sort first would else push the one forgery out of the quarantine."""
    for module in (guarded, quarantine):
        monkeypatch.setattr(module, "MOST", 3)
    for number in range(9):
        gate.behind.damage.add(f"aaa/{number}", b"?")
    forged, large = gate.key_of(b"forged", 7), gate.key_of(b"large", 8)
    gate.forged.add(forged)
    gate.behind.damage.add(forged, b"forged")
    gate.behind.damage.add(large, bytes(GREATEST + 1))
    for _ in range(2):
        assert list(gate.site.list()) == []
        assert gate.quarantine.counts() == {
            ("standby", "bad-signature"): 1,
            ("standby", "junk"): 3,
            ("standby", "too-large"): 1,
        }


@pytest.mark.parametrize("year", [1, 1999, 9001, 9999])
def test_a_clock_with_which_no_date_can_be_reckoned_takes_its_site_out(gate: Behind, year: int) -> None:
    gate.behind.now = lambda: datetime(year, 1, 1, tzinfo=UTC)  # type: ignore[method-assign]
    with pytest.raises(SiteFaulty, match=f"says {year}") as caught:
        gate.site.now()
    assert caught.value.site == "standby"


def test_a_put_on_a_thread_of_the_site_goes_through_the_same_gate(gate: Behind) -> None:
    site, key = GuardedSite(TimedSite(gate.behind), gate.gate), gate.key_of(b"good")
    facts = {"sha256": hashlib.sha256(b"good").digest(), "retain_until": gate.until}
    assert gate.site.begin_put(key, b"good", **facts) is None
    begun = site.begin_put(key, b"good", **facts)
    assert begun is not None
    assert [begun.future.result(PATIENCE_S)] == gate.behind.versions(key)
    gate.forged.add(other := gate.key_of(b"good", 1))
    for wrong, error in ((other, InvalidInput), (key, TooLarge)):
        with pytest.raises(error):
            site.begin_put(wrong, bytes(GREATEST + 1), **facts)
    with pytest.raises(InvalidInput):
        site.begin_put(key, b"good", sha256=facts["sha256"], retain_until=FOR_EVER)
    assert len(gate.behind.versions(key)) == 1
