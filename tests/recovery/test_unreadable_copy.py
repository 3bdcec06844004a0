"""A store that cannot give an object's bytes, though it answers: the good copy is put on top all the same."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.contract.harness import ManualClock
from vanvault.archiver.errors import SiteUnavailable
from vanvault.archiver.store.memory import MemorySite
from vanvault.recovery.copying import write_good

DATA = b"the right bytes"
KEY = f"large/1m80yt0rdsqw5e1d/0000000004-{hashlib.sha256(DATA).hexdigest()}.framed"


def test_bytes_that_no_read_gives_are_put_again() -> None:
    """As MinIO does with an object whose bytes rotted: it is listed, and every read of it is 503."""
    clock = ManualClock()
    site, until = MemorySite("primary", clock=clock), clock.now().replace(microsecond=0) + timedelta(days=9)
    site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
    site.fail_next("get")
    assert write_good(site, KEY, DATA, until)
    assert len(site.versions(KEY)) == 2
    assert not write_good(site, KEY, DATA, until)


def test_a_site_that_is_away_is_told() -> None:
    clock = ManualClock()
    site, until = MemorySite("primary", clock=clock), clock.now().replace(microsecond=0) + timedelta(days=9)
    site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
    site.fail_next("get")
    site.fail_next("put")
    with pytest.raises(SiteUnavailable):
        write_good(site, KEY, DATA, until)
