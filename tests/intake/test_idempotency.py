"""The same (gateway, id): the first receipt again, whoever asks and whenever; other bytes: a conflict."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.archives import GATEWAY, Home, Node, crash, event, message
from tests.support.whole import read_entries
from vanvault.archiver.core.errors import Busy, Conflict, VanVaultError
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.outcome import Outcome


def ours(home: Home) -> set[str]:
    return {client_id for _, gateway, client_id in read_entries(home.archive()) if gateway == GATEWAY}


def test_a_batch_that_holds_an_id_twice(home: Home) -> None:
    """Same bytes: one receipt for both. Other bytes: the later entry is refused, the rest stands."""
    with Node(home.archive()) as node:
        node.wait_ready()
        group = [
            message("m-1", b"<a/>"),
            message("m-1", b"<a/>"),
            message("m-1", b"<b/>"),
            message("m-2", b"<c/>"),
        ]
        (first, _), (second, repeated), (third, _), (fourth, _) = node.submit(group)
    assert first == second
    assert repeated
    assert isinstance(third, Conflict)
    assert isinstance(fourth, dict)
    assert ours(home) == {"m-1", "m-2"}


def test_each_entry_of_a_group_gets_its_own_receipt(home: Home) -> None:
    group: list[Draft] = [
        message("m-1", b"<a/>"),
        event("e-1"),
        message("m-2", b"<b/>"),
        event("e-2"),
        message("m-3", b"<c/>"),
    ]
    with Node(home.archive()) as node:
        node.wait_ready()
        receipts = [outcome for outcome, _ in node.submit(group)]
        assert [node.push(draft) for draft in group] == receipts
        for draft, receipt in zip(group, receipts, strict=True):
            assert isinstance(receipt, dict)
            verify_receipt(receipt, node.archive.signing.public)
            assert receipt[f"{draft.entry}_id"] == draft.client_id
            assert receipt["sha256"] == draft.sha256.hex()
    assert len({receipt["id"] for receipt in receipts if isinstance(receipt, dict)}) == len(group)


def test_the_same_id_is_another_message_of_another_gateway_and_another_kind(home: Home) -> None:
    drafts: list[Draft] = [
        message("id", b"<a/>"),
        message("id", b"<b/>", gateway="gateway-2"),
        event("id"),
    ]
    with Node(home.archive()) as node:
        node.wait_ready()
        receipts = [node.push(draft) for draft in drafts]
        assert len({receipt["id"] for receipt in receipts}) == 3
        assert [node.push(draft) for draft in drafts] == receipts


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_duplicate_in_flight_shares_the_fate_of_the_first(home: Home, when: str) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        home.primary.fail_next("put", "before" if when == "before" else "after")
        (one, _), (other, _) = node.submit([message("m-1", b"<a/>"), message("m-1", b"<a/>")])
        assert isinstance(one, VanVaultError)
        assert one is other
        node.push_until_accepted(message("m-1", b"<a/>"))
    assert ours(home) == {"m-1"}


def test_many_clients_push_the_same_ids_at_once(home: Home) -> None:
    drafts = [message(f"m-{n}", b"<%d/>" % n) for n in range(40)]
    others = [message(f"m-{n}", b"<other %d/>" % n) for n in range(0, 40, 4)]
    start = threading.Barrier(8)

    with Node(home.archive()) as node:
        node.wait_ready()

        def client(number: int) -> list[Outcome]:
            start.wait()
            return [outcome for outcome, _ in node.submit(drafts if number % 2 else drafts[::-1] + others)]

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(client, range(8)))
        first = {draft.client_id: node.submit([draft])[0][0] for draft in drafts}
    for number, outcomes in enumerate(results):
        for draft, outcome in zip(drafts if number % 2 else drafts[::-1] + others, outcomes, strict=True):
            if isinstance(outcome, dict):
                assert outcome["sha256"] == draft.sha256.hex()
            else:
                assert isinstance(outcome, Conflict)
            if not isinstance(first[draft.client_id], Conflict) and draft in drafts:
                assert outcome == first[draft.client_id]
    assert ours(home) == {draft.client_id for draft in drafts}


def test_everything_that_was_accepted_is_written_at_the_stop(home: Home) -> None:
    node = Node(home.archive())
    node.wait_ready()
    answered: list[Outcome] = []
    for number in range(200):
        node.intake.submit(
            message(f"m-{number}", b"<a/>"), lambda outcome, repeated: answered.append(outcome)
        )
    node.stop()
    assert len(answered) == 200
    assert all(isinstance(outcome, dict) for outcome in answered)
    assert ours(home) == {f"m-{number}" for number in range(200)}
    with pytest.raises(Busy):
        node.push(message("late", b"<a/>"))


def test_a_large_message_is_one_message_however_often_it_is_pushed(home: Home) -> None:
    body = b"<large>" * 200_000
    with Node(home.archive()) as node:
        node.wait_ready()
        first = node.push(node.placed(message("m-1", body)))
        again = node.push(node.placed(message("m-1", body)))
        assert first == again
        assert first["large_object"] in {placement["key"] for placement in first["placements"]}
    crashed = Node(home.archive())
    crashed.wait_ready()
    crashed.placed(message("never acknowledged", body))
    crash(crashed, home)
    assert ours(home) == {"m-1"}


def test_a_large_message_that_cannot_be_placed_is_not_acknowledged(home: Home) -> None:
    with Node(home.archive()) as node:
        node.wait_ready()
        home.standby.fail_next("put")
        with pytest.raises(VanVaultError):
            node.placed(message("m-1", b"<large>" * 200_000))
        node.push(node.placed(message("m-1", b"<large>" * 200_000)))
    assert ours(home) == {"m-1"}


def test_a_refusal_that_lasts_does_not_grow(home: Home) -> None:
    """Thousands of requests are refused with one error while a site is away."""
    home.standby.fail_next("list", times=1_000_000)
    with Node(home.archive()) as node:
        for _ in range(50):
            with pytest.raises(VanVaultError) as caught:
                node.intake.check_open(GATEWAY)
    assert len(caught.traceback) < 5
