"""The timeline of a transaction over HTTP: by its id or its dossier number, with until when it is kept."""

from __future__ import annotations

import httpx

from tests.api.test_bad_input import check_problem, push

NUMBER = "00777/2026/07900"


def closing(client: httpx.Client, id: str, transaction: str) -> None:
    told = {
        "event_id": id,
        "occurred_at": "2026-11-22T08:00:00+07:00",
        "type": "transaction.returned",
        "transaction_id": transaction,
    }
    assert client.post("/v1/events", json=told).status_code in (200, 201)


def test_a_dossier_number_leads_to_the_transaction_and_its_clock(client: httpx.Client) -> None:
    fields = {"Vanvault-Transaction-Id": "t-line", "Vanvault-Dossier-Number": NUMBER}
    push(client, "line-1", b"<x/>", **fields)
    first = client.get("/v1/transactions/t-line").json()
    assert [one["state"] for one in first["retention"]] == ["open"]
    closing(client, "line-e", "t-line")
    by_id = client.get("/v1/transactions/t-line").json()
    assert client.get(f"/v1/transactions/{NUMBER}").json() == by_id
    assert [(one["gateway"], one["state"]) for one in by_id["retention"]] == [("gateway-1", "succeeded")]
    assert by_id["retention"][0]["due"]


def test_another_gateways_dossier_number_is_as_if_it_were_not_there(
    client: httpx.Client, other_client: httpx.Client
) -> None:
    fields = {"Vanvault-Transaction-Id": "t-hidden", "Vanvault-Dossier-Number": "00778/2026/07900"}
    push(client, "hidden-1", b"<x/>", **fields)
    check_problem(other_client.get("/v1/transactions/00778/2026/07900"), 404, "not-found")


def test_a_number_of_two_transactions_names_them(client: httpx.Client) -> None:
    for number in (1, 2):
        fields = {"Vanvault-Transaction-Id": f"t-two-{number}", "Vanvault-Dossier-Number": "00779/2026/07900"}
        push(client, f"two-{number}", b"<x/>", **fields)
    problem = check_problem(client.get("/v1/transactions/00779/2026/07900"), 400, "invalid-input")
    assert "t-two-1" in problem["detail"]


def linked(client: httpx.Client, name: str, number: str) -> list[str]:
    """A dossier, and lines that name its message or its number alone; ids in the order of receipt."""
    fields = {"Vanvault-Transaction-Id": f"t-{name}", "Vanvault-Dossier-Number": number}
    ids = [push(client, f"m-{name}", b"<x/>", **fields).json()["id"]]
    told = {"type": "dossier.processing", "actor": "VSS 07900"}
    events = (
        {"event_id": f"{name}-2", "occurred_at": "2026-11-22T09:00:00+07:00", "message_id": f"m-{name}"},
        {"event_id": f"{name}-1", "occurred_at": "2026-11-22T08:00:00+07:00", "dossier_number": number},
    )
    answers = [client.post("/v1/events", json={**told, **event}).json() for event in events]
    return [*ids, *(answer["items"][0]["id"] for answer in answers)]


def test_every_way_leads_to_all_of_a_transaction(client: httpx.Client) -> None:
    number = "00780/2026/07900"
    ids = linked(client, "whole", number)
    for asked in ("t-whole", number, *ids):
        found = client.get(f"/v1/transactions/{asked}").json()
        assert [item["id"] for item in found["items"]] == ids, asked
        assert (found["transaction_id"], found["by"]) == ("t-whole", "receipt")
        assert [one["gateway"] for one in found["retention"]] == ["gateway-1"]


def test_by_occurrence_it_is_in_the_order_in_which_it_happened(client: httpx.Client) -> None:
    message, later, earlier = linked(client, "order", "00781/2026/07900")
    found = client.get("/v1/transactions/t-order?by=occurrence").json()
    # A message has no time of its own but its receipt, which is after both.
    assert [item["id"] for item in found["items"]] == [earlier, later, message]
    check_problem(client.get("/v1/transactions/t-order?by=state"), 400, "invalid-input")


def test_a_dossier_without_a_transaction_is_shown_by_its_number(client: httpx.Client) -> None:
    id = push(client, "alone", b"<x/>", **{"Vanvault-Dossier-Number": "00782/2026/07900"}).json()["id"]
    found = client.get("/v1/transactions/00782/2026/07900").json()
    assert ([item["id"] for item in found["items"]], found["transaction_id"]) == ([id], "")


def test_another_gateways_entry_leads_nowhere(client: httpx.Client, other_client: httpx.Client) -> None:
    id = linked(client, "theirs", "00783/2026/07900")[0]
    check_problem(other_client.get(f"/v1/transactions/{id}"), 404, "not-found")
    check_problem(other_client.get("/v1/transactions/t-theirs"), 404, "not-found")
