"""The hot tail is a cache: however it was filled, lost or broken, it says the same."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalogue.search.entries import GATEWAYS, WRITERS, folded
from tests.support.archives import Home, Node, event, message
from tests.support.searching import search_over

from vanvault.archiver.appliance import Archive
from vanvault.archiver.appliance.places import HOT_TAIL, hot_tail_of
from vanvault.archiver.catalogue import HotTail, Query
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.model import Message, Metadata
from vanvault.archiver.keys import KeyFiles

DRAFTS = [
    *(
        message(f"m-{n}", b"<%d/>" % n, given=Metadata(transaction_id=f"t-{n % 3}", state="x"))
        for n in range(8)
    ),
    *(event(f"e-{n}", transaction_id=f"t-{n % 3}") for n in range(4)),
]


def everything(archive: Archive) -> Any:
    """All that a reader can be told: items, receipts, timelines."""
    items = archive.search.page(Query({"gateway": "gateway-1"}, limit=1000)).items
    return items, [archive.receipts.of(item["id"]) for item in items], archive.search.timeline("t-1").items


@pytest.fixture
def filled(home: Home) -> dict[str, Receipt]:
    """Two nodes wrote, one after the other; the first receipts by id."""
    receipts: dict[str, Receipt] = {}
    for half in (DRAFTS[::2], DRAFTS[1::2]):
        with Node(home.archive()) as node:
            node.wait_ready()
            receipts |= {draft.client_id: node.push(draft) for draft in half}
    return receipts


def delete(path: Path, home: Home) -> None:
    home.forget_hot_tail()


def test_when_trust_takes_something_away_all_is_filled_again_and_nobody_is_told_a_lie(
    home: Home, filled: dict[str, Receipt]
) -> None:
    archive = home.archive()
    archive.catch_up()
    known = everything(archive)
    tail = archive.tail
    assert tail.follow_trust(("act-1", "0", "keys"), lambda key: True)  # nothing here is of that key
    assert tail.claim("message", "gateway-1", "m-1") is not None
    assert tail.claim("message", "gateway-1", "never") is None
    assert tail.follow_trust(("act-2", "0", "keys"), lambda key: False)
    for client_id in ("m-1", "never"):
        with pytest.raises(SiteUnavailable, match="filled again") as refused:
            tail.claim("message", "gateway-1", client_id)
        assert not refused.value.may_be_stored
    assert not tail.follow_trust(("act-2", "0", "keys"), lambda key: False)
    archive.catch_up()
    assert tail.claim("message", "gateway-1", "never") is None
    assert orjson.dumps(everything(archive)) == orjson.dumps(known)


def test_what_is_accepted_may_be_older_than_all_that_is_here(home: Home, filled: dict[str, Receipt]) -> None:
    archive = home.archive()
    archive.catch_up()
    assert archive.tail.follow_trust(("act-1", "1", "keys"), lambda key: True)
    assert archive.tail.counts()["batches"] == 0


def no_database(path: Path, home: Home) -> None:
    home.forget_hot_tail()
    path.write_bytes(b"not a database" * 1000)


def cut(path: Path, home: Home) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def random_bytes(path: Path, home: Home) -> None:
    """Every page but the first is overwritten: SQLite opens the file and stumbles later."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + random.Random(1).randbytes(len(data) - 4096))


def rotten_table(table: str) -> Callable[[Path, Home], None]:
    """One table's page is overwritten: nothing shows when the file is opened."""

    def harm(path: Path, home: Home) -> None:
        with sqlite3.connect(path) as connection:
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
            (page,) = connection.execute(query, (table,)).fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(random.Random(1).randbytes(size))

    harm.__name__ = f"rotten_{table}"
    return harm


def of_another_archive(path: Path, home: Home) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE fact SET value = 'another' WHERE name = 'archive'")


def rotated_index_key(path: Path, home: Home) -> None:
    keys = home.archive().keys
    assert isinstance(keys, KeyFiles)
    keys.rotate("index")


