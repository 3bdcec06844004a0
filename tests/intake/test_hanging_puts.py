"""A put that hangs is waited for while its site is needed, and no longer: it does not stop intake."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.support.archives import SITES, Home, Node, message
from tests.support.gated import GatedSite
from tests.support.waiting import PATIENCE_S
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.evidence import Receipt, holders
from vanvault.archiver.replicas import Leadership
from vanvault.recovery.reconcile import reconcile_sites, upgrade_all

#: So long is watched that an answer does not come; it is not how long anything takes.
A_WHILE_S = 0.5


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        yield found


def gated(home: Home, site: str) -> GatedSite:
    found = home.sites[site] = GatedSite(home.sites[site])  # type: ignore[assignment]
    return found


def push_into(
    site: GatedSite, node: Node, pool: ThreadPoolExecutor, *, large: bool = False
) -> Future[Receipt]:
    """A push that hangs at ``site``."""
    site.shut()
    draft = message("m-1", b"<one/>")

    def push() -> Receipt:
        degraded = node.archive.policy.may_degrade()
        return node.push(node.placed(draft, degraded=degraded) if large else draft)

    pushed = pool.submit(push)
    assert site.put_began.wait(PATIENCE_S)
    return pushed


def promoted(archive: Archive, epoch: int) -> None:
    """What a node does when it folds a promotion."""
    leadership = replace(Leadership(epoch), alone=True)
    archive.lead.saw(leadership)
    archive.lead.rejoin()
    archive.health.take_out(leadership.other, "promoted")


def whole_afterwards(home: Home, site: GatedSite, receipt: Receipt) -> None:
    site.open()
    archive = home.archive()
    assert reconcile_sites(archive.sites, pause=lambda: None).level
    archive.catch_up()
    upgrade_all(archive)
    assert holders(archive.receipts.of(receipt["id"])) == set(SITES)
    assert any(client_id == "m-1" for _, _, client_id in read_entries(archive))
    home.check()


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", SITES)
def test_under_any_it_is_given_up_when_the_site_is_out(
    home: Home, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, name: str, large: bool
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    site = gated(home, name)
    with Node(home.archive()) as node:
        node.wait_ready()
        pushed = push_into(site, node, pool, large=large)
        node.archive.health.take_out(name, "it hangs")
        receipt = pushed.result(PATIENCE_S)
        assert holders(receipt) == set(SITES) - {name}
    whole_afterwards(home, site, receipt)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", SITES)
def test_under_any_it_is_given_up_after_a_while_though_the_site_answers_looks(
    home: Home, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, name: str, large: bool
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    monkeypatch.setattr("vanvault.archiver.replicas.policy.PUT_PATIENCE_S", A_WHILE_S)
    site = gated(home, name)
    with Node(home.archive()) as node:
        node.wait_ready()
        receipt = push_into(site, node, pool, large=large).result(PATIENCE_S)
        assert holders(receipt) == set(SITES) - {name}
        assert node.archive.health.state(name) == "suspect"
    whole_afterwards(home, site, receipt)


@pytest.mark.parametrize("epoch", [1, 2])
def test_under_all_it_is_given_up_after_a_promotion_of_the_other_site(
    home: Home, pool: ThreadPoolExecutor, epoch: int
) -> None:
    leadership = Leadership(epoch)
    site = gated(home, leadership.other)
    with Node(home.archive()) as node:
        node.wait_ready()
        pushed = push_into(site, node, pool)
        node.archive.health.take_out(leadership.other, "it hangs")
        with pytest.raises(TimeoutError):
            pushed.result(A_WHILE_S)  # under ``all`` the site is needed, out or not
        promoted(node.archive, epoch)
        error = pushed.exception(PATIENCE_S)
        assert isinstance(error, SiteUnavailable)
        assert error.may_be_stored
        receipt = node.push_until_accepted(message("m-1", b"<one/>"))
        assert holders(receipt) == {leadership.leader}
    whole_afterwards(home, site, receipt)


def test_the_only_site_that_is_left_is_waited_for(
    home: Home, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    site = gated(home, "primary")
    with Node(home.archive()) as node:
        node.wait_ready()
        pushed = push_into(site, node, pool)
        for name in SITES:
            node.archive.health.take_out(name, "it hangs")
        with pytest.raises(TimeoutError):
            pushed.result(A_WHILE_S)
        site.open()
        receipt = pushed.result(PATIENCE_S)
        assert holders(receipt) == set(SITES)
    whole_afterwards(home, site, receipt)
