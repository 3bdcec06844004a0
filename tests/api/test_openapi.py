"""The OpenAPI document is valid, and its examples are what the server truly answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from tests.support.server import push

ROUTES = {
    "/v1/messages": {"post"},
    "/v1/messages:batch": {"post"},
    "/v1/events": {"post"},
    "/v1/search": {"get"},
    "/v1/histogram": {"get"},
    "/v1/messages/{entry_id}": {"get"},
    "/v1/messages/{entry_id}/original": {"get"},
    "/v1/receipts/{entry_id}": {"get"},
    "/v1/transactions/{transaction_id}": {"get"},
}


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/openapi.json").json()
    return found


def example(document: dict[str, Any], path: str, method: str, status: str) -> Any:
    """The only example of an answer."""
    (content,) = document["paths"][path][method]["responses"][status]["content"].values()
    return content["example"]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_is_described(document: dict[str, Any]) -> None:
    described = {path.replace(":path}", "}"): set(methods) for path, methods in document["paths"].items()}
    assert ROUTES.items() <= described.items()
    for path, methods in ROUTES.items():
        for method in methods:
            route = document["paths"][path][method]
            assert route["security"] == [{"bearer": []}]
            assert "401" in route["responses"]
            for status, answer in route["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"]


def test_the_example_of_a_receipt_has_the_members_of_a_receipt(
    document: dict[str, Any], client: httpx.Client
) -> None:
    receipt = push(client, "for the example", b"<a/>").json()
    shown = example(document, "/v1/messages", "post", "201")
    assert shapes(shown) == shapes(receipt)


def test_the_example_of_a_problem_has_the_members_of_a_problem(
    document: dict[str, Any], client: httpx.Client
) -> None:
    push(client, "for a conflict", b"<a/>")
    problem = push(client, "for a conflict", b"<b/>").json()
    shown = example(document, "/v1/messages", "post", "409")
    assert shown.items() <= problem.items()


def test_the_example_of_an_item_has_members_of_an_item(
    document: dict[str, Any], client: httpx.Client
) -> None:
    push(client, "for an item", b"<a/>")
    (item,) = client.get("/v1/search", params={"message_id": "for an item"}).json()["items"]
    shown = example(document, "/v1/search", "get", "200")["items"][0]
    assert shown.keys() <= item.keys()


def test_the_example_of_an_event_is_accepted(document: dict[str, Any], client: httpx.Client) -> None:
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    for media_type, described in content.items():
        body = described["example"]
        answer = client.post("/v1/events", json=body, headers={"Content-Type": media_type})
        assert "signature" in answer.json()["items"][0]


def shapes(value: Any) -> Any:
    """A value with every text and number replaced by its type, and lists by their first shape."""
    if isinstance(value, dict):
        return {name: shapes(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shapes(member) for member in value[:1]]
    return type(value)
