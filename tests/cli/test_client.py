"""The client's retries and checks, against a server that misbehaves; time is a number."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.faulty_server import Answer, faulty_server
from vanvault.archiver.core.errors import (
    Busy,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    SiteUnavailable,
    TooLarge,
    VanVaultError,
)
from vanvault.archiver.intake import event_draft
from vanvault.cli.client import ApiClient, Outgoing, Retrying, message_id_of, metadata_headers
from vanvault.cli.problems import error_of, retry_after

BODY = b"original"
RECEIPT = {"id": "x-0-0", "sha256": hashlib.sha256(BODY).hexdigest(), "signature": "s"}
MESSAGE = Outgoing("m1", BODY)


class Time:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.value = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.value

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.value += seconds


def client(url: str, time: Time, *, wait_s: float = 60, jitter: float = 0.5) -> ApiClient:
    retrying = Retrying(wait_s, now=time.now, sleep=time.sleep, jitter=lambda: jitter)
    return ApiClient(url, "token", retrying=retrying)


def problem(name: str, status: int, **more: object) -> dict[str, Any]:
    return {"type": f"urn:vanvault:problem:{name}", "status": status, "detail": "because", **more}


def test_a_busy_server_is_asked_again_when_it_says_so() -> None:
    busy = Answer(503, problem("busy", 503), {"Retry-After": "7"})
    too_many = Answer(429, problem("busy", 429), {"Retry-After": "2"})
    time = Time()
    with faulty_server([busy, too_many, Answer(201, RECEIPT)]) as server, client(server.url, time) as api:
        assert api.push(MESSAGE) == RECEIPT
    assert [path for path, _, _ in server.requests] == ["/v1/messages"] * 3
    assert {body for _, _, body in server.requests} == {BODY}
    assert 7 <= time.pauses[0] <= 10.5
    assert 2 <= time.pauses[1] <= 3


@pytest.mark.parametrize("jitter", [0.0, 0.999])
def test_pauses_grow_up_to_a_bound_and_end_in_time(jitter: float) -> None:
    time = Time()
    with (
        faulty_server([Answer(503, b"proxy says no")]) as server,
        client(server.url, time, wait_s=120, jitter=jitter) as api,
        pytest.raises(Busy),
    ):
        api.push(MESSAGE)
    assert time.value <= 120
    assert time.pauses == sorted(time.pauses)
    assert max(time.pauses) <= 22.5
    assert len(server.requests) == len(time.pauses) + 1


def test_a_retry_after_beyond_the_time_left_fails_at_once() -> None:
    time = Time()
    answer = Answer(503, problem("site-unavailable", 503, site="standby"), {"Retry-After": "300"})
    with faulty_server([answer]) as server, client(server.url, time) as api:
        with pytest.raises(SiteUnavailable) as failure:
            api.push(MESSAGE)
        assert failure.value.site == "standby"
        assert failure.value.may_be_stored
    assert time.pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 500])
def test_what_a_retry_cannot_mend_is_not_retried(status: int) -> None:
    time = Time()
    with faulty_server([Answer(status, None)]) as server, client(server.url, time) as api:
        with pytest.raises(VanVaultError):
            api.push(MESSAGE)
        assert len(server.requests) == 1


def test_a_file_is_sent_whole_again_after_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(BODY)
    with (
        faulty_server([Answer(503, None), Answer(200, RECEIPT)]) as server,
        client(server.url, Time()) as api,
    ):
        assert api.push(Outgoing("m1", path)) == RECEIPT
    assert [body for _, _, body in server.requests] == [BODY, BODY]


@pytest.mark.parametrize("receipt", [{**RECEIPT, "sha256": "0" * 64}, {"id": "x"}])
def test_a_receipt_of_other_bytes_is_refused(receipt: dict[str, Any]) -> None:
    with (
        faulty_server([Answer(201, receipt)]) as server,
        client(server.url, Time()) as api,
        pytest.raises(Damaged),
    ):
        api.push(MESSAGE)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_an_answer_that_is_no_receipt_is_refused(body: bytes) -> None:
    with (
        faulty_server([Answer(200, body)]) as server,
        client(server.url, Time()) as api,
        pytest.raises(InvalidInput, match="no VanVault server"),
    ):
        api.push(MESSAGE)


def test_only_the_events_that_may_yet_succeed_are_sent_again() -> None:
    events = [{"event_id": str(n)} for n in range(3)]
    first = [
        {"id": "0", "signature": "s"},
        problem("busy", 503, index=1),
        problem("invalid-input", 400, index=2, field="type"),
    ]
    answers = [Answer(200, {"items": first}), Answer(200, {"items": [{"id": "1", "signature": "s"}]})]
    with faulty_server(answers) as server, client(server.url, Time()) as api:
        results = api.push_events(events)
    assert [orjson.loads(body) for _, _, body in server.requests] == [events, [events[1]]]
    assert results[0] == {"id": "0", "signature": "s"}
    assert results[1] == {"id": "1", "signature": "s"}
    assert isinstance(results[2], InvalidInput)
    assert results[2].field == "type"


def test_an_event_without_an_answer_is_an_error() -> None:
    with (
        faulty_server([Answer(200, {"items": []})]) as server,
        client(server.url, Time()) as api,
        pytest.raises(Damaged),
    ):
        api.push_events([{"event_id": "1"}])


def test_the_first_wait_is_told_once() -> None:
    time = Time()
    heard: list[VanVaultError] = []
    retrying = Retrying(5, now=time.now, sleep=time.sleep, on_wait=heard.append)
    with (
        faulty_server([Answer(503, problem("busy", 503))]) as server,
        ApiClient(server.url, retrying=retrying) as api,
    ):
        for _ in range(2):
            with pytest.raises(Busy):
                api.push(MESSAGE)
    assert [type(error) for error in heard] == [Busy]


def test_a_stopped_client_does_not_try_again() -> None:
    time = Time()
    with faulty_server([Answer(503, None)]) as server, client(server.url, time) as api:
        api.stop()
        with pytest.raises(Busy):
            api.push(MESSAGE)
        assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["", "127.0.0.1:8420", "file:x", "http://", "ftp://h"])
def test_what_is_no_server_url_is_wrong_input(url: str) -> None:
    with pytest.raises(InvalidInput):
        ApiClient(url)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_metadata_survives_the_header(value: str) -> None:
    for header in metadata_headers({"dossier_number": value}).values():
        header.encode("ascii")
        assert header.isprintable()
        assert unquote(header, errors="strict") == value


def test_a_comma_within_a_number_is_no_comma_between_two() -> None:
    found = metadata_headers({"insurance_numbers": ("a,1", "b 2"), "agency": "a, b"})
    assert found == {"Vanvault-Insurance-Numbers": "a%2C1,b 2", "Vanvault-Agency": "a, b"}


def test_metadata_headers_have_the_names_of_the_api() -> None:
    found = metadata_headers({"insurance_numbers": ("1", "2"), "kind": "dossier", "state": ""})
    assert found == {"Vanvault-Insurance-Numbers": "1,2", "Vanvault-Kind": "dossier"}


@given(st.text(min_size=1, max_size=255))
def test_a_default_id_is_one_that_the_api_takes(name: str) -> None:
    identity = message_id_of(name, "ab" * 32)
    event = {"event_id": identity, "occurred_at": "2026-11-22T00:00:00Z", "type": "t"}
    assert event_draft("gateway-1", event, received=datetime.now(UTC)).event_id == identity
    assert identity.endswith("-" + "ab" * 8)


def test_a_default_id_can_be_read() -> None:
    end = "-" + "ab" * 8
    assert message_id_of("chữ ký.txt", "ab" * 32) == "chữ ký.txt" + end
    assert message_id_of("to%20khai\udcff.xml", "ab" * 32) == "to_20khai_.xml" + end


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("too-large", 413, TooLarge),
        ("key-unavailable", 503, KeyUnavailable),
        ("unknown-to-this-version", 503, Busy),
        ("unknown-to-this-version", 418, InvalidInput),
    ],
)
def test_a_problem_becomes_the_error_that_it_was(name: str, status: int, kind: type[VanVaultError]) -> None:
    error = error_of(problem(name, status, hint="do this", site="primary"), status)
    assert type(error) is kind
    assert (error.message, error.hint) == ("because", "do this")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("3", 3), ("0", 0), ("999999999999", 300), ("-1", None), ("soon", None), ("²", None)],
)
def test_retry_after_is_bounded_and_never_fails(text: str | None, seconds: float | None) -> None:
    assert retry_after(text) == seconds
