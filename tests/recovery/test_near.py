"""A search that finds nothing says what came close, of what its reader may see, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.archives import Home, Node, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, Query
from vanvault.archiver.core.model import Metadata
from vanvault.recovery.searched import NearMisses, near_misses

ABOUT = Metadata(employer_code="TZ1234Z", dossier_number="00123/2026/07900", transaction_id="GD-2026-1")
HOME_GATEWAYS = ("gateway-1", "gateway-2")


class Filled:
    """Two messages, a month apart; ``moments``: when they came, RFC 3339; ``ids``: the archive's own."""

    def __init__(self, archive: Archive, home: Home) -> None:
        self.archive = archive
        self.ids: list[str] = []
        with Node(archive) as node:
            node.wait_ready()
            for gateway in HOME_GATEWAYS:
                self.ids.append(str(node.push(message("MSG-1", b"<m/>", gateway=gateway, given=ABOUT))["id"]))
                home.clock.advance(timedelta(days=30))
        archive.catch_up()
        self.moments = [archive.search.entry(id)["received_at"] for id in self.ids]

    def near(self, *asked: tuple[str, str], gateway: str = "") -> NearMisses:
        def may_see(item: Item) -> bool:
            return gateway in ("", item["gateway"])

        return near_misses(self.archive, Query.parse(asked, b""), may_see)

    def ways(self, *asked: tuple[str, str], gateway: str = "") -> list[tuple[str, dict[str, str], int]]:
        found = self.near(*asked, gateway=gateway)
        assert found.complete
        return [(one.way, dict(one.fields), one.count) for one in found.found]


@pytest.fixture
def filled(home: Home) -> Iterator[Filled]:
    with home.archive() as archive:
        yield Filled(archive, home)


def test_the_same_at_another_time_with_its_nearest_entry(filled: Filled) -> None:
    first, second = filled.moments
    (one,) = filled.near(("employer_code", "tz1234z"), ("to", "2000-01-01")).found
    assert (one.way, one.count, one.more, one.nearest) == ("other-time", 2, False, first)
    (one,) = filled.near(("employer_code", "tz1234z"), ("from", "2090-01-01")).found
    assert one.nearest == second
    assert first in filled.near(("employer_code", "tz1234z"), ("to", "2000-01-01")).found[0].line()


def test_the_value_as_another_field(filled: Filled) -> None:
    assert filled.ways(("tax_code", "TZ1234Z")) == [("other-field", {"employer_code": "TZ1234Z"}, 2)]
    assert filled.ways(("message_id", "00123/2026/07900")) == [
        ("other-field", {"dossier_number": "00123/2026/07900"}, 2)
    ]


@pytest.mark.parametrize(
    "written", ["msg-1", "Msg-1", "MSG -1", " MSG-1", "urn:ivan:MSG-1", "gateway-1/MSG-1"]
)
def test_an_id_otherwise_written(filled: Filled, written: str) -> None:
    assert filled.ways(("message_id", written)) == [("other-spelling", {"message_id": "MSG-1"}, 2)]


def test_blanks_within_a_code_and_the_beginning_of_a_number(filled: Filled) -> None:
    assert filled.ways(("employer_code", "TZ 1234 Z"))[0] == (
        "other-spelling",
        {"employer_code": "TZ1234Z"},
        2,
    )
    assert filled.ways(("dossier_number", "00123/2026")) == [
        ("other-spelling", {"dossier_prefix": "00123/2026"}, 2)
    ]


def test_the_archives_own_id(filled: Filled) -> None:
    assert ("archive-id", {"id": filled.ids[0]}, 1) in filled.ways(("message_id", filled.ids[0]))


def test_of_what_the_reader_may_not_see_nothing_is_told(filled: Filled) -> None:
    assert filled.ways(("tax_code", "TZ1234Z"), gateway="gateway-2") == [
        ("other-field", {"employer_code": "TZ1234Z"}, 1)
    ]
    assert filled.ways(("tax_code", "TZ1234Z"), gateway="gateway-3") == []
    assert filled.ways(("message_id", filled.ids[0]), gateway="gateway-2") == []


def test_many_fields_are_not_looked_at_for_ever(filled: Filled) -> None:
    names = ("message_id", "event_id", "dossier_number", "employer_code", "tax_code", "insurance_number")
    found = filled.near(*((name, f"urn:x:{name} {name}-{name}") for name in names))
    assert found.found == ()
    assert filled.near().complete
