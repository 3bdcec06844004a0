"""A site that hangs for ever, or lists nonsense: everything that the policy allows without it goes on.

Sites are as a node opens them: a folder whose mount hangs is a ``HangingSite`` behind a ``TimedSite``, and a
listing is checked by a ``LazySite``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.archives import SITES, Home, Node, message
from tests.support.hanging import HangingSite
from tests.support.memory_site import MemorySite
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import SiteFaulty, SiteUnavailable
from vanvault.archiver.core.evidence import Receipt, holders
from vanvault.archiver.core.options import FileOptions
from vanvault.archiver.stores import StoredVersion
from vanvault.archiver.stores.lazy import LazySite
from vanvault.archiver.stores.timed import TimedSite
from vanvault.recovery.reconcile import reconcile_sites
from vanvault.recovery.status import status
from vanvault.recovery.verify import verify_archive

pytestmark = pytest.mark.timeout(300)

SOON = FileOptions(timeout_s=2.0)


@pytest.fixture
def any_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")


def other(site: str) -> str:
    return next(name for name in SITES if name != site)


def mounted(home: Home, site: str) -> HangingSite:
    """From now on the home's site is behind a mount that may hang."""
    found = HangingSite(home.sites[site])
    home.sites[site] = TimedSite(found, SOON)  # type: ignore[arg-type,assignment]
    return found


@pytest.fixture(params=SITES)
def mount(request: pytest.FixtureRequest, home: Home) -> Iterator[tuple[str, HangingSite]]:
    sites = dict(home.sites)
    found = mounted(home, request.param)
    yield request.param, found
    found.open()
    home.sites.update(sites)


def filled(home: Home) -> Receipt:
    with Node(home.archive()) as node:
        node.wait_ready()
        return node.push(message("m-0", b"<before/>"))


@pytest.mark.usefixtures("any_site")
def test_under_any_a_node_starts_takes_and_answers_while_a_site_hangs(
    home: Home, mount: tuple[str, HangingSite]
) -> None:
    site, hanging = mount
    before = filled(home)
    hanging.shut()
    home.forget_hot_tail()
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        receipt = node.push_until_accepted(message("m-1", b"<while/>"))
        assert holders(receipt) == {other(site)}
        assert archive.receipts.of(before["id"])["id"] == before["id"]
        found = archive.search.page(Query({"message_id": "m-0"})).items
        assert [item["id"] for item in found] == [before["id"]]
        assert archive.original(found[0]) == b"<before/>"
    hanging.open()
    wait_for(lambda: not home.sites[site].hanging, "what hung has ended")  # type: ignore[attr-defined]
    assert reconcile_sites(home.sites, pause=lambda: None).level
    assert {client_id for _, _, client_id in read_entries(home.archive())} >= {"m-0", "m-1"}


def test_under_all_the_site_that_hangs_is_named_and_reading_goes_on(
    home: Home, mount: tuple[str, HangingSite]
) -> None:
    site, hanging = mount
    before = filled(home)
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        hanging.shut()
        with pytest.raises(SiteUnavailable) as caught:
            node.push(message("m-1", b"<while/>"))
        assert caught.value.site == site
        assert caught.value.may_be_stored
        assert archive.receipts.of(before["id"])["id"] == before["id"]
        found = archive.search.page(Query({"message_id": "m-0"})).items
        assert archive.original(found[0]) == b"<before/>"
        hanging.open()
        receipt = node.push_until_accepted(message("m-1", b"<while/>"))
        assert holders(receipt) == set(SITES)


def test_under_all_a_node_that_starts_while_a_site_hangs_says_which(
    home: Home, mount: tuple[str, HangingSite]
) -> None:
    site, hanging = mount
    filled(home)
    hanging.shut()
    with Node(home.archive()) as node:
        wait_for(
            lambda: getattr(node.intake.committer.refusal, "site", "") == site, "the node says what it misses"
        )
        hanging.open()
        node.wait_ready()


def test_status_and_verify_end_while_a_site_hangs_and_say_which(
    home: Home, mount: tuple[str, HangingSite]
) -> None:
    site, hanging = mount
    filled(home)
    hanging.shut()
    archive = home.archive()
    report = status(archive)
    assert {one.site: one.reachable for one in report.sites} == {site: False, other(site): True}
    verified = verify_archive(archive)
    assert {(one.site, one.problem) for one in verified.findings if one.failing} == {(site, "unavailable")}
    assert verified.objects > 0


Change = Callable[[list[StoredVersion]], Iterable[StoredVersion]]


class Lists:
    """A site whose listing is made into another one."""

    def __init__(self, site: MemorySite, change: Change) -> None:
        self._site = site
        self.change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        return iter(self.change(list(self._site.list(prefix, after))))


def backwards(versions: list[StoredVersion]) -> Iterable[StoredVersion]:
    return reversed(versions)


def first_last(versions: list[StoredVersion]) -> Iterable[StoredVersion]:
    return [*versions[1:], *versions[:1]]


def without_end(versions: list[StoredVersion]) -> Iterator[StoredVersion]:
    while versions:
        yield from versions


CHANGES: dict[str, Change] = {"backwards": backwards, "first last": first_last, "without end": without_end}


@pytest.fixture(params=SITES)
def liar(request: pytest.FixtureRequest, home: Home) -> Iterator[tuple[str, Lists]]:
    honest = home.sites[request.param]
    found = Lists(honest, lambda versions: versions)
    home.sites[request.param] = LazySite(request.param, lambda: found)  # type: ignore[arg-type,assignment,return-value]
    yield request.param, found
    home.sites[request.param] = honest


def listed_wrongly(archive: Archive, site: str) -> bool:
    return "listing" in next(one for one in archive.health.snapshot() if one.site == site).barred


@pytest.mark.usefixtures("any_site")
@pytest.mark.parametrize("change", CHANGES)
def test_under_any_a_site_that_lists_nonsense_is_out_and_nothing_is_lost_or_doubled(
    home: Home, liar: tuple[str, Lists], change: str
) -> None:
    site, lists = liar
    before = filled(home)
    lists.change = CHANGES[change]
    home.forget_hot_tail()
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        assert archive.health.state(site) == "out"
        assert listed_wrongly(archive, site)
        receipt = node.push(message("m-1", b"<while/>"))
        assert holders(receipt) == {other(site)}
        assert node.push(message("m-0", b"<before/>"))["id"] == before["id"]
        lists.change = lambda versions: versions
        archive.refresh(whole=True)
        assert not listed_wrongly(archive, site)
    assert reconcile_sites(home.sites, pause=lambda: None).level
    entries = [client_id for _, _, client_id in read_entries(home.archive()) if client_id.startswith("m-")]
    assert sorted(entries) == ["m-0", "m-1"]


@pytest.mark.parametrize("change", CHANGES)
def test_under_all_a_site_that_lists_nonsense_is_named(
    home: Home, liar: tuple[str, Lists], change: str
) -> None:
    site, lists = liar
    filled(home)
    lists.change = CHANGES[change]
    home.forget_hot_tail()
    archive = home.archive()
    with pytest.raises(SiteFaulty) as caught:
        archive.open_writer()
    assert caught.value.site == site
    assert archive.refresh().away == (site,)
    assert listed_wrongly(archive, site)
    verified = verify_archive(home.archive())
    assert {(one.site, one.problem) for one in verified.findings if one.failing} == {(site, "unavailable")}
