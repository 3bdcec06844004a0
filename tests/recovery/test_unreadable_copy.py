"""A store that cannot give an object's bytes, though it answers: the good copy is put on top all the same."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.support.clocks import ManualClock
from tests.support.memory_site import MemorySite
from tests.support.names import large_key
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.recovery.objects import read_good, write_good

DATA = b"the right bytes"
KEY = large_key("1m80yt0rdsqw5e1d", 4, hashlib.sha256(DATA).digest())


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


def twice() -> MemorySite:
    """A site with two good versions."""
    clock = ManualClock()
    site, until = MemorySite("primary", clock=clock), clock.now().replace(microsecond=0) + timedelta(days=9)
    for _ in range(2):
        site.put(KEY, DATA, sha256=hashlib.sha256(DATA).digest(), retain_until=until)
    return site


def test_an_older_version_is_read_where_the_newest_cannot_be() -> None:
    site = twice()
    newest, older = site.versions(KEY)
    site.fail_next("get")
    assert read_good(site, KEY) == (DATA, older)
    assert read_good(site, KEY) == (DATA, newest)


def test_an_object_of_which_no_version_can_be_read_is_not_called_damaged() -> None:
    site = twice()
    site.fail_next("get", times=2)
    with pytest.raises(SiteUnavailable):
        read_good(site, KEY)
    assert read_good(site, KEY)[0] == DATA


def test_a_site_that_is_away_is_not_asked_for_every_version() -> None:
    site = twice()
    site.fail_next("get")
    site.fail_next("now")
    with pytest.raises(SiteUnavailable):
        read_good(site, KEY)
    assert [call.operation for call in site.calls].count("get") == 1
