"""Every bad request has a clear answer, stores nothing, and leaves the server as it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import MAX_MESSAGE, MAX_REQUEST, check_problem
from tests.support.server import push
from vanvault.api.batch_body import FRAMED, NDJSON, encode_framed


def is_stored(client: httpx.Client, message_id: str) -> bool:
    return bool(client.get("/v1/search", params={"message_id": message_id}).json()["items"])


@pytest.fixture(autouse=True)
def still_serving(client: httpx.Client, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test sent, the next good message is accepted."""
    yield
    assert push(client, f"after {request.node.name}".replace("%", "_")[:200], b"<good/>").status_code in (
        200,
        201,
    )


# -- who sends ------------------------------------------------------------------------------------

BAD_AUTHORIZATION = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer " + "x" * 10_000},
    {"Authorization": "Basic Z2F0ZXdheTpzZWNyZXQ="},
    {"Authorization": b"Bearer \xff\xfe"},
]
ROUTES = [
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages:batch"),
    ("POST", "/v1/events"),
    ("GET", "/v1/search"),
    ("GET", "/v1/histogram"),
    ("GET", "/v1/messages/0123456789abcdef-1-0"),
    ("GET", "/v1/messages/0123456789abcdef-1-0/original"),
    ("GET", "/v1/receipts/0123456789abcdef-1-0"),
    ("GET", "/v1/transactions/t-1"),
]


@pytest.mark.parametrize("headers", BAD_AUTHORIZATION)
def test_no_or_wrong_token(appliance: Any, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=appliance.server.url, trust_env=False) as stranger:
        answer = stranger.post(
            "/v1/messages", content=b"<a/>", headers={"Vanvault-Message-Id": "x", **headers}
        )
        check_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_asks_for_a_token(appliance: Any, method: str, path: str) -> None:
    with httpx.Client(base_url=appliance.server.url, trust_env=False) as stranger:
        check_problem(stranger.request(method, path), 401, "unauthenticated")


# -- single messages ------------------------------------------------------------------------------

#: What is wrong, the headers, the body, the field that the answer names.
BAD_MESSAGES: list[tuple[str, dict[str, Any], bytes, str]] = [
    ("no id", {}, b"<a/>", "message_id"),
    ("an empty id", {"Vanvault-Message-Id": ""}, b"<a/>", "message_id"),
    ("an id of 10 kB", {"Vanvault-Message-Id": "i" * 10_000}, b"<a/>", "message_id"),
    ("an id with a tab", {"Vanvault-Message-Id": "a\tb"}, b"<a/>", "message_id"),
    ("an id in Latin-1", {"Vanvault-Message-Id": b"caf\xe9"}, b"<a/>", "message_id"),
    ("an empty body", {"Vanvault-Message-Id": "bad-1"}, b"", "body"),
    ("a value in Latin-1", {"Vanvault-Message-Id": "bad-2", "Vanvault-Agency": b"caf\xe9"}, b"x", "agency"),
    ("half an escape", {"Vanvault-Message-Id": "bad-3", "Vanvault-Agency": "%ff"}, b"x", "agency"),
    ("a control character", {"Vanvault-Message-Id": "bad-4", "Vanvault-State": "a%00b"}, b"x", "state"),
    ("a value too long", {"Vanvault-Message-Id": "bad-5", "Vanvault-State": "s" * 300}, b"x", "state"),
    (
        "an unknown field",
        {"Vanvault-Message-Id": "bad-6", "Vanvault-Employer": "TZ1"},
        b"x",
        "vanvault-employer",
    ),
]


@pytest.mark.parametrize(
    ("headers", "body", "field"), [c[1:] for c in BAD_MESSAGES], ids=[c[0] for c in BAD_MESSAGES]
)
def test_a_bad_message_is_refused_by_field_and_not_stored(
    client: httpx.Client, headers: dict[str, Any], body: bytes, field: str
) -> None:
    answer = client.post("/v1/messages", content=body, headers=headers)
    assert check_problem(answer, 400, "invalid-input")["field"] == field
    message_id = headers.get("Vanvault-Message-Id", "")
    if str(message_id).startswith("bad-"):
        assert not is_stored(client, message_id)


@pytest.mark.parametrize(
    ("header", "field"), [("Vanvault-Message-Id", "message_id"), ("Vanvault-State", "state")]
)
def test_a_header_given_twice(client: httpx.Client, header: str, field: str) -> None:
    headers = [("Vanvault-Message-Id", "given twice"), (header, "one"), (header, "two")]
    answer = client.post("/v1/messages", content=b"<a/>", headers=headers)
    assert check_problem(answer, 400, "invalid-input")["field"] == field


