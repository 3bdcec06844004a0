"""The inbox: what waits for approval, with its deadline, and how it is approved and refused by form."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.console.conftest import SESSION, Browser, ConsolePlace, token_in
from tests.support.forms import SCAN, told_form
from vanvault.api.console.views.inbox import MOST_VALUE, approval_line
from vanvault.api.console.views.subjects import subject_lines

LONG = "Nguyễn Phúc Bảo Quỳnh Công Tằng Tôn Nữ Thị Ánh Tuyết"


def line(**changed: Any) -> dict[str, Any]:
    """A request as the API tells it."""
    return {
        "id": "r-1",
        "act": "promote",
        "about": "let one site lead alone",
        "subject": {"site": "standby", "lag": {"objects": 2}},
        "beneficiaries": [],
        "digest": "0" * 64,
        "requester": "a-1",
        "requested_by": "lan",
        "requested_at": "2026-11-30T20:00:05Z",
        "state": "open",
        "needed": 2,
        "until": "2026-12-07T20:00:05Z",
        "approved_by": [],
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "approves", "can"),
    [
        ({}, True, (True, True)),
        ({}, False, (False, False)),
        ({"requester": "a-2"}, True, (False, False)),
        ({"requester": "os:nga"}, True, (False, False)),
        ({"beneficiaries": ["nga"]}, True, (False, False)),
        ({"approved_by": [{"account": "nga"}]}, True, (False, True)),
        ({"state": "approved"}, True, (False, True)),
        ({"subject": {"why": "x" * (MOST_VALUE + 1)}}, True, (False, True)),
    ],
)
def test_forms_are_for_who_may_send_them(
    changed: dict[str, Any], approves: bool, can: tuple[bool, bool]
) -> None:
    found = approval_line(line(**changed), person="a-2", name="nga", approves=approves)
    assert (found.can_approve, found.can_refuse) == can


def test_what_a_request_is_about_is_told_as_it_is_and_never_cut_in_silence() -> None:
    found = approval_line(line(), person="a-2", name="nga", approves=True)
    assert found.subject == (("site", "standby"), ("lag", '{"objects":2}'))
    assert not found.cut
    long = approval_line(line(subject={"why": "x" * 5000}), person="a-2", name="nga", approves=True)
    assert long.cut and len(long.subject[0][1]) == MOST_VALUE


def test_what_an_extraction_is_about_is_told_in_words_and_nothing_is_left_out() -> None:
    form = told_form(filter={"gateway": "default", "from": "2026-01-01T00:00:00+07:00"})
    subject = {"extraction": "x-1", "form": form, "count": 18, "before": "2026-12-01T02:45:06Z", "odd": [1]}
    told = {one.name: one for one in subject_lines(subject)}
    assert told["form.letter.number"].value == form["letter"]["number"]
    kinds = [told[name].kind for name in ("form.letter.day", "form.until", "before")]
    assert kinds == ["day", "day", "time"]
    assert (told["form.filter.gateway"].term, told["form.filter.from"].kind) == ("field:gateway", "time")
    assert told["form.fields"].values == tuple(form["fields"])
    assert (told["odd"].term, told["odd"].value) == ("", "[1]"), "unknown: as it is on record"
    names = list(told)
    assert (names[0], names[-1]) == ("form.letter.number", "odd")
    leaves = {f"form.{name}" for name in form if name not in ("letter", "recipient", "filter")}
    leaves |= {f"form.{name}.{key}" for name in ("letter", "recipient", "filter") for key in form[name]}
    assert set(told) == leaves | {"extraction", "count", "before", "odd"}


def test_a_value_of_another_shape_stands_as_text() -> None:
    strange = subject_lines({"form": "no form", "before": True, "count": "many", "reason": {}})
    assert {(one.name, one.kind, one.value) for one in strange} == {
        ("form", "text", "no form"),
        ("before", "text", "true"),
        ("count", "text", "many"),
        ("reason", "text", "{}"),
    }


def asked(place: ConsolePlace, purpose: str) -> str:
    """An extraction that mai asks for; the id of the request for its approval."""
    today = datetime.now(UTC).date()
    form = told_form(until=str(today + timedelta(days=9)), filter={"gateway": "default"}, purpose=purpose)
    letter = {**form["letter"], "day": str(today - timedelta(days=3))}
    del letter["scan_sha256"]
    body = {"form": {**form, "letter": letter}, "scan": base64.b64encode(SCAN).decode()}
    secret = place.of("mai").cookies[SESSION]
    answer = httpx.post(
        f"{place.server.url}/v1/extractions",
        json=body,
        headers={"Authorization": f"Bearer {secret}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["approval_request"]
    return id


def answer(browser: Browser, id: str, said: str, digest: str = "", **fields: str) -> httpx.Response:
    """Send a form of the inbox as it was shown."""
    page, action = browser.get("/console/inbox"), f"/console/inbox/{id}/{said}"
    shown = page.text.partition(f'action="{action}"')[2].partition('name="digest" value="')[2][:64]
    return browser.post(action, {"token": token_in(page, action), "digest": digest or shown, **fields})


def test_a_request_is_approved_by_form_and_by_nobody_who_asked_for_it(place: ConsolePlace) -> None:
    id = asked(place, f"<script>alert(1)</script> {LONG}")
    own = place.of("mai", "vi").get("/console/inbox").text
    assert id in own and "Khai thác dữ liệu" in own and f"{id}/approve" not in own
    assert LONG in own and "<script>alert" not in own
    assert "Cơ quan ban hành" in own and "Thời hạn sử dụng" in own and "Số bản ghi tìm thấy" in own
    nga = place.of("nga")
    page = nga.get("/console/inbox").text
    assert id in page and "Deadline" in page and "0 of 1 approvals" in page
    assert answer(nga, id, "approve", digest="0" * 64).status_code == 409
    done = answer(nga, id, "approve")
    assert (done.status_code, done.headers["location"]) == (303, "/console/inbox")
    after = nga.get("/console/inbox").text
    assert "1 of 1 approvals" in after and f"{id}/approve" not in after


def test_a_request_is_refused_for_a_reason(place: ConsolePlace) -> None:
    id, nga = asked(place, "Thanh tra việc chi trả năm 2025"), place.of("nga")
    assert answer(nga, id, "refuse").status_code == 400
    assert answer(nga, id, "refuse", reason="công văn không có dấu").status_code == 303
    assert id not in nga.get("/console/inbox").text


def test_others_see_no_request_and_a_form_of_another_site_does_nothing(place: ConsolePlace) -> None:
    id = asked(place, "Thanh tra việc thu năm 2024")
    hoa, nga = place.of("hoa"), place.of("nga")
    page = hoa.get("/console/inbox").text
    assert id not in page and "No request waits" in page and "What needs a person now" in page
    sent = {"token": "0" * 32, "digest": "0" * 64}
    stale = nga.post(f"/console/inbox/{id}/approve", sent)
    assert stale.status_code == 403
    assert "The form was too old" in stale.text and "Roles that permit it" not in stale.text
    elsewhere = nga.post(f"/console/inbox/{id}/approve", sent, Sec_Fetch_Site="cross-site")
    assert elsewhere.status_code == 403
    assert "Another site sent this" in elsewhere.text and "Roles that permit it" not in elsewhere.text
    assert "0 of 1 approvals" in nga.get("/console/inbox").text
