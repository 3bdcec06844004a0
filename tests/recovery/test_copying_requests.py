"""One object copied costs as few requests as can be, whoever asks for it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from tests.support.clocks import ManualClock
from tests.support.counting import CountingSite
from tests.support.memory_site import MemorySite
from tests.support.names import batch_key
from vanvault.recovery.reconcile import reconcile_sites
from vanvault.recovery.repair import Copy, RepairPlan, repair_sites

DATA = b"the right bytes"
WRITER = "1m80yt0rdsqw5e1d"
KEY = batch_key(WRITER, 4, "messages", hashlib.sha256(DATA).digest())


class Pair:
    """An object at the standby, locked for forty days, and not at the primary."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = {name: MemorySite(name, clock=self.clock) for name in ("primary", "standby")}
        self.until = self.clock.now().replace(microsecond=0) + timedelta(days=40)
        self.memory["standby"].put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=self.until)
        self.sites: dict[str, Any] = {name: CountingSite(site) for name, site in self.memory.items()}


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_repair_looks_once_at_each_site_and_reads_the_lock_with_the_bytes(pair: Pair) -> None:
    action = Copy(KEY, "standby", "primary", "missing", None)
    report = repair_sites(RepairPlan((action,), ()), pair.sites, clock=pair.clock.now)
    assert report.whole
    assert pair.sites["standby"].asked == {"list": 1, "get_locked": 1}
    assert pair.sites["primary"].asked == {"list": 1, "put": 1}
    assert pair.memory["primary"].stat(KEY).retain_until == pair.until


def test_a_reconciliation_copies_what_its_listing_showed_by_three_requests(pair: Pair) -> None:
    pair.clock.moment += timedelta(days=1)
    report = reconcile_sites(pair.sites, pause=lambda: None, clock=pair.clock.now)
    assert report.fetched.objects == 1
    assert not report.failures
    for site, asked in (("standby", {"get_locked": 1}), ("primary", {"put": 1})):
        counted = {
            verb: count for verb, count in pair.sites[site].asked.items() if verb not in ("list", "now")
        }
        assert counted == asked
    assert pair.memory["primary"].stat(KEY).retain_until == pair.until


def test_a_reconciliation_leaves_alone_what_went_after_it_was_listed(pair: Pair) -> None:
    pair.clock.moment += timedelta(days=1)
    memory = pair.memory["standby"]

    class Going(CountingSite):
        def get_locked(self, key: str, version: str, **options: Any) -> Any:
            memory.damage.drop(key)
            return memory.get_locked(key, version, **options)

    pair.sites["standby"] = Going(memory)
    report = reconcile_sites(pair.sites, pause=lambda: None, clock=pair.clock.now)
    assert report.failures == 0
    assert report.fetched.objects == 0


def test_a_repair_takes_the_versions_of_its_own_key_only(pair: Pair) -> None:
    """A listing goes on with other keys behind the one that is asked for."""
    other = batch_key(WRITER, 3, "messages", hashlib.sha256(b"others").digest())
    pair.memory["primary"].put(
        other, b"others", sha256=hashlib.sha256(b"others").digest(), retain_until=pair.until
    )
    action = Copy(KEY, "standby", "primary", "missing", None)
    assert repair_sites(RepairPlan((action,), ()), pair.sites, clock=pair.clock.now).whole
    assert pair.sites["primary"].asked == {"list": 1, "put": 1}
    assert len(pair.memory["primary"].versions(KEY)) == 1
    assert len(pair.memory["primary"].versions(other)) == 1