def test_what_is_not_ascii_comes_as_utf_8_plain_or_percent_encoded(client: httpx.Client) -> None:
    for message_id, agency in (("hồ sơ 1", "Hà Nội".encode()), ("hồ sơ 2", b"H%C3%A0%20N%E1%BB%99i")):
        headers = {"Vanvault-Message-Id": message_id.encode(), "Vanvault-Agency": agency}
        receipt = client.post("/v1/messages", content=b"<a/>", headers=headers).json()
        item = client.get(f"/v1/messages/{receipt['id']}").json()
        assert (item["message_id"], item["agency"]) == (message_id, "Hà Nội")


def test_a_message_over_the_limit_is_refused_and_one_at_the_limit_taken(client: httpx.Client) -> None:
    problem = check_problem(push(client, "too large", bytes(MAX_MESSAGE + 1)), 413, "too-large")
    assert str(MAX_MESSAGE) in problem["hint"]
    assert not is_stored(client, "too large")
    assert push(client, "just not too large", bytes(MAX_MESSAGE)).status_code in (200, 201)


def test_other_bytes_under_an_id(client: httpx.Client) -> None:
    first = push(client, "taken", b"<first/>").json()
    check_problem(push(client, "taken", b"<second/>"), 409, "conflict")
    assert client.get(f"/v1/messages/{first['id']}/original").content == b"<first/>"
    again = push(client, "taken", b"<first/>")
    assert (again.status_code, again.json()) == (200, first)


# -- batches --------------------------------------------------------------------------------------


def line(message_id: object, body: bytes = b"<a/>", **fields: object) -> str:
    return json.dumps({"message_id": message_id, "body": base64.b64encode(body).decode(), **fields})


def post_lines(client: httpx.Client, *lines: str) -> httpx.Response:
    return client.post("/v1/messages:batch", content="\n".join(lines), headers={"Content-Type": NDJSON})


#: What is wrong with the entry, the entry, the field that its problem names.
BAD_ENTRIES = [
    ("no JSON", "{", None),
    ("no object", '["a"]', None),
    ("no id", json.dumps({"body": "YQ=="}), "message_id"),
    ("an id that is a number", line(7), "message_id"),
    ("an id of 10 kB", line("i" * 10_000), "message_id"),
    ("no body", json.dumps({"message_id": "b"}), "body"),
    ("a body that is not base64", json.dumps({"message_id": "b", "body": "*"}), "body"),
    ("base64 without its end", json.dumps({"message_id": "b", "body": "YQ"}), "body"),
    ("an empty body", line("b", b""), "body"),
    ("an unknown field", line("b", employer="TZ1"), "employer"),
    ("a value of another type", line("b", state=1), "state"),
    ("numbers that are no list", line("b", insurance_numbers="7912345678"), "insurance_numbers"),
    ("a content type of another type", line("b", content_type=1), "content_type"),
    ("too large alone", line("b", bytes(MAX_MESSAGE + 1)), "body"),
]


@pytest.mark.parametrize(("bad", "field"), [c[1:] for c in BAD_ENTRIES], ids=[c[0] for c in BAD_ENTRIES])
def test_one_bad_entry(client: httpx.Client, bad: str, field: str | None) -> None:
    """Its index and field are named; the others stand."""
    answer = post_lines(client, line("good 1"), bad, line("good 2"))
    assert answer.status_code == 200
    first, problem, last = answer.json()["items"]
    assert problem["index"] == 1
    assert problem["status"] in (400, 413)
    assert problem.get("field") == field
    assert (first["message_id"], last["message_id"]) == ("good 1", "good 2")
    assert not is_stored(client, "b")


def test_an_id_twice_in_a_batch(client: httpx.Client) -> None:
    """The same bytes: one message and one receipt. Other bytes: a conflict of the later entry."""
    answer = post_lines(client, line("twice"), line("twice"), line("twice", b"<other/>"))
    first, second, third = answer.json()["items"]
    assert first == second
    assert (third["status"], third["index"]) == (409, 2)
    assert len(client.get("/v1/search", params={"message_id": "twice"}).json()["items"]) == 1


FRAME = encode_framed([({"message_id": "f"}, b"<a/>")])

