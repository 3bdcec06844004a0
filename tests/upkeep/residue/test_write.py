"""A residue segment stands in the place of the segments that it replaces, and proves all that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.residues import DISPOSAL, Disposable, disposable

from vanvault.archiver.core.errors import EntryDisposed, InvalidInput


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Disposable]:
    with disposable(tmp_path / "home") as found:
        yield found


def test_a_residue_segment_takes_the_place_of_what_it_replaces(made: Disposable) -> None:
    before = made.segment
    key, manifest = made.dispose("m-1", "e-0", originals=["m-2"])
    assert (made.segment.key, made.segment.indexed) == (key, True)
    assert (manifest.replaces, manifest.disposal) == ((before.manifest.segment,), DISPOSAL)
    assert manifest.covers == before.manifest.covers
    assert [one.key for one in made.archive.catalogue.replaced()] == [before.key]
    residue = made.archive.locator.residue(manifest)
    assert {one.id: (one.what, one.entry) for one in residue.values()} == {
        made.id("m-1"): ("entry", "message"),
        made.id("e-0"): ("entry", "event"),
        made.id("m-2"): ("original", "message"),
    }


def test_of_an_entry_that_is_gone_the_log_says_where_it_stood_and_no_more(made: Disposable) -> None:
    made.dispose("m-1", "e-0")
    rows = {row["id"]: row for row in made.archive.locator.rows(made.segment)}
    gone, event = rows[made.id("m-1")], rows[made.id("e-0")]
    assert (gone["entry"], gone["message_id"], gone["transaction_id"]) == ("disposed", "m-1", "t-1")
    assert (gone["employer_code"], gone["insurance_numbers"], gone["original"]) == ("", [], None)
    assert (event["entry"], event["event_id"], event["type"], event["detail"]) == ("disposed", "e-0", "", "")
    assert rows[made.id("m-3")]["employer_code"] == "E1"


def test_the_first_receipt_of_each_kept_row_stays_the_same(made: Disposable) -> None:
    made.dispose("m-1", "e-0", originals=["m-2"])
    archive = made.again()
    for name, receipt in made.receipts.items():
        if name in ("m-1", "e-0"):
            with pytest.raises(EntryDisposed) as refused:
                archive.receipts.of(made.id(name))
            assert refused.value.certificate == DISPOSAL
        else:
            assert archive.receipts.of(made.id(name)) == receipt


def test_what_was_replaced_does_not_come_back_with_a_new_cache(made: Disposable) -> None:
    before = made.segment
    key, _ = made.dispose("m-1")
    archive = made.again()
    assert [one.key for one in archive.catalogue.segments(spare=True)] == [key]
    assert [one.key for one in archive.catalogue.replaced()] == [before.key]


def test_a_second_disposal_stands_for_all_that_was_before(made: Disposable) -> None:
    first = made.segment
    _, one = made.dispose("m-1", originals=["m-2"])
    _, two = made.dispose("m-2", "m-3", disposal="d-00000000000000a2")
    assert two.replaces == tuple(sorted((first.manifest.segment, one.segment)))
    whole = {row.id: row.disposal for row in made.archive.locator.residue(two).values() if row.is_whole}
    assert whole == {
        made.id("m-1"): DISPOSAL,
        made.id("m-2"): "d-00000000000000a2",
        made.id("m-3"): "d-00000000000000a2",
    }
    archive = made.again()
    assert archive.receipts.of(made.id("m-4")) == made.receipts["m-4"]


STEPS = (
    "segment-before-put",
    "segment-before-prove",
    "segment-before-lock",
    "segment-before-manifest",
    "segment-trusted",
    "residue-before-catalogue",
    "residue-before-index",
)


class Killed(Exception):
    """As a process that ends here."""


@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_and_run_again_it_stands(made: Disposable, step: str) -> None:
    before = made.segment

    def die(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        made.dispose("m-1", fault=die)
    made.again()
    trusted = STEPS.index(step) >= STEPS.index("segment-trusted")
    assert (made.segment.key != before.key) == trusted
    key, manifest = made.dispose("m-1", segments=[before] if trusted else ())
    assert (made.segment.key, manifest.replaces) == (key, (before.manifest.segment,))
    assert len(made.archive.catalogue.replaced()) == 1


def test_a_manifest_that_reached_one_site_is_brought_to_the_other(made: Disposable) -> None:
    before = made.segment
    key, _ = made.dispose("m-1")
    made.home.standby.damage.drop(key)
    made.dispose("m-1", segments=[before])
    assert made.home.standby.versions(key)


@pytest.mark.parametrize("name", ["m-1", "e-0"])
def test_what_is_gone_is_not_disposed_of_again(made: Disposable, name: str) -> None:
    made.dispose(name)
    with pytest.raises(InvalidInput, match="no entry"):
        made.dispose(name, disposal="d-00000000000000a2")


def test_a_line_of_the_archive_itself_is_kept(made: Disposable) -> None:
    rows = made.archive.locator.rows(made.segment)
    made.receipts["own"] = {"id": next(row["id"] for row in rows if row["gateway"] == "vanvault")}
    with pytest.raises(InvalidInput, match="own"):
        made.dispose("own")
