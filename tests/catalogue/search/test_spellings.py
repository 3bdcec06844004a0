"""A search in one spelling finds the other, before and after a compaction; what is stored stays as it was."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.archives import GATEWAY, Node, memory_home, message

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import HistogramQuery, Query
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact

AGENCY = "Bảo hiểm xã hội tỉnh Đắk Lắk"
#: One entry in two spellings, and one that is another.
WRITTEN = {
    "m-1": Metadata(
        transaction_id="GD-2026-a",
        employer_code="TZ1234z",
        tax_code="0101234567 ",
        insurance_numbers=("GD4790123456789", "0123456789"),
        dossier_number="Hs-00123/2026",
        procedure="600A",
        period="03/2026",
        state="Đã tiếp nhận",
        agency=unicodedata.normalize("NFD", AGENCY),
    ),
    "M-1": Metadata(
        transaction_id="gd-2026-A",
        employer_code="tz1234Z",
        tax_code="0101234567",
        insurance_numbers=("gd4790123456789",),
        dossier_number="HS-00123/2026",
        procedure="600a",
        period="2026-03",
        state=unicodedata.normalize("NFD", "ĐÃ TIẾP NHẬN"),
        agency=AGENCY,
    ),
    "other": Metadata(
        transaction_id="GD-2026-b",
        employer_code="TZ1234y",
        insurance_numbers=("GD4790123456780",),
        dossier_number="HS-00124/2026",
        procedure="600B",
        period="2026-04",
        state="Đa tiếp nhận",
        agency="Bao hiem xa hoi",
    ),
}
ASKED = [
    ("transaction_id", "GD-2026-A"),
    ("employer_code", "tz1234z"),
    ("tax_code", " 0101234567"),
    ("insurance_number", "Gd4790123456789"),
    ("dossier_number", "hs-00123/2026"),
    ("dossier_prefix", "hS-00123"),
    ("procedure", "600a "),
    ("period", "3/2026"),
    ("period", "202603"),
    ("state", unicodedata.normalize("NFD", "đã tiếp nhận")),
    ("state", "ĐÃ TIẾP NHẬN"),
    ("agency", AGENCY.upper()),
    ("agency", unicodedata.normalize("NFD", AGENCY.lower())),
]


@pytest.fixture(scope="module", params=["hot tail", "compacted"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The entries where they lie on the first day, and after a compaction."""
    with memory_home(tmp_path_factory.mktemp("spellings") / "home") as home:
        found = home.archive()
        with Node(found) as node:
            node.wait_ready()
            for message_id, about in WRITTEN.items():
                node.push(message(message_id, f"<{message_id}/>".encode(), given=about))
        home.clock.advance(timedelta(days=1))
        with Node(found) as node:  # the commits of yesterday go on record
            node.wait_ready()
        home.clock.advance(timedelta(days=1))
        found.catch_up(settle=True)
        if request.param == "compacted":
            assert compact(found).report.rows
        yield found


def found_by(archive: Archive, *filters: tuple[str, str]) -> set[str]:
    query = Query.parse([*filters, ("gateway", GATEWAY)], archive.search.cursor_key)
    page = archive.search.page(query)
    assert not page.unread
    return {item["message_id"] for item in page.items}


@pytest.mark.parametrize(("field", "value"), ASKED)
def test_either_spelling_is_found(archive: Archive, field: str, value: str) -> None:
    assert found_by(archive, (field, value)) == {"m-1", "M-1"}


def test_fields_together_are_compared_so_too(archive: Archive) -> None:
    assert found_by(archive, ("state", "Đã Tiếp Nhận"), ("employer_code", "TZ1234Z")) == {"m-1", "M-1"}
    assert found_by(archive, ("state", "Đã Tiếp Nhận"), ("employer_code", "TZ1234Y")) == set()


def test_ids_are_exact(archive: Archive) -> None:
    assert found_by(archive, ("message_id", "m-1")) == {"m-1"}
    assert found_by(archive, ("message_id", "M-1")) == {"M-1"}
    assert found_by(archive, ("message_id", "OTHER")) == set()


def test_a_timeline_has_every_spelling_of_its_transaction(archive: Archive) -> None:
    items = archive.search.timeline("gd-2026-a", GATEWAY).items
    assert [item["message_id"] for item in items] == ["m-1", "M-1"]


def test_values_are_shown_as_they_were_written(archive: Archive) -> None:
    query = Query(filters={"gateway": GATEWAY, "employer_code": "TZ1234Z"}, order="oldest")
    for item in archive.search.page(query).items:
        about = WRITTEN[item["message_id"]]
        for name in ("employer_code", "period", "state", "agency", "dossier_number"):
            assert item[name] == getattr(about, name)
        assert tuple(item["insurance_numbers"]) == about.insurance_numbers


def test_counts_compare_as_searches_do(archive: Archive) -> None:
    for name, value in (("procedure", "600A"), ("procedure", "600a"), ("state", "đã tiếp nhận")):
        found = archive.histograms.of(HistogramQuery("day", {"gateway": GATEWAY, name: value}))
        assert found.entries == 2


def test_blanks_alone_are_no_value(archive: Archive) -> None:
    for parameters in ([("state", " ")], [("dossier_prefix", "  a ")]):
        with pytest.raises(InvalidInput) as failure:
            Query.parse(parameters, archive.search.cursor_key)
        assert failure.value.field == parameters[0][0]
    with pytest.raises(InvalidInput):
        HistogramQuery.parse([("state", "  ")])