#: What is wrong, the content type, the body.
BAD_REQUESTS = [
    ("nothing", NDJSON, b""),
    ("nothing but lines", NDJSON, b"\n\r\n"),
    ("nothing framed", FRAMED, b""),
    ("no content type", "", FRAME),
    ("another content type", "multipart/form-data", FRAME),
    ("cut within the lengths", FRAMED, FRAME[:5]),
    ("cut within the fields", FRAMED, FRAME[:12]),
    ("cut within the original", FRAMED, FRAME[:-1]),
    ("a byte too many", FRAMED, FRAME + b"x"),
    ("a length of 4 GiB", FRAMED, b"\xff" * 8 + FRAME),
    ("fields over their limit", FRAMED, (300_000).to_bytes(4) + bytes(4) + bytes(300_000)),
    ("too many entries", FRAMED, FRAME * 21),
    ("too many lines", NDJSON, b"{}\n" * 21),
    ("too many lines of spaces", NDJSON, b" \n" * 41),
    ("half a million ends of lines", NDJSON, b"\n" * (MAX_REQUEST - 1)),
]


@pytest.mark.parametrize(
    ("content_type", "body"), [c[1:] for c in BAD_REQUESTS], ids=[c[0] for c in BAD_REQUESTS]
)
def test_a_request_that_cannot_be_cut_into_entries(
    client: httpx.Client, content_type: str, body: bytes
) -> None:
    answer = client.post("/v1/messages:batch", content=body, headers={"Content-Type": content_type})
    check_problem(answer, 400, "invalid-input")
    assert not is_stored(client, "f")


