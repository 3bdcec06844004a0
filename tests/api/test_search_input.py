"""Queries and counts over HTTP: what is wrong with each bad one is said, and nothing is answered instead."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.support.server import push

HOSTILE = [
    "' OR 1=1 --",
    '"; DROP TABLE entry; --',
    "%",
    "_" * 5,
    "m-1' UNION SELECT * FROM batch",
    "\u202egnp.exe",
    "\u200b",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "../../etc/passwd",
    "à" * 500,
    "\U0001f600",
    "<script>",
]
FIELDS = [
    "message_id",
    "state",
    "employer_code",
    "insurance_number",
    "dossier_number",
    "dossier_prefix",
    "type",
]

BAD: list[tuple[dict[str, Any], str]] = [
    ({"content": "x"}, "content"),
    ({"name": "Nguyễn"}, "name"),
    ({"state": ""}, "state"),
    ({"state": "x" * 10_000}, "state"),
    ({"state": "a\x00b"}, "state"),
    ({"state": "a\nb"}, "state"),
    ({"state": ["a", "b"]}, "state"),
    ({"sha256": "zz"}, "sha256"),
    ({"entry": "letter"}, "entry"),
    ({"entry": "message", "event_id": "e-1"}, "event_id"),
    ({"entry": "message", "type": "dossier.received"}, "type"),
    ({"entry": "event", "kind": "dossier"}, "kind"),
    ({"dossier_prefix": "00"}, "dossier_prefix"),
    ({"dossier_prefix": "001", "dossier_number": "00123/2026/07900"}, "dossier_prefix"),
    ({"from": "2026-12-01", "to": "2026-11-01"}, "to"),
    ({"from": "2026-12-01", "to": "2026-12-01"}, "to"),
    ({"from": "yesterday"}, "from"),
    ({"to": "2026-13-01"}, "to"),
    ({"order": "random"}, "order"),
    ({"limit": "0"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "1001"}, "limit"),
    ({"limit": "9" * 400}, "limit"),
    ({"limit": "1e3"}, "limit"),
    ({"limit": "١٢"}, "limit"),
    ({"cursor": "AAAA"}, "cursor"),
    ({"cursor": "\u202e"}, "cursor"),
    ({"cursor": "x" * 400}, "cursor"),
]


@pytest.mark.parametrize(("parameters", "field"), BAD)
def test_a_bad_query_names_its_field(client: httpx.Client, parameters: dict[str, Any], field: str) -> None:
    problem = check_problem(client.get("/v1/search", params=parameters), 400, "invalid-input")
    assert problem["field"] == field


def test_bytes_that_are_no_text(client: httpx.Client) -> None:
    for raw in ("state=%ff%fe", "state=%ed%a0%80", "%00=1", "state=%00"):
        check_problem(client.get(f"/v1/search?{raw}"), 400, "invalid-input")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(client: httpx.Client, text: str) -> None:
    assert push(client, "hostile-1", b"<a/>").status_code in (200, 201)
    for field in FIELDS:
        answer = client.get("/v1/search", params={field: text})
        if field == "dossier_prefix" and len(text) < 3:
            check_problem(answer, 400, "invalid-input")
            continue
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"] == []
    timeline = client.get("/v1/transactions/" + httpx.URL("http://x/", params={"t": text}).query.decode()[2:])
    assert timeline.status_code == 404


def test_times_long_ago_and_far_away(client: httpx.Client) -> None:
    for parameters in (
        {"from": "0001-01-01", "to": "1960-01-01"},
        {"from": "9999-12-30"},
        {"to": "1969-12-31T23:59:59Z"},
    ):
        answer = client.get("/v1/search", params=parameters)
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            assert answer.json()["items"] == []
    problem = check_problem(client.get("/v1/search", params={"from": "1960-01-01"}), 400, "invalid-input")
    assert problem["field"] == "from"


def test_a_cursor_of_another_query_or_gateway(client: httpx.Client, other_client: httpx.Client) -> None:
    for number in range(3):
        assert push(client, f"cursor-{number}", b"<a/>", **{"Vanvault-State": "paged"}).status_code in (
            200,
            201,
        )
    parameters = {"state": "paged", "limit": "1"}
    cursor = client.get("/v1/search", params=parameters).json()["next"]
    assert cursor
    assert client.get("/v1/search", params={**parameters, "cursor": cursor}).status_code == 200
    assert client.get("/v1/search", params={**parameters, "limit": "2", "cursor": cursor}).status_code == 200
    for other in (
        {"state": "other"},
        {**parameters, "order": "oldest"},
        {**parameters, "to": "2999-01-01"},
        {**parameters, "procedure": "600"},
        {"dossier_prefix": "paged"},
    ):
        answer = client.get("/v1/search", params={**other, "cursor": cursor})
        assert check_problem(answer, 400, "invalid-input")["field"] == "cursor"
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for query, sender in (
        ({**parameters, "cursor": changed}, client),
        ({**parameters, "cursor": cursor}, other_client),
    ):
        assert (
            check_problem(sender.get("/v1/search", params=query), 400, "invalid-input")["field"] == "cursor"
        )


BAD_COUNTS: list[tuple[dict[str, Any], str]] = [
    ({"by": "employer_code"}, "by"),
    ({"by": "week"}, "by"),
    ({"by": ""}, "by"),
    ({"employer_code": "E"}, "employer_code"),
    ({"limit": "1"}, "limit"),
    ({"entry": "letter"}, "entry"),
    ({"from": "2026-11-22T00:00:00Z"}, "from"),
    ({"from": "20261122"}, "from"),
    ({"to": "2026-02-30"}, "to"),
    ({"from": "2026-11-23", "to": "2026-11-22"}, "to"),
    ({"state": ["a", "b"]}, "state"),
    ({"state": "x" * 10_000}, "state"),
]


@pytest.mark.parametrize(("parameters", "field"), BAD_COUNTS)
def test_a_bad_count_names_its_field(client: httpx.Client, parameters: dict[str, Any], field: str) -> None:
    problem = check_problem(client.get("/v1/histogram", params=parameters), 400, "invalid-input")
    assert problem["field"] == field
    if field == "employer_code":
        assert "procedure" in problem["hint"]


def test_a_gateway_counts_its_own(client: httpx.Client, other_client: httpx.Client) -> None:
    assert push(client, "counted-2", b"<a/>", **{"Vanvault-State": "counted"}).status_code in (200, 201)
    mine = client.get("/v1/histogram", params={"by": "gateway", "state": "counted"}).json()
    assert mine["bars"] == [{"value": "gateway-1", "entries": 1, "bytes": 4}]
    theirs = other_client.get("/v1/histogram", params={"by": "gateway", "state": "counted"}).json()
    assert (theirs["bars"], theirs["entries"]) == ([], 0)
    asked = client.get("/v1/histogram", params={"by": "state", "gateway": "gateway-2"})
    check_problem(asked, 403, "access-denied")
    assert client.get("/v1/histogram", params={"gateway": "gateway-1"}).json()["by"] == "day"
    with httpx.Client(base_url=client.base_url, trust_env=False) as stranger:
        check_problem(stranger.get("/v1/histogram"), 401, "unauthenticated")


def test_an_offset_may_stand_in_a_url_as_it_is(client: httpx.Client) -> None:
    """A plus sign in a query is a blank; none stands before the offset of a time."""
    receipt = push(client, "offset", b"<a/>").json()
    day = receipt["received_at"][:10]
    for sign in ("+", "%2B", "%2b"):
        answer = client.get(f"/v1/search?message_id=offset&from={day}T00:00:00{sign}00:00")
        assert [item["id"] for item in answer.json()["items"]] == [receipt["id"]], sign
        answer = client.get(f"/v1/search?message_id=offset&to={day}T00:00:00.5{sign}00:00")
        assert answer.json()["items"] == [], sign
    problem = check_problem(client.get("/v1/search?from=2026-11-22+08:30"), 400, "invalid-input")
    assert problem["field"] == "from"


@pytest.mark.parametrize("text", ["2026-W47-7", "2026-327", "2026-11-22T08:30:00", "2026-11-22T08:30:00,5Z"])
def test_times_that_are_not_rfc_3339_are_refused(client: httpx.Client, text: str) -> None:
    problem = check_problem(client.get("/v1/search", params={"from": text}), 400, "invalid-input")
    assert problem["field"] == "from"
    event = {"event_id": "no-time", "occurred_at": text, "type": "t"}
    (item,) = client.post("/v1/events", json=[event]).json()["items"]
    assert (item["status"], item["field"]) == (400, "occurred_at")


@pytest.mark.parametrize("text", ["2026-W47-7", "20261122", "2026-327", "2026-11-22T00:00:00Z"])
def test_days_of_a_count_are_dates(client: httpx.Client, text: str) -> None:
    for name in ("from", "to"):
        problem = check_problem(client.get("/v1/histogram", params={name: text}), 400, "invalid-input")
        assert problem["field"] == name


def test_a_value_stays_as_it_was_written_and_is_found_by_its_other_spellings(client: httpx.Client) -> None:
    headers = {
        "Vanvault-State": "%20Đã nhận%20",
        "Vanvault-Period": "03/2026",
        "Vanvault-Procedure": "%20%20",
    }
    receipt = push(client, "written", b"<written/>", **headers).json()
    for parameters in ({"state": "đã nhận"}, {"state": "ĐA\u0303 NHA\u0323\u0302N"}, {"period": "2026-03"}):
        (item,) = client.get("/v1/search", params={"message_id": "written", **parameters}).json()["items"]
        assert item["id"] == receipt["id"]
        assert (item["state"], item["period"], item["procedure"]) == (" Đã nhận ", "03/2026", "")
    assert client.get("/v1/search", params={"message_id": "Written"}).json()["items"] == []
    for path in ("/v1/search", "/v1/histogram"):
        problem = check_problem(client.get(path, params={"state": "  "}), 400, "invalid-input")
        assert problem["field"] == "state"