@pytest.mark.parametrize(
    "harm",
    [
        delete,
        no_database,
        cut,
        random_bytes,
        *(rotten_table(table) for table in ("batch", "chunk", "run", "page")),
        of_another_archive,
        rotated_index_key,
    ],
)
def test_whatever_happened_to_the_file_it_is_rebuilt(
    home: Home, filled: dict[str, Receipt], harm: Callable[[Path, Home], None]
) -> None:
    before = home.archive()
    before.catch_up()
    known = everything(before)
    home.close()
    harm(hot_tail_of(home.path, "index/1"), home)
    with Node(home.archive()) as node:
        node.wait_ready()
        assert {draft.client_id: node.push(draft) for draft in DRAFTS} == filled
        assert orjson.dumps(everything(node.archive)) == orjson.dumps(known)


def test_an_entry_is_found_as_soon_as_its_receipt_is_there(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for draft in DRAFTS[:3]:
            receipt = node.push(draft)
            assert node.intake.tail_updater.flush(1)
            assert archive.search.entry(receipt["id"])["sha256"] == receipt["sha256"]


def test_another_process_sees_what_this_one_wrote(home: Home, tmp_path: Path) -> None:
    """Each with a tail of its own, as two nodes have."""
    with Node(home.archive()) as node:
        node.wait_ready()
        receipts = [node.push(draft) for draft in DRAFTS]
        reader = home.archive()
        reader.catch_up()
        assert [reader.search.entry(receipt["id"])["id"] for receipt in receipts] == [
            r["id"] for r in receipts
        ]


#: One id three times: from the first writer, again from the second, and once with other bytes.
ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))


def same_id(*digests: bytes) -> list[tuple[str, list[tuple[type, str, str, bytes, Metadata]]]]:
    row = (Metadata(state="a"),)
    return [
        (WRITERS[n % 2], [(Message, GATEWAYS[0], "m-1", digest, *row)]) for n, digest in enumerate(digests)
    ]


def shown(tail: HotTail) -> set[str]:
    """Ids of the entries that a search for their common value shows."""
    return {item["id"] for item in search_over(tail).page(Query({"state": "a"})).items}


@given(st.permutations(range(3)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_id_twice_is_one_entry_in_any_order_of_folding(
    new_tail: Callable[[], HotTail], order: list[int]
) -> None:
    batches = folded(same_id(ONE, ONE, ONE))
    tail = new_tail()
    for n in order:
        assert tail.apply([batches[n]]) == 1
        assert tail.apply([batches[n]]) == 0
    first = batches[0].entries[0].id
    claim = tail.claim("message", GATEWAYS[0], "m-1")
    assert claim is not None
    assert tail.at(claim.position)[0]["id"] == first
    assert shown(tail) == {first}
    assert tail.conflicts() == 0


@given(st.permutations(range(2)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_id_with_other_bytes_is_a_conflict_in_any_order(
    new_tail: Callable[[], HotTail], order: list[int]
) -> None:
    """Two sites wrote through a partition: the earlier stands, both stay visible, and it is counted."""
    batches = folded(same_id(ONE, TWO))
    tail = new_tail()
    for n in order:
        tail.apply([batches[n]])
    claim = tail.claim("message", GATEWAYS[0], "m-1")
    assert claim is not None
    assert claim.sha256 == ONE
    assert tail.conflicts() == 1
    assert shown(tail) == {batch.entries[0].id for batch in batches}


def test_nothing_readable_lies_in_the_file(home: Home, filled: dict[str, Receipt]) -> None:
    """Who takes a node's disk learns no id, code or number."""
    about = Metadata(employer_code="TZ1234Z", insurance_numbers=("7912345678",), agency="Hà Nội")
    with Node(home.archive()) as node:
        node.wait_ready()
        node.push(message("very-special-id", b"<a/>", given=about))
    files = list((home.path / HOT_TAIL).parent.iterdir())
    content = b"".join(file.read_bytes() for file in files)
    for secret in ("very-special-id", "TZ1234Z", "7912345678", "Hà Nội", "gateway-1"):
        assert secret.encode() not in content
