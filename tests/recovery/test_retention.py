"""What is owed for a transaction of an archive: its entries, also linked ones, and the locks at the sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from tests.support.archives import GATEWAY, Home, Node, message
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.model import EventDraft, Metadata
from vanvault.archiver.core.times import rfc3339_seconds, to_us
from vanvault.archiver.intake import event_draft
from vanvault.archiver.retention import Owed
from vanvault.recovery.retention import retention_of
from vanvault.recovery.timeline import case_of


class Desk:
    """Pushes one transaction after another, and asks what is owed."""

    def __init__(self, home: Home, node: Node) -> None:
        self.home = home
        self.node = node

    def dossier(self, id: str, transaction: str = "", **fields: Any) -> str:
        given = Metadata(transaction_id=transaction, **fields)
        draft = message(id, f"dossier {id}".encode(), given=given, received_us=self._now_us())
        return str(self.node.push(draft)["id"])

    def line(self, id: str, type: str, *, gateway: str = GATEWAY, **fields: Any) -> str:
        return str(self.node.push(self.draft(id, type, gateway=gateway, **fields))["id"])

    def draft(self, id: str, type: str, *, gateway: str = GATEWAY, **fields: Any) -> EventDraft:
        now = self.home.clock.now()
        given = {"event_id": id, "occurred_at": rfc3339_seconds(now), "type": type, **fields}
        return event_draft(gateway, given, received=now)

    def owed(self, transaction: str, gateway: str = "") -> Owed:
        self.node.archive.refresh()
        return retention_of(self.node.archive, case_of(self.node.archive, transaction, gateway))

    def owed_of(self, id: str) -> Owed:
        self.node.archive.refresh()
        return self.owed(id)

    def _now_us(self) -> int:
        return to_us(self.home.clock.now())


@pytest.fixture
def desk(home: Home) -> Iterator[Desk]:
    with home.archive() as archive, Node(archive) as node:
        node.wait_ready()
        yield Desk(home, node)


def test_an_open_transaction_is_never_due(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    told = desk.owed("t-1")
    assert told.clock.is_open
    assert told.as_json()["due"] is None
    assert told.as_json()["started_by"] is None
    assert "nothing of it is due" in told.sentences("en")[0]


def test_success_starts_ten_years_and_the_line_that_did_it_is_named(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    closed = desk.line("e-1", "transaction.returned", transaction_id="t-1")
    told = desk.owed("t-1").as_json()
    assert (told["state"], told["rule"], told["profile"]) == ("succeeded", "10 years", "QD08-2015")
    assert told["started_by"]["id"] == closed
    assert told["last_day"] == str(desk.home.clock.now().year + 10) + told["start"][4:10]
    assert "08/2015" in told["clause"]
    assert told["entries"] == 2


def test_each_copy_is_asked_for_its_lock(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    told = desk.owed("t-1")
    assert {one.site for one in told.locks} == {"primary", "standby"}
    assert told.lock is not None
    assert told.lock > desk.home.clock.now()
    desk.home.standby.fail_next("stat", times=100)
    away = desk.owed("t-1")
    assert away.lock is None
    assert [one.problem != "" for one in away.locks if one.site == "standby"] == [True]
    assert "Not every lock could be read now." in away.sentences("en")


def test_a_site_that_hangs_is_not_waited_for_and_one_that_is_out_is_not_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.dossier("m-1", "t-1")
    archive, answers, asked = desk.node.archive, Event(), Event()

    def hanging(key: str, version: str | None = None) -> None:
        asked.set()
        answers.wait()

    monkeypatch.setattr(archive.readable, "patience_s", 0.05)
    monkeypatch.setattr(desk.home.standby, "stat", hanging)
    archive.refresh()
    case = case_of(archive, "t-1")
    try:
        told = retention_of(archive, case)
        assert asked.is_set()
        assert {one.site: one.retain_until is not None for one in told.locks} == {
            "primary": True,
            "standby": False,
        }
        assert all("no answer" in one.problem for one in told.locks if one.site == "standby")
        asked.clear()
        archive.health.take_out("standby", "it burns")
        told = retention_of(archive, case)
        assert not asked.is_set()
        assert all("is away" in one.problem for one in told.locks if one.site == "standby")
    finally:
        answers.set()


def test_holds_locks_and_objects_are_in_no_sentence_for_who_may_not_see_them(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    for told in (desk.owed("t-1"), replace(desk.owed("t-1"), holds=("h-7",), unread=("odd/object",))):
        for language in ("en", "vi"):
            whole, some = told.sentences(language), told.sentences(language, stored=False)
            assert some == whole[: len(some)]
            assert len(whole) - len(some) == 2 + len(told.unread)
            assert not any("h-7" in one or "odd/object" in one for one in some)


@pytest.mark.parametrize(
    "fields", [{"message_id": "m-1"}, {"dossier_number": "00123/2026/07900"}], ids=["message", "dossier"]
)
def test_a_line_that_names_no_transaction_belongs_to_that_of_its_message_or_dossier(
    desk: Desk, fields: dict[str, str]
) -> None:
    desk.dossier("m-1", "t-1", dossier_number="00123/2026/07900")
    closed = desk.line("e-1", "transaction.returned", **fields)
    told = desk.owed("t-1")
    assert (told.clock.state, told.clock.entries) == ("succeeded", 2)
    assert desk.owed_of(closed).subject.transaction_id == "t-1"


def test_a_dossier_number_of_two_transactions_leads_to_neither(desk: Desk) -> None:
    for number in (1, 2):
        desk.dossier(f"m-{number}", f"t-{number}", dossier_number="00123/2026/07900")
    alone = desk.line("e-1", "transaction.returned", dossier_number="00123/2026/07900")
    assert desk.owed("t-1").clock.is_open
    assert desk.owed("t-2").clock.is_open
    told = desk.owed_of(alone)
    assert (told.subject.transaction_id, told.clock.state, told.clock.entries) == ("", "succeeded", 1)


def test_another_gateways_line_closes_nothing(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    desk.line("e-1", "transaction.returned", gateway="gateway-2", transaction_id="t-1")
    assert desk.owed("t-1", GATEWAY).clock.is_open
    with pytest.raises(InvalidInput, match="several gateways") as refused:
        desk.owed("t-1")
    assert refused.value.field == "gateway"


def test_a_transaction_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.owed("t-none")


def test_a_late_result_is_counted_from_its_receipt(desk: Desk) -> None:
    desk.dossier("m-1", "t-1")
    desk.line("e-1", "transaction.returned", transaction_id="t-1")
    before = desk.owed("t-1").log
    desk.home.clock.advance(timedelta(days=3))
    desk.dossier("m-2", "t-1")
    after = desk.owed("t-1").log
    assert before is not None
    assert after is not None
    assert after.last_day > before.last_day
    assert any("came later" in sentence for sentence in desk.owed("t-1").sentences("en"))
    assert datetime(1970, 1, 1, tzinfo=UTC) < before.until < after.until
