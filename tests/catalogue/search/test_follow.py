"""Following other nodes: what they commit is folded, what is in doubt is not, and the requests stay few."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.support.archives import GATEWAY, Home, Node, crash, message

from vanvault.archiver.appliance import Archive
from vanvault.archiver.appliance.places import hot_tail_of
from vanvault.archiver.catalogue import Catalogue, HotTail, SiteFold
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.stores import StoredVersion
from vanvault.archiver.upkeep.periodic import PeerSync

OWN = "0" * 16


class Peer:
    """Another node's view of the archive: the same sites, a hot tail of its own."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        name = archive.settings.archive
        self.tail = HotTail.open(partial(hot_tail_of, folder), archive.keys, archive.entropy, archive=name)
        self.fold = SiteFold(
            name,
            self.tail,
            Catalogue(self.tail),
            archive.parquet,
            public_key=archive.signing.public,
        )

    def follow(self, own: str = OWN) -> int:
        now = self.archive.clock.now()
        return self.fold.follow(self.archive.sites, own=own, now=now).folded

    def knows(self, message_id: str) -> bool:
        return self.tail.claim("message", GATEWAY, message_id) is not None


@pytest.fixture
def node(home: Home) -> Iterator[Node]:
    with Node(home.archive()) as found:
        found.wait_ready()
        yield found


@pytest.fixture
def peer(home: Home, node: Node, tmp_path: Path) -> Iterator[Peer]:
    found = Peer(node.archive, tmp_path / "peer")
    yield found
    found.tail.close()


def test_a_new_writer_is_found_and_followed(home: Home, node: Node, peer: Peer) -> None:
    node.push(message("m-1", b"<a/>"))
    assert peer.follow() >= 2  # the opening of the chain, and the message
    assert peer.knows("m-1")
    assert peer.follow() == 0
    home.clock.advance(timedelta(hours=1))  # it began long ago, and is followed all the same
    node.push(message("m-2", b"<b/>"))
    assert peer.follow() == 1
    assert peer.knows("m-2")


def test_what_follows_is_asked_for_and_nothing_else(
    home: Home, node: Node, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        node.push(message(f"m-{number}", b"<a/>"))
    peer.follow()
    home.clock.advance(timedelta(hours=1))
    asked: list[tuple[str, str]] = []
    listing = home.primary.list

    def listed(prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        asked.append((prefix, after))
        return listing(prefix, after)

    monkeypatch.setattr(home.primary, "list", listed)
    peer.follow()
    writer = node.intake.committer.writer
    assert writer is not None
    assert len(asked) == 2  # are there new writers; has this one gone on
    (prefix, after) = asked[1]
    assert prefix == f"batch/{writer.id}/"
    assert after.startswith(f"batch/{writer.id}/0000000005")
    asked.clear()
    peer.follow(own=writer.id)
    assert len(asked) == 1  # its own objects it folds anyway


def test_what_lies_at_one_site_only_is_left_alone(home: Home, node: Node, peer: Peer) -> None:
    peer.follow()
    home.standby.fail_next("put", times=1_000)
    with pytest.raises(SiteUnavailable):
        node.push(message("in doubt", b"<a/>"))
    assert peer.follow() == 0
    assert not peer.knows("in doubt")
    home.standby.fail_next("put", times=0)
    node.wait_for_state("ready")
    assert peer.follow() == 1
    assert peer.knows("in doubt")


def test_a_crashed_writer_and_the_next_one(home: Home, peer: Peer) -> None:
    first = Node(home.archive())
    first.wait_ready()
    first.push(message("before", b"<a/>"))
    crash(first, home)
    home.clock.advance(timedelta(seconds=1))
    with Node(home.archive()) as second:
        second.wait_ready()
        second.push(message("after", b"<b/>"))
        peer.follow()
        assert peer.knows("before")
        assert peer.knows("after")


def test_a_look_that_began_later_serves_everybody() -> None:
    looks = []
    follower = PeerSync(lambda: looks.append(1), 60)
    assert follower.refresh()
    assert len(looks) == 1
    assert follower.behind_s < 5


def test_a_look_that_fails_is_told_and_not_raised() -> None:
    def fail() -> None:
        raise SiteUnavailable("away", site="standby")

    follower = PeerSync(fail, 60)
    assert not follower.refresh()
    assert not follower.refresh()
