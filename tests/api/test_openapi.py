"""The OpenAPI document is valid and complete, and what it says is what the server truly answers."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.api.conftest import MAX_MESSAGE
from tests.support.server import push
from vanvault.api.app import create_app
from vanvault.archiver.core.error_table import ERROR_TABLE, PROBLEM_PREFIX, UNAUTHENTICATED

WITH_TOKEN = {
    "/v1/messages": {"post"},
    "/v1/messages:batch": {"post"},
    "/v1/events": {"post"},
    "/v1/search": {"get"},
    "/v1/histogram": {"get"},
    "/v1/messages/{entry_id}": {"get"},
    "/v1/messages/{entry_id}/original": {"get"},
    "/v1/messages/{entry_id}/readable": {"get"},
    "/v1/receipts/{entry_id}": {"get"},
    "/v1/receipts/{entry_id}/kept": {"get"},
    "/v1/transactions/{transaction_id}": {"get"},
    "/v1/session": {"get", "delete"},
    "/v1/sessions": {"get", "delete"},
    "/v1/authenticators": {"get", "post"},
    "/v1/authenticators/finish": {"post"},
    "/v1/authenticators/{authenticator}": {"delete"},
    "/v1/sessions/{session_id}": {"delete"},
    "/v1/accounts": {"get"},
    "/v1/accounts/{name}": {"get"},
    "/v1/holds": {"get"},
    "/v1/holds/{hold_id}": {"get"},
    "/v1/disposals/{disposal_id}/certificate/{file}": {"get"},
    "/v1/reports": {"get"},
    "/v1/reports/{report_id}": {"get"},
    "/v1/reports/{report_id}/files": {"get"},
    "/v1/law": {"get"},
    "/v1/access": {"get"},
    "/v1/verifications": {"get"},
    "/v1/jobs": {"get", "post"},
    "/v1/jobs/running": {"get"},
    "/v1/jobs/{job_id}": {"get"},
    "/v1/drills": {"get"},
    "/v1/status": {"get"},
    "/v1/failover": {"get"},
    "/v1/failover/requests": {"post"},
    "/v1/schedule": {"get"},
    "/v1/availability": {"get"},
    "/v1/forecast": {"get"},
    "/v1/coverage": {"get"},
    "/v1/drills/{drill_id}": {"get"},
    "/v1/drills/{drill_id}/files/{name}": {"get"},
    "/v1/approvals": {"get"},
    "/v1/approvals/{request_id}": {"get"},
    "/v1/approvals/{request_id}/approve": {"post"},
    "/v1/approvals/{request_id}/refuse": {"post"},
    "/v1/disposals": {"get"},
    "/v1/disposals/{disposal_id}": {"get"},
    "/v1/export": {"get"},
    "/v1/extractions": {"get", "post"},
    "/v1/extractions/{extraction_id}": {"get"},
    "/v1/extractions/{extraction_id}/run": {"post"},
}
FOR_ANYBODY = {
    "/v1/session": {"post"},
    "/v1/session/device": {"post"},
    "/v1/session/break-glass": {"post"},
    "/v1/session/authenticator": {"post"},
    "/v1/session/authenticator/finish": {"post"},
    "/v1/session/device/poll": {"post"},
    "/v1/keys": {"get"},
    "/v1/health/live": {"get"},
    "/v1/health/ready": {"get"},
    "/metrics": {"get"},
}
PROBLEM = "application/problem+json"
EVENT = {"event_id": "openapi-1", "occurred_at": "2026-11-22T08:02:03+07:00", "type": "a.b"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(appliance: Any) -> Json:
    with httpx.Client(base_url=appliance.server.url, trust_env=False) as stranger:
        found: Json = stranger.get("/v1/openapi.json").json()
    return found


async def asked_before_the_start(method: str, path: str) -> httpx.Response:
    """What the application of a node answers that has not started."""
    transport = httpx.ASGITransport(create_app(lambda: None))  # type: ignore[arg-type, return-value]
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        return await client.request(method, path)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def contents(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Where, media type, and what is said of it: of every body and answer."""
    for path, method, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{method} {path}", media_type, content
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                yield f"{method} {path} {status}", media_type, content


