"""Every write of a commit fails in both ways, at each site: "failed, not stored" and "failed, but stored".

Whatever happened: nothing is acknowledged that is not stored, a retry ends in one logical entry with
one receipt, and afterwards both sites are whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import pytest

from tests.support.archives import GATEWAY, SITES, Home, Node, event, message
from tests.support.memory_site import MemorySite
from tests.support.whole import read_entries
from vanvault.archiver.core.errors import Busy, Conflict, Damaged, SiteFull, SiteUnavailable
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.model import Draft
from vanvault.archiver.stores import (
    StoredVersion,
)

When = Literal["before", "after"]

#: Pushed one after the other, so each becomes an object of its own.
DRAFTS: tuple[Draft, ...] = (message("m-1", b"<one/>"), event("e-1"), message("m-2", b"<two/>"))
#: The objects of a node's life: opened, the drafts, closed.
OBJECTS = len(DRAFTS) + 2


@contextmanager
def whole_afterwards(home: Home, receipts: dict[str, Receipt]) -> Iterator[None]:
    """After the block: a new node gives every first receipt again, and both sites are whole."""
    yield
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for draft in DRAFTS:
            if draft.client_id in receipts:
                assert node.push(draft) == receipts[draft.client_id]
    entries = read_entries(archive)
    assert {client_id for _, gateway, client_id in entries if gateway == GATEWAY} == receipts.keys()
    home.check()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("n", range(OBJECTS))
def test_the_nth_object_fails_at_one_site(home: Home, site: str, n: int, when: When) -> None:
    receipts: dict[str, Receipt] = {}

    def fail_if_next(number: int) -> None:
        if number == n:
            home.sites[site].fail_next("put", when)

    with whole_afterwards(home, receipts):
        fail_if_next(0)
        with Node(home.archive()) as node:
            node.wait_ready()
            for number, draft in enumerate(DRAFTS, start=1):
                fail_if_next(number)
                receipts[draft.client_id] = node.push_until_accepted(draft)
            fail_if_next(OBJECTS - 1)


#: How the put of one object goes at (primary, standby), how often the sites cannot be read afterwards,
#: and whether the answer may claim that nothing was stored.
BOTH_SITES = [
    ("before", "before", 0, True),
    ("before", "after", 0, False),
    ("after", "before", 0, False),
    ("after", "after", 0, False),
    ("before", "after", 2, False),
    ("after", "before", 2, False),
    ("after", "after", 2, False),
    ("after", None, 2, False),
    (None, "before", 2, False),
]


@pytest.mark.parametrize(("primary", "standby", "unreadable", "surely_nowhere"), BOTH_SITES)
def test_one_object_fails_at_both_sites(
    home: Home, primary: When | None, standby: When | None, unreadable: int, surely_nowhere: bool
) -> None:
    """A failure in doubt stays in doubt, also while the sites cannot be asked what they hold."""
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        for site, when in ((home.primary, primary), (home.standby, standby)):
            if when is not None:
                site.fail_next("put", when)
            site.fail_next("versions", "before", times=unreadable)
        with pytest.raises(SiteUnavailable) as caught:
            node.push(DRAFTS[0])
        assert caught.value.may_be_stored is not surely_nowhere
        for draft in DRAFTS:
            receipts[draft.client_id] = node.push_until_accepted(draft)
        for site in home.sites.values():
            site.fail_next("versions", times=0)


def test_other_bytes_are_refused_while_the_first_are_in_doubt(home: Home) -> None:
    """ "Failed, but stored" is not forgotten: the id belongs to the bytes that lie at one site."""
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        home.standby.fail_next("put", "before")
        with pytest.raises(SiteUnavailable):
            node.push(DRAFTS[0])
        node.wait_ready()
        with pytest.raises(Conflict):
            node.push(message(DRAFTS[0].client_id, b"<other/>"))
        receipts[DRAFTS[0].client_id] = node.push(DRAFTS[0])


def test_a_refusal_before_anything_was_stored_frees_the_id(home: Home) -> None:
    """ "Failed, not stored" at both sites: nothing was archived, so even other bytes may come."""
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("put", "before")
        home.standby.fail_next("put", "before")
        with pytest.raises(SiteUnavailable):
            node.push(message(DRAFTS[0].client_id, b"<other/>"))
        receipts[DRAFTS[0].client_id] = node.push(DRAFTS[0])


@pytest.mark.parametrize("full", [["primary"], ["standby"], ["primary", "standby"]])
def test_a_full_site_refuses_and_recovers(home: Home, full: list[str]) -> None:
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        for name in full:
            home.sites[name].fail_next("put", times=2, error=SiteFull("no room", site=name))
        with pytest.raises(SiteFull) as caught:
            node.push(DRAFTS[0])
        assert "Free or add space" in caught.value.hint
        assert "no room" in caught.value.message
        assert caught.value.may_be_stored == (len(full) == 1)
        for draft in DRAFTS:
            receipts[draft.client_id] = node.push_until_accepted(draft)


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_is_away_at_the_start_is_waited_for(home: Home, site: str) -> None:
    receipts: dict[str, Receipt] = {}
    home.sites[site].fail_next("list", times=2)
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        with pytest.raises((Busy, SiteUnavailable)):
            node.push(DRAFTS[0])
        node.wait_ready()
        receipts[DRAFTS[0].client_id] = node.push(DRAFTS[0])


@pytest.mark.parametrize("site", SITES)
def test_a_node_stopped_in_doubt_is_settled_by_the_next(home: Home, site: str) -> None:
    """The push that may be stored is completed at the next start, and its retry gets that entry."""
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts):
        with Node(home.archive()) as node:
            node.wait_ready()
            home.sites[site].fail_next("put", times=1_000_000)
            with pytest.raises(SiteUnavailable):
                node.push(DRAFTS[0])
        home.sites[site].fail_next("put", times=0)
        with Node(home.archive()) as node:
            node.wait_ready()
            (outcome, repeated), *_ = node.submit([DRAFTS[0]])
            assert repeated
            assert isinstance(outcome, dict)
            receipts[DRAFTS[0].client_id] = outcome


class Unlocking(MemorySite):
    """Takes bytes and shows no lock, while ``unlocked``."""

    unlocked = False

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        if self.unlocked:
            raise Damaged(f"site {self.site} shows no lock: {key}", key=key, site=self.site)
        return super().put(key, data, sha256=sha256, retain_until=retain_until)


@pytest.mark.parametrize("name", SITES)
def test_a_site_that_shows_no_lock_is_named(home: Home, name: str) -> None:
    site = home.sites[name] = Unlocking(name, clock=home.clock)
    with Node(home.archive()) as node:
        node.wait_ready()
        site.unlocked = True
        with pytest.raises(SiteUnavailable) as refused:
            node.push(message("m-1", b"<one/>"))
        assert refused.value.site == name
        with pytest.raises(SiteUnavailable) as refused:
            node.placed(message("m-2", b"<two/>"))
        assert refused.value.site == name
        site.unlocked = False
        node.push_until_accepted(message("m-1", b"<one/>"))


class Choosy(MemorySite):
    """Refuses objects of one kind."""

    refused = ""

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        if self.refused and f".{self.refused}." in key:
            self.fail_next("put")
        return super().put(key, data, sha256=sha256, retain_until=retain_until)


@pytest.mark.parametrize(
    ("policy", "primary", "standby"),
    [
        ("all", "", "events"),
        ("all", "events", ""),
        ("all", "events", "events"),
        ("any", "messages", "events"),
    ],
)
def test_a_group_of_two_objects_needs_both_of_them_at_a_site(
    home: Home, monkeypatch: pytest.MonkeyPatch, policy: str, primary: str, standby: str
) -> None:
    """A site that holds one of the two objects does not hold the commit; and one of them may be stored."""
    monkeypatch.setenv("VANVAULT_SITES__POLICY", policy)
    choosy = {name: Choosy(name, clock=home.clock) for name in SITES}
    home.sites.update(choosy)
    receipts: dict[str, Receipt] = {}
    with whole_afterwards(home, receipts), Node(home.archive()) as node:
        node.wait_ready()
        choosy["primary"].refused, choosy["standby"].refused = primary, standby
        for outcome, _ in node.submit(DRAFTS[:2]):
            assert isinstance(outcome, SiteUnavailable)
            assert outcome.may_be_stored
        for site in choosy.values():
            site.refused = ""
        for draft in DRAFTS:
            receipts[draft.client_id] = node.push_until_accepted(draft)
