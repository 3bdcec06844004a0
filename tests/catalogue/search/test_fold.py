"""A fold is complete when nothing was left out; and it names the version that a receipt names."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from tests.support.archives import Home, Node, crash, message

from vanvault.archiver.catalogue import fold
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.model import Batch
from vanvault.archiver.replicas import copy_object
from vanvault.archiver.replicas.promised import read_whole


def pushed(home: Home, number: int) -> Receipt:
    """A message of a writer of its own, which has closed."""
    with Node(home.archive()) as node:
        node.wait_ready()
        return node.push(message(f"m-{number}", b"<x>%d</x>" % number))


def test_what_was_left_out_is_folded_once_every_site_has_it(home: Home) -> None:
    """It lay at one site only, so it was not acknowledged. Its writer closed days before the newest entry."""
    early = pushed(home, 1)
    home.clock.advance(timedelta(days=5))
    late = pushed(home, 2)
    home.standby.damage.drop(early["object"])
    home.forget_hot_tail()
    archive = home.archive()
    archive.catch_up()
    assert not archive.tail.knows([early["object"]])
    assert archive.tail.knows([late["object"]])
    until = home.primary.stat(early["object"]).retain_until
    assert until is not None
    home.standby.allow_put_again(early["object"])
    copy_object(home.primary, home.standby, early["object"], retain_until=until, now=home.clock.now)
    archive.catch_up()
    assert archive.tail.knows([early["object"]])


def test_a_fold_names_the_oldest_version_as_the_receipt_does(home: Home) -> None:
    """No later object holds its commit: the node was killed. So the fold alone tells where it lies."""
    node = Node(home.archive())
    node.wait_ready()
    receipt = node.push(message("m-1", b"<x/>"))
    crash(node, home)
    key = receipt["object"]
    for site in home.sites.values():
        data, until = read_whole(site, key), site.stat(key).retain_until
        assert until is not None
        site.allow_put_again(key)
        site.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)
        assert len(site.versions(key)) == 2
    home.forget_hot_tail()
    archive = home.archive()
    archive.catch_up()
    assert archive.tail.batch_of(key).commit is None
    known = archive.tail.batch_of(key).placements
    named = {(placement["site"], placement["version"]) for placement in receipt["placements"]}
    assert {(placement.site, placement.version) for placement in known} == named


def test_two_threads_that_fold_everything_decode_each_batch_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the opening of a writer and the first compaction of a node that lost its cache."""
    for number in range(6):
        pushed(home, number)
    home.forget_hot_tail()
    archive = home.archive()
    decoded: list[str] = []
    together, decode = threading.Barrier(2), fold.decode_batch

    def counted(key: str, *arguments: Any, **options: Any) -> Batch:
        decoded.append(key)
        return decode(key, *arguments, **options)

    def folds() -> None:
        together.wait()
        archive.catch_up(settle=True)

    monkeypatch.setattr(fold, "decode_batch", counted)
    threads = [threading.Thread(target=folds) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decoded) >= 6
    assert sorted(decoded) == sorted(set(decoded))
