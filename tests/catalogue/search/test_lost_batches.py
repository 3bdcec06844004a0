"""A batch that no site gives: every answer that may lack its entries says so, until it is there again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.archives import Home, Node, crash, memory_home, message, second_home
from tests.support.entropy import SeededEntropy
from tests.support.memory_site import MemorySite
from tests.support.names import NO_SIGNATURE, signed

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import HistogramQuery, Query
from vanvault.archiver.catalogue.hot_tail import LostBatches
from vanvault.archiver.core.errors import BatchLost, NotFound
from vanvault.archiver.core.format.batches import decode_batch, encode_batch
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.names import WRITER_ENTROPY, ObjectName, batch_prefix, new_writer_id, parse_key
from vanvault.archiver.core.times import rfc3339_us
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.replicas.promised import read_whole

BODY = b"<x/>"


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[tuple[Home, list[Any]]]:
    """Four messages of one writer, each in a batch of its own, and its closing object after them."""
    with memory_home(tmp_path / "home") as home:
        with Node(home.archive()) as node:
            node.wait_ready()
            given = Metadata(transaction_id="t-1", employer_code="E")
            receipts = [node.push(message(f"m-{n}", BODY, given=given)) for n in range(4)]
        assert len({receipt["object"] for receipt in receipts}) == 4
        yield home, receipts


def harm(home: Home, how: Callable[[MemorySite, str], None], key: str) -> Archive:
    """The home as a fresh process sees it, its hot tail lost, after this was done at both sites."""
    for site in home.sites.values():
        how(site, key)
    home.forget_hot_tail()
    archive = home.archive()
    report = archive.refresh()
    assert report.missing == ((hole(key),) if how is drop else ())
    return archive


def drop(site: MemorySite, key: str) -> None:
    site.damage.drop(key)


def truncate(site: MemorySite, key: str) -> None:
    site.damage.truncate(key, 0)


def unread(archive: Archive, **query: Any) -> list[tuple[str, str]]:
    return [(one.object, one.reason) for one in archive.search.page(Query(**query)).unread]


def hole(key: str) -> str:
    name = parse_key(key)
    assert name is not None
    return batch_prefix(name.writer, name.sequence)


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize(("how", "reason"), [(drop, "missing"), (truncate, "damaged")])
def test_every_reader_names_a_batch_that_no_site_gives(
    pushed: tuple[Home, list[Any]], how: Callable[[MemorySite, str], None], reason: str, at: int
) -> None:
    home, receipts = pushed
    lost = receipts[at]
    archive = harm(home, how, lost["object"])
    # A later object holds its commit record, but not where that one is all that is known of its place.
    name = lost["object"] if reason == "damaged" else hole(lost["object"])
    assert unread(archive) == [(name, reason)]
    assert unread(archive, filters={"message_id": lost["message_id"]}) == [(name, reason)]
    counted = archive.histograms.of(HistogramQuery.parse([("by", "day")]))
    assert [(one.object, one.reason) for one in counted.unread] == [(name, reason)]
    assert [one.object for one in archive.search.timeline("t-1").unread] == [name]
    for look in (archive.search.entry, archive.receipts.of):
        with pytest.raises(BatchLost, match=f"is {reason}"):
            look(lost["id"])
    other = receipts[0]
    assert archive.search.entry(other["id"])["message_id"] == "m-0"
    with pytest.raises(NotFound):
        archive.search.entry(other["id"][:-1] + "7")
    assert unread(archive, to_us=1) == []


def test_its_times_are_those_of_what_lies_beside_it(pushed: tuple[Home, list[Any]]) -> None:
    home, receipts = pushed
    archive = harm(home, drop, receipts[1]["object"])
    (one,) = archive.search.page(Query()).unread
    assert one.first <= receipts[1]["received_at"] <= one.last
    created = [archive.tail.batch_of(receipts[at]["object"]).header.created_us for at in (0, 2)]
    assert (one.first, one.last) == tuple(map(rfc3339_us, created))


def test_once_it_is_there_again_the_next_fold_takes_it_and_nothing_is_named(
    pushed: tuple[Home, list[Any]],
) -> None:
    home, receipts = pushed
    key = receipts[1]["object"]
    kept = {name: read_whole(site, key) for name, site in home.sites.items()}
    until = home.primary.stat(key).retain_until
    assert until is not None
    archive = harm(home, drop, key)
    assert unread(archive)
    for name, site in home.sites.items():
        site.allow_put_again(key)
        site.put(key, kept[name], sha256=hashlib.sha256(kept[name]).digest(), retain_until=until)
    archive.refresh()
    assert unread(archive) == []
    assert archive.search.entry(receipts[1]["id"])["message_id"] == "m-1"


def test_the_last_batch_of_a_killed_writer_is_known_by_the_writer_after_it(home: Home) -> None:
    node = Node(home.archive())
    node.wait_ready()
    receipt = node.push(message("m-1", BODY))
    crash(node, home)
    with Node(home.archive()) as after:
        after.wait_ready()
    archive = harm(home, drop, receipt["object"])
    with pytest.raises(BatchLost):
        archive.search.entry(receipt["id"])


def test_one_copy_of_two_is_not_told_as_nothing_before_a_node_completes_it(
    pushed: tuple[Home, list[Any]],
) -> None:
    home, receipts = pushed
    key = receipts[1]["object"]
    home.standby.damage.drop(key)
    home.forget_hot_tail()
    archive = home.archive()
    archive.refresh()
    assert unread(archive) == [(key, "not folded yet")]
    with pytest.raises(BatchLost):
        archive.search.entry(receipts[1]["id"])
    home.standby.allow_put_again(key)
    archive.catch_up(settle=True)
    assert unread(archive) == []


def test_while_a_site_is_away_it_may_be_there(pushed: tuple[Home, list[Any]]) -> None:
    home, receipts = pushed
    archive = harm(home, truncate, receipts[1]["object"])
    home.standby.fail_next("list", times=1_000)
    archive.refresh()
    assert unread(archive) == [(receipts[1]["object"], "unavailable")]


def test_a_stranger_makes_nothing_lost(pushed: tuple[Home, list[Any]]) -> None:
    """Whoever writes at a site, without keys, must not make every answer doubtful."""
    home, receipts = pushed
    name = parse_key(receipts[1]["object"])
    assert name is not None
    forged = receipts[1]["object"].replace(f"{name.sequence:010d}-", f"{name.sequence + 500:010d}-")
    assert parse_key(forged) is not None
    for site in home.sites.values():
        site.damage.add(forged, b"not ours")
    home.forget_hot_tail()
    archive = home.archive()
    archive.refresh()
    assert unread(archive) == []


def test_rows_that_no_writer_signed_are_nothing_that_is_lost(
    pushed: tuple[Home, list[Any]], tmp_path: Path
) -> None:
    """Its name is signed and its key opens, so only what is in it tells that it is forged."""
    home, receipts = pushed
    archive, key = home.archive(), receipts[1]["object"]
    batch = decode_batch(key, read_whole(home.primary, key), archive.parquet)
    writer = new_writer_id(home.clock.now(), bytes(WRITER_ENTROPY))
    name = ObjectName("batch", writer, 0, "messages", bytes(32), NO_SIGNATURE)
    data_key = archive.parquet.fresh_key(name.subject(archive.settings.archive), SeededEntropy(2))
    header = replace(batch.header, writer=writer, sequence=0, previous="", commits=())
    stranger = SigningKeys.create(tmp_path / "keys", SeededEntropy(1)).active()
    data = encode_batch(header, batch.entries, data_key, stranger)
    forged = signed(archive, replace(name, sha256=hashlib.sha256(data).digest()))
    for site in home.sites.values():
        site.damage.add(forged, data)
    home.forget_hot_tail()
    archive = home.archive()
    report = archive.refresh()
    assert report.unreadable == (forged,)
    assert unread(archive) == []


def test_a_batch_of_a_lost_stretch_that_is_there_again_is_lost_no_more(
    pushed: tuple[Home, list[Any]],
) -> None:
    home, receipts = pushed
    archive = home.archive()
    archive.refresh()
    name = parse_key(receipts[1]["object"])
    assert name is not None
    stretch = LostBatches(name.writer, name.sequence, name.sequence + 9_000, "", "missing", 0, 1)
    archive.tail.lost_batches.add([stretch])
    assert archive.tail.lost_batches.of(name.writer, name.sequence) is None
    assert archive.tail.lost_batches.of(name.writer, name.sequence + 9_000) == stretch


def test_a_node_that_follows_names_what_it_could_not_read(home: Home, tmp_path: Path) -> None:
    with second_home(home, tmp_path / "other") as other:
        reader = other.archive()
        reader.refresh()
        with Node(home.archive()) as node:
            node.wait_ready()
            receipt = node.push(message("m-1", BODY))
            for site in home.sites.values():
                site.damage.truncate(receipt["object"], 0)
            reader.follow(own="")
            assert unread(reader) == [(receipt["object"], "damaged")]


def test_a_fold_with_nothing_new_does_not_count_all_batches_again(
    pushed: tuple[Home, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pushed[0].archive()
    archive.refresh()
    looked: list[str] = []
    monkeypatch.setattr(type(archive.tail.lost_batches), "find", lambda *_: looked.append("all") or [])
    archive.refresh()
    assert not looked
