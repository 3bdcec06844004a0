"""An object that every site refuses to read, while it gives others, is damaged: nothing waits for it.

So MinIO answers for bytes that rotted (503), and a disk for a bad sector (EIO).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection

import pytest

from tests.support.archives import SITES, Home, Node, crash, message
from tests.support.compacted import CompactedLab
from tests.support.lab import Lab
from tests.support.refusing import RefusingSite, everything
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.segments.files import SegmentFiles
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.core.evidence import holders
from vanvault.archiver.core.names import sha256_of
from vanvault.archiver.replicas import place_everywhere
from vanvault.archiver.upkeep import compact
from vanvault.recovery.custody import ExposedRequest, exposed
from vanvault.recovery.reconcile import upgrade_all


def open_refusing(home: Home, refused: Collection[str], *, at: Collection[str] = SITES) -> Archive:
    """A new process of the home, to which these sites refuse these objects."""
    return home.archive(
        {
            name: RefusingSite(site, refused) if name in at else site  # type: ignore[dict-item]
            for name, site in home.sites.items()
        }
    )


def refuse(archive: Archive, refused: Collection[str]) -> None:
    """From now on both sites of an open archive refuse these objects."""
    for name in SITES:
        archive.sites[name] = RefusingSite(archive.sites[name], refused)  # type: ignore[index]


def pushed(home: Home, *ids: str) -> list[str]:
    """The objects in which these messages lie, each in one of its own, pushed by a node that ended."""
    with Node(home.archive()) as node:
        node.wait_ready()
        return [str(node.push(message(one, b"<x/>"))["object"]) for one in ids]


def found(archive: Archive, message_id: str) -> int:
    return len(archive.search.page(Query({"message_id": message_id})).items)


def test_a_node_starts_and_takes_messages_and_names_the_object(home: Home) -> None:
    refused, _ = pushed(home, "m-1", "m-2")
    home.forget_hot_tail()
    archive = open_refusing(home, {refused})
    assert archive.catch_up(settle=True).unreadable == (refused,)
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-3", b"<y/>"))
    assert (found(archive, "m-1"), found(archive, "m-2"), found(archive, "m-3")) == (0, 1, 1)


def test_one_site_that_gives_it_is_enough(home: Home) -> None:
    refused, _ = pushed(home, "m-1", "m-2")
    home.forget_hot_tail()
    archive = open_refusing(home, {refused}, at=("primary",))
    assert archive.catch_up(settle=True).unreadable == ()
    assert found(archive, "m-1") == 1


def test_sites_that_give_nothing_at_all_are_away(home: Home) -> None:
    pushed(home, "m-1")
    home.forget_hot_tail()
    away = {name: RefusingSite(site, everything) for name, site in home.sites.items()}
    archive = home.archive(away)  # type: ignore[arg-type]
    with pytest.raises(SiteUnavailable):
        archive.catch_up()
    assert archive.tail.last_received_us() == 0


def test_an_object_without_a_commit_record_keeps_no_node_from_starting(home: Home) -> None:
    node = Node(home.archive())
    node.wait_ready()
    last = str(node.push(message("m-1", b"<x/>"))["object"])
    crash(node, home)
    home.forget_hot_tail()
    home.archive().catch_up()
    with Node(open_refusing(home, {last})) as again:
        again.wait_ready()
        again.push(message("m-2", b"<y/>"))
    assert last in {one.key for one in again.archive.tail.uncommitted()}
    # It is put on record by the first start after it was repaired.
    with Node(home.archive()) as mended:
        mended.wait_ready()
    assert last not in {one.key for one in mended.archive.tail.uncommitted()}


def test_a_batch_that_its_only_site_refuses_is_named_and_the_others_are_upgraded(home: Home) -> None:
    with (home.path / "vanvault.toml").open("a") as file:
        file.write('[sites]\npolicy = "any"\n')
    with Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("put", times=1_000)
        receipts = [node.push(message(one, b"<x/>")) for one in ("m-1", "m-2")]
    home.primary.fail_next("put", times=0)
    assert {frozenset(holders(receipt)) for receipt in receipts} == {frozenset({"standby"})}
    refused, other = (str(receipt["object"]) for receipt in receipts)
    archive = open_refusing(home, {refused})
    archive.catch_up()
    done = upgrade_all(archive)
    assert done.damaged == (refused,)
    assert home.primary.versions(other)


def test_a_copy_that_its_site_refuses_is_put_again_from_the_other(home: Home) -> None:
    (key,) = pushed(home, "m-1")
    archive = open_refusing(home, {key}, at=("standby",))
    archive.catch_up()
    home.standby.allow_put_again(key)
    until = home.standby.stat(key).retain_until
    assert until is not None
    place_everywhere(archive.sites, key, until, now=archive.clock.now)
    assert len(home.standby.versions(key)) == 2
    home.check()


def test_a_compaction_goes_on_without_it_and_names_it(lab: Lab) -> None:
    refused = lab.chain(0)[1]
    with lab.open() as archive:
        refuse(archive, {refused})
        run = compact(archive)
    assert run.report.damaged == (refused,)
    assert run.report.segments


def test_batches_stand_in_for_a_log_that_every_site_refuses(compacted: CompactedLab) -> None:
    log = compacted.part("log")
    for folder in ("cache", "index"):
        shutil.rmtree(compacted.home / folder)
    with compacted.open() as archive:
        whole = len(archive.search.page(Query({"entry": "message"}, limit=100)).items)
        refuse(archive, {log})
        report = archive.catch_up()
        assert log in report.unreadable
        entries = archive.search.page(Query({"entry": "message"}, limit=100)).items
    with compacted.open() as archive:
        archive.catch_up()
        assert len(entries) == len(archive.search.page(Query({"entry": "message"}, limit=100)).items) > whole


def test_an_older_version_of_a_log_is_read_where_the_newest_is_refused(compacted: CompactedLab) -> None:
    log = compacted.part("log")
    with compacted.open() as archive:
        for name in SITES:
            site = archive.sites[name]
            until = site.stat(log).retain_until
            assert until is not None
            site.put(log, site.get(log), sha256=sha256_of(log), retain_until=until)
            newest = site.versions(log)[0].version
            archive.sites[name] = RefusingSite(site, {log}, version=newest)  # type: ignore[index]
        segment = next(one for one in archive.catalogue.segments() if _log(one.manifest) == log)
        part = segment.manifest.part("log")
        assert part is not None
        files = SegmentFiles(archive.sites, archive.parquet)
        assert files.table(segment.manifest, part).num_rows == segment.manifest.rows


def test_what_every_site_refuses_is_told_as_damage_to_who_asks_for_it(lab: Lab) -> None:
    with lab.open() as archive:
        archive.catch_up()
        (item,) = archive.search.page(Query({"message_id": "message-10"})).items
        refuse(archive, {item["object"]})
        with pytest.raises(Damaged, match="gives other objects"):
            archive.original(item)


def test_what_a_disclosed_key_opens_is_listed_though_a_site_refuses_an_object(lab: Lab) -> None:
    request = ExposedRequest("test", master="originals/1")

    def listed(archive: Archive) -> set[str]:
        ids: set[str] = set()
        exposed(archive, request, lambda one: ids.add(one.id))
        return ids

    with lab.open() as archive:
        every = listed(archive)
    with lab.open() as archive:
        site = archive.sites["primary"]
        archive.sites["primary"] = RefusingSite(site, {lab.chain(0)[1]})  # type: ignore[index]
        assert listed(archive) == every
        archive.sites["primary"] = RefusingSite(site, everything)  # type: ignore[index]
        with pytest.raises(SiteUnavailable):
            listed(archive)


def _log(manifest: object) -> str:
    part = manifest.part("log")  # type: ignore[attr-defined]
    return part.key if part is not None else ""