def walk(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from walk(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member)


def closed(document: Json) -> Json:
    """The same, where no answer may have a member that is not described."""
    strict = copy.deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return strict


def check(document: Json, schema: Json, value: Any) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def check_answer(document: Json, path: str, answer: httpx.Response, *, method: str = "get") -> None:
    """A real answer is one that the document has, with all its members."""
    described = document["paths"][path][method]["responses"][str(answer.status_code)]
    media_type = answer.headers["content-type"]
    check(closed(document), described["content"][media_type]["schema"], answer.json())
    for name, header in described.get("headers", {}).items():
        assert not header["required"] or name.lower() in answer.headers


def test_the_document_is_valid(document: Json) -> None:
    validate(document)


def test_every_route_is_described(document: Json) -> None:
    described = {path: set(methods) for path, methods in document["paths"].items()}
    paths = WITH_TOKEN.keys() | FOR_ANYBODY.keys()
    assert described == {path: WITH_TOKEN.get(path, set()) | FOR_ANYBODY.get(path, set()) for path in paths}
    for path, method, operation in operations(document):
        with_token = method in WITH_TOKEN.get(path, set())
        assert (operation["security"] == [{"bearer": []}]) == with_token
        if with_token:
            assert {"400", "401", "403", "503"} <= operation["responses"].keys()
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == [PROBLEM]
    assert "503" in document["paths"]["/v1/health/ready"]["get"]["responses"]


def test_no_schema_is_empty_and_every_reference_leads_somewhere(document: Json) -> None:
    for one in walk(document):
        assert one.get("schema") != {}
        assert one.get("items") != {}
    for where, _, content in contents(document):
        assert content["schema"], where
    text = json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    models = set(document["components"]["schemas"])
    assert named <= models
    for model in models - named:
        assert f"`{model}`" in text or model == "MessageFields", model  # bodies that JSON cannot describe


def test_every_operation_has_a_name_of_its_own_that_is_an_identifier(document: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    for path, _, operation in operations(document):
        given = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
        assert given == re.findall(r"\{(\w+)\}", path)


def test_every_example_is_valid_and_every_json_has_one(document: Json) -> None:
    for where, media_type, content in contents(document):
        if content["schema"].get("format") == "binary":
            continue
        assert "example" in content, f"{where} {media_type}"
        check(closed(document), content["schema"], content["example"])


def test_the_examples_of_problems_are_those_of_their_status(document: Json) -> None:
    rows = {(PROBLEM_PREFIX + row.problem, row.status, row.title) for row in (*ERROR_TABLE, UNAUTHENTICATED)}
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status < "400":
                continue
            shown = answer["content"][PROBLEM]["example"]
            assert str(shown["status"]) == status
            if not path.startswith("/v1/health"):
                assert (shown["type"], shown["status"], shown["title"]) in rows


def test_the_examples_of_bodies_are_accepted(document: Json, client: httpx.Client) -> None:
    for path in ("/v1/events", "/v1/messages:batch"):
        for media_type, described in document["paths"][path]["post"]["requestBody"]["content"].items():
            if "example" not in described:
                continue
            shown = described["example"]
            body = shown if isinstance(shown, str) else json.dumps(shown)
            answer = client.post(path, content=body, headers={"Content-Type": media_type})
            assert "signature" in answer.json()["items"][0]
            for line in body.splitlines() if isinstance(shown, str) else []:
                model = "EventLine" if path == "/v1/events" else "MessageLine"
                check(document, {"$ref": f"#/components/schemas/{model}"}, json.loads(line))


def test_real_answers_to_pushes_are_as_described(document: Json, client: httpx.Client) -> None:
    first = push(client, "openapi", b"<a/>")
    assert first.status_code == 201
    answers = [
        first,
        push(client, "openapi", b"<a/>"),
        push(client, "openapi", b"<b/>"),
        push(client, "", b"a"),
    ]
    answers.append(push(client, "openapi-large", bytes(MAX_MESSAGE + 1)))
    answers.append(push(client, "openapi-coded", b"x", **{"Content-Encoding": "gzip"}))
    answers.append(push(client, "openapi-sealed", b"<a/>" * 20_000))
    assert [one.status_code for one in answers] == [201, 200, 409, 400, 413, 415, 201]
    for answer in answers:
        check_answer(document, "/v1/messages", answer, method="post")
    assert answers[-1].json()["large_object"]
    entries = b"".join(
        struct.pack(">II", len(fields), len(body)) + fields + body
        for fields, body in ((b'{"message_id": "openapi"}', b"<a/>"), (b'{"message_id": "openapi"}', b"<b/>"))
    )
    framed = {"Content-Type": "application/vnd.vanvault.batch"}
    batch = client.post("/v1/messages:batch", content=entries, headers=framed)
    check_answer(document, "/v1/messages:batch", batch, method="post")
    assert "index" in batch.json()["items"][1]
    events = client.post("/v1/events", json=[EVENT, {"event_id": "openapi-2"}])
    check_answer(document, "/v1/events", events, method="post")


def test_real_answers_to_reads_are_as_described(document: Json, client: httpx.Client) -> None:
    message = push(client, "openapi-read", b"<a/>", **{"Vanvault-Transaction-Id": "t-openapi"}).json()
    (event,) = client.post(
        "/v1/events", json=[{**EVENT, "event_id": "openapi-3", "transaction_id": "t-openapi"}]
    ).json()["items"]
    for path, url in (
        ("/v1/search", "/v1/search?limit=1"),
        ("/v1/search", "/v1/search?transaction_id=t-openapi"),
        ("/v1/search", "/v1/search?nothing=1"),
        ("/v1/search", "/v1/search?gateway=other"),
        ("/v1/histogram", "/v1/histogram?by=month"),
        ("/v1/messages/{entry_id}", f"/v1/messages/{message['id']}"),
        ("/v1/messages/{entry_id}", f"/v1/messages/{event['id']}"),
        ("/v1/messages/{entry_id}", "/v1/messages/no-id"),
        ("/v1/messages/{entry_id}", "/v1/messages/0123456789abcdef-1-0"),
        ("/v1/messages/{entry_id}/original", "/v1/messages/0123456789abcdef-1-0/original"),
        ("/v1/messages/{entry_id}/readable", f"/v1/messages/{message['id']}/readable?lang=vi"),
        ("/v1/messages/{entry_id}/readable", f"/v1/messages/{event['id']}/readable"),
        ("/v1/messages/{entry_id}/readable", f"/v1/messages/{message['id']}/readable?form=pdf"),
        ("/v1/receipts/{entry_id}", f"/v1/receipts/{message['id']}"),
        ("/v1/receipts/{entry_id}", f"/v1/receipts/{event['id']}"),
        ("/v1/receipts/{entry_id}/kept", f"/v1/receipts/{message['id']}/kept"),
        ("/v1/receipts/{entry_id}/kept", f"/v1/receipts/{event['id']}/kept"),
        ("/v1/receipts/{entry_id}/kept", "/v1/receipts/0123456789abcdef-1-0/kept"),
        ("/v1/transactions/{transaction_id}", "/v1/transactions/t-openapi"),
        ("/v1/transactions/{transaction_id}", "/v1/transactions/nothing"),
        ("/v1/keys", "/v1/keys"),
        ("/v1/health/live", "/v1/health/live"),
        ("/v1/health/ready", "/v1/health/ready"),
    ):
        check_answer(document, path, client.get(url))
    original = client.get(f"/v1/messages/{message['id']}/original")
    described = document["paths"]["/v1/messages/{entry_id}/original"]["get"]["responses"]["200"]
    assert all(name.lower() in original.headers for name in described["headers"])


def test_a_timeline_may_say_as_of_when_an_entry_counts(document: Json) -> None:
    """As search.md says of an entry whose node had its clock ahead."""
    answer = document["paths"]["/v1/transactions/{transaction_id}"]["get"]["responses"]["200"]
    content = answer["content"]["application/json"]
    (item,) = content["example"]["items"]
    moved = {**content["example"], "items": [{**item, "counts_as": item["received_at"]}]}
    check(closed(document), content["schema"], moved)


def test_a_stranger_is_answered_as_described(document: Json, appliance: Any) -> None:
    with httpx.Client(base_url=appliance.server.url, trust_env=False) as stranger:
        for path, methods in WITH_TOKEN.items():
            for method in methods:
                check_answer(document, path, stranger.request(method, path), method=method)
        for path in ("/v1/keys", "/v1/health/live", "/v1/health/ready"):
            check_answer(document, path, stranger.get(path))


def test_a_node_that_is_not_ready_answers_as_described(document: Json) -> None:
    for path, methods in (WITH_TOKEN | {"/v1/keys": {"get"}, "/v1/health/ready": {"get"}}).items():
        for method in methods:
            answer = asyncio.run(asked_before_the_start(method, re.sub("[{}]", "", path)))
            assert answer.status_code == 503
            check_answer(document, path, answer, method=method)
