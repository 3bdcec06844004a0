"""A transaction whole: whatever leads to it, all of it is found, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.archives import GATEWAY, Home, Node, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.intake import event_draft
from vanvault.recovery.timeline import Case, case_of

NUMBER = "00123/2026/07900"


class Log:
    """Pushes entries, some of which name no transaction."""

    def __init__(self, home: Home, archive: Archive, node: Node) -> None:
        self.home = home
        self.archive = archive
        self.node = node

    def message(self, id: str, *, gateway: str = GATEWAY, **fields: str) -> str:
        now = to_us(self.home.clock.now())
        draft = message(id, id.encode(), gateway=gateway, given=Metadata(**fields), received_us=now)
        return self._push(draft)

    def line(self, id: str, type: str, *, ago: int = 0, gateway: str = GATEWAY, **fields: str) -> str:
        now = self.home.clock.now()
        occurred = rfc3339_seconds(now - timedelta(seconds=ago))
        told = {"event_id": id, "occurred_at": occurred, "type": type, **fields}
        return self._push(event_draft(gateway, told, received=now))

    def case(self, asked: str, gateway: str = "") -> Case:
        self.archive.refresh()
        return case_of(self.archive, asked, gateway)

    def _push(self, draft: Draft) -> str:
        id = str(self.node.push(draft)["id"])
        self.home.clock.advance(timedelta(minutes=1))
        return id


@pytest.fixture
def log(home: Home) -> Iterator[Log]:
    with home.archive() as archive, Node(archive) as node:
        node.wait_ready()
        yield Log(home, archive, node)


def test_every_way_leads_to_all_of_it(log: Log) -> None:
    dossier = log.message("m-1", transaction_id="t-1", dossier_number=NUMBER)
    by_number = log.line("e-1", "transaction.processing", dossier_number=NUMBER)
    by_message = log.line("e-2", "transaction.returned", message_id="m-1")
    log.message("m-2", transaction_id="t-2")
    whole = (dossier, by_number, by_message)
    for asked in ("t-1", NUMBER, *whole):
        assert log.case(asked).ids == whole, asked
        assert log.case(asked).subject.transaction_id == "t-1"


def test_entries_stand_by_the_time_of_their_occurrence(log: Log) -> None:
    dossier = log.message("m-1", transaction_id="t-1")
    accepted = log.line("e-1", "transaction.accepted", transaction_id="t-1")
    signed = log.line("e-2", "transaction.signed", ago=3600, transaction_id="t-1")
    assert log.case("t-1").ids == (signed, dossier, accepted)


def test_a_number_without_a_transaction_is_a_case_of_its_own(log: Log) -> None:
    ids = (log.message("m-1", dossier_number=NUMBER), log.message("m-2", dossier_number=NUMBER))
    case = log.case(NUMBER)
    assert (case.ids, case.subject.transaction_id) == (ids, "")
    assert all(item["placements"] for item in case.items)


def test_a_number_of_two_transactions_names_both(log: Log) -> None:
    for number in (1, 2):
        log.message(f"m-{number}", transaction_id=f"t-{number}", dossier_number=NUMBER)
    with pytest.raises(InvalidInput, match=r"2 transactions .* t-1 .* t-2"):
        log.case(NUMBER)


def test_a_number_or_an_id_of_two_gateways_asks_which(log: Log) -> None:
    for gateway in (GATEWAY, "gateway-2"):
        log.message("m-1", gateway=gateway, transaction_id="t-1")
        log.message("m-2", gateway=gateway, dossier_number=NUMBER)
    for asked in ("t-1", NUMBER):
        with pytest.raises(InvalidInput, match="several gateways") as refused:
            log.case(asked)
        assert refused.value.field == "gateway"
        assert log.case(asked, "gateway-2").subject.gateway == "gateway-2"


def test_an_entry_of_another_gateway_and_nothing_at_all_are_told(log: Log) -> None:
    id = log.message("m-1", transaction_id="t-1")
    with pytest.raises(InvalidInput, match="another gateway"):
        log.case(id, "gateway-2")
    for nothing in ("t-9", "99999/2026/07900", " ", "x" * 600):
        with pytest.raises(NotFound):
            log.case(nothing)