def test_a_batch_request_that_is_too_large(client: httpx.Client) -> None:
    body = encode_framed([({"message_id": f"big-{n}"}, bytes(MAX_REQUEST // 4)) for n in range(5)])
    answer = client.post("/v1/messages:batch", content=body, headers={"Content-Type": FRAMED})
    check_problem(answer, 413, "too-large")
    assert not is_stored(client, "big-0")


def test_a_large_original_within_a_batch(client: httpx.Client) -> None:
    """Over the size from which originals become objects of their own."""
    originals = [bytes([n]) * 100_000 for n in range(3)]
    body = encode_framed([({"message_id": f"own-{n}"}, data) for n, data in enumerate(originals)])
    items = client.post("/v1/messages:batch", content=body, headers={"Content-Type": FRAMED}).json()["items"]
    for receipt, original in zip(items, originals, strict=True):
        assert len(receipt["placements"]) == 4
        assert client.get(f"/v1/messages/{receipt['id']}/original").content == original


# -- events ---------------------------------------------------------------------------------------

GOOD_EVENT = {"event_id": "e-1", "occurred_at": "2026-11-22T08:00:00+07:00", "type": "dossier.received"}

#: What is wrong, what is put in place of the good fields, the field that the problem names.
BAD_EVENTS: list[tuple[str, dict[str, Any], str]] = [
    ("no id", {"event_id": None}, "event_id"),
    ("no time", {"occurred_at": None}, "occurred_at"),
    ("a time without offset", {"occurred_at": "2026-11-22T08:00:00"}, "occurred_at"),
    ("no time at all", {"occurred_at": "yesterday"}, "occurred_at"),
    ("a time before 1970", {"occurred_at": "1969-12-31T00:00:00Z"}, "occurred_at"),
    ("a time after 9998", {"occurred_at": "9999-12-31T23:59:59-23:00"}, "occurred_at"),
    ("no type", {"type": ""}, "type"),
    ("an unknown field", {"when": "now"}, "when"),
    ("a detail that is a text", {"detail": "x"}, "detail"),
    ("a fraction in the detail", {"detail": {"x": 1.5}}, "detail"),
    ("a number beyond 2**53", {"detail": {"x": 2**53}}, "detail"),
    ("a key beyond ASCII", {"detail": {"ê": 1}}, "detail"),
    ("a detail too long", {"detail": {"x": "y" * 20_000}}, "detail"),
    ("a message id of 10 kB", {"message_id": "m" * 10_000}, "message_id"),
]


@pytest.mark.parametrize(("change", "field"), [c[1:] for c in BAD_EVENTS], ids=[c[0] for c in BAD_EVENTS])
def test_one_bad_event(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/events", json=[{**GOOD_EVENT, **change}, GOOD_EVENT])
    problem, good = answer.json()["items"]
    assert (problem["status"], problem["index"], problem["field"]) == (400, 0, field)
    assert good["event_id"] == GOOD_EVENT["event_id"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[{]", b"\xff\xfe", b"[" * 100_000, b"[" + b"{}," * 21 + b"{}]"]
)
def test_events_that_are_no_events(client: httpx.Client, body: bytes) -> None:
    check_problem(client.post("/v1/events", content=body), 400, "invalid-input")


@pytest.mark.parametrize("body", [b"[" + b"[]," * 6_000 + b"[]]", b"[[],[]]\n" * 2_000])
def test_events_of_too_many_values_are_refused_before_they_are_parsed(
    client: httpx.Client, body: bytes
) -> None:
    """Parsed, they would take thirty times the memory of the request."""
    problem = check_problem(client.post("/v1/events", content=body), 400, "invalid-input")
    assert "at most 5120 values" in problem["detail"]


@pytest.mark.parametrize("item", [1, "x", None, [], True])
def test_an_event_that_is_no_object(client: httpx.Client, item: object) -> None:
    (problem,) = client.post("/v1/events", json=[item]).json()["items"]
    assert (problem["status"], problem["index"]) == (400, 0)


# -- reading --------------------------------------------------------------------------------------

BAD_QUERIES = [
    ("employer=x", "employer"),
    ("state=", "state"),
    ("state=" + "s" * 600, "state"),
    ("state=a&state=b", "state"),
    ("limit=0", "limit"),
    ("limit=1001", "limit"),
    ("limit=x", "limit"),
    ("limit=%D9%A3", "limit"),
    ("order=random", "order"),
    ("from=yesterday", "from"),
    ("from=2026-11-22T08:00:00", "from"),
    ("from=2026-11-22&to=2026-11-21", "to"),
    ("sha256=abc", "sha256"),
    ("cursor=x", "cursor"),
    ("cursor=%00%FF", "cursor"),
]


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES)
def test_a_bad_query_is_refused_by_field(client: httpx.Client, query: str, field: str) -> None:
    answer = client.get(f"/v1/search?{query}")
    assert check_problem(answer, 400, "invalid-input")["field"] == field


NOT_FOUND = [
    ("/nowhere", 404, ""),
    ("/v1/messages", 405, ""),
    ("/v1/messages/x", 400, "invalid-input"),
    ("/v1/messages/" + "x" * 10_000, 400, "invalid-input"),
    ("/v1/messages/0123456789abcdef-1-0", 404, "not-found"),
    ("/v1/messages/0123456789abcdef-1-0/original", 404, "not-found"),
    ("/v1/receipts/0123456789abcdef-1-0", 404, "not-found"),
    ("/v1/transactions/none", 404, "not-found"),
    ("/v1/transactions/" + "t" * 1000, 400, "invalid-input"),
]


@pytest.mark.parametrize(("path", "status", "name"), NOT_FOUND)
def test_what_is_not_there(client: httpx.Client, path: str, status: int, name: str) -> None:
    check_problem(client.get(path), status, name)


def test_a_method_that_is_not_allowed_is_told_those_that_are(client: httpx.Client) -> None:
    assert client.get("/v1/messages").headers["allow"] == "POST"
    assert client.delete("/v1/search").headers["allow"] == "GET"


# -- isolation ------------------------------------------------------------------------------------


def test_a_gateway_sees_nothing_of_another(client: httpx.Client, other_client: httpx.Client) -> None:
    receipt = push(client, "private", b"<private/>", **{"Vanvault-Transaction-Id": "t-private"}).json()
    for path in ("messages/{}", "messages/{}/original", "receipts/{}"):
        check_problem(other_client.get("/v1/" + path.format(receipt["id"])), 404, "not-found")
    check_problem(other_client.get("/v1/transactions/t-private"), 404, "not-found")
    for query in ({"message_id": "private"}, {"sha256": receipt["sha256"]}, {"transaction_id": "t-private"}):
        assert other_client.get("/v1/search", params=query).json()["items"] == []
    check_problem(other_client.get("/v1/search", params={"gateway": "gateway-1"}), 403, "access-denied")


def test_two_gateways_may_use_one_id(client: httpx.Client, other_client: httpx.Client) -> None:
    one, other = push(client, "same id", b"<one/>").json(), push(other_client, "same id", b"<other/>").json()
    assert one["id"] != other["id"]
    assert other_client.get(f"/v1/messages/{other['id']}/original").content == b"<other/>"


def test_a_cursor_of_another_gateway_is_refused(client: httpx.Client, other_client: httpx.Client) -> None:
    for number in range(3):
        push(client, f"page-{number}", b"<page/>")
    cursor = client.get("/v1/search", params={"limit": 1}).json()["next"]
    answer = other_client.get("/v1/search", params={"limit": 1, "cursor": cursor})
    assert check_problem(answer, 400, "invalid-input")["field"] == "cursor"
