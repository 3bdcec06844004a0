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
