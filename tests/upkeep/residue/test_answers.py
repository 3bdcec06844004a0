"""Every answer about an entry that was disposed of says so, and names the certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.archives import Node, event, message
from tests.support.residues import DISPOSAL, Disposable, disposable

from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import EntryDisposed
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.upkeep import keep_locks


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Disposable]:
    with disposable(tmp_path / "home") as found:
        found.dispose("m-1", "e-0", originals=["m-2"])
        yield found


@pytest.mark.parametrize(
    ("field", "value", "count"),
    [
        ("message_id", "m-1", 1),
        ("event_id", "e-0", 1),
        ("transaction_id", "t-1", 9),
        ("employer_code", "E1", 6),
    ],
)
def test_a_search_finds_it_by_what_is_left(made: Disposable, field: str, value: str, count: int) -> None:
    page = made.archive.search.page(Query({field: value}), bare=True)
    assert (len(page.items), page.unread) == (count, ())


def test_an_item_says_what_was_let_go_of(made: Disposable) -> None:
    gone = made.archive.search.entry(made.id("m-1"))
    assert (gone["entry"], gone["message_id"], gone["sha256"]) == (
        "disposed",
        "m-1",
        made.receipts["m-1"]["sha256"],
    )
    told = gone["disposed"]
    assert (told["certificate"], told["what"], told["entry"], told["rule"]) == (
        DISPOSAL,
        "entry",
        "message",
        "QD08-2015/5",
    )
    kept = made.archive.search.entry(made.id("m-2"))
    assert (kept["entry"], kept["employer_code"], kept["disposed"]["what"]) == ("message", "E1", "original")
    assert "disposed" not in made.archive.search.entry(made.id("m-3"))


def test_no_original_is_given_of_what_is_gone(made: Disposable) -> None:
    for name in ("m-1", "m-2"):
        with pytest.raises(EntryDisposed) as refused:
            made.archive.original(made.archive.search.entry(made.id(name)))
        assert refused.value.certificate == DISPOSAL
    assert made.archive.original(made.archive.search.entry(made.id("m-3"))) == b"<m>3</m>"
    assert made.archive.original(made.archive.search.entry(made.id("m-5"))) == b"<m>5</m>"


def test_what_is_gone_is_not_archived_again_whatever_its_bytes(made: Disposable) -> None:
    before = len(list(made.home.primary.list("batch/")))
    with Node(made.archive) as node:
        node.wait_ready()
        for draft in (message("m-1", b"<m>1</m>"), message("m-1", b"other"), event("e-0")):
            with pytest.raises(EntryDisposed):
                node.push(draft)
        assert node.push(message("m-2", b"<m>2</m>")) == made.receipts["m-2"]
    opened_and_closed = 2
    assert len(list(made.home.primary.list("batch/"))) == before + opened_and_closed


def test_locks_of_residue_segments_are_rolled_for_as_long_as_they_count(made: Disposable) -> None:
    part = made.segment.manifest.parts[-1]
    promised = parse_rfc3339(part.retain_until)
    made.home.clock.moment = promised - timedelta(days=100)
    keep_locks(made.archive)
    for site in made.home.sites.values():
        until = site.stat(part.key).retain_until
        assert until is not None
        assert until - made.home.clock.moment >= timedelta(days=2 * 365)
    report = keep_locks(made.archive)
    assert report.extended == 0
