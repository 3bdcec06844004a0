"""Extractions on pages: from a search to the form, approved by others, taken away, checked offline."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.console.conftest import Browser, ConsolePlace, token_in
from tests.api.console.test_inbox import answer
from tests.api.console.test_search import looks_of
from tests.export.conftest import members, run_verifier
from tests.support.forms import AGENCY, SCAN
from tests.support.server import push
from vanvault.api.console.multipart import form_parts
from vanvault.api.console.views.extractions import (
    ExtractionView,
    approval_standing,
    page_field,
    told_form,
)
from vanvault.archiver.core.errors import InvalidInput

EMPLOYER = "TZ5511X"
LONG = "Nguyễn Phúc Bảo Quỳnh Công Tằng Tôn Nữ Thị Ánh Tuyết"
FORM, LIST = "/console/extractions/new", "/console/extractions"


def sent(**changed: str) -> dict[str, str]:
    """What the page sends, filled in as a clerk would."""
    today = datetime.now(UTC).date()
    fields = {
        "letter_number": "123/TTr-BHXH",
        "letter_day": str(today - timedelta(days=3)),
        "letter_agency": AGENCY,
        "recipient_name": "Trần Văn Khôi",
        "recipient_agency": AGENCY,
        "purpose": "Thanh tra việc đóng bảo hiểm xã hội",
        "until": str(today + timedelta(days=9)),
        "filter.employer_code": EMPLOYER,
        "field.received_at": "on",
        "field.dossier_number": "on",
        "copy.csv": "on",
    }
    return {name: value for name, value in (fields | changed).items() if value}


def send(browser: Browser, fields: dict[str, str], *, scan: bytes = SCAN, token: str = "") -> httpx.Response:
    token = token or token_in(browser.get(FORM), LIST)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return httpx.post(
        f"{browser.url}{LIST}",
        data={"token": token, **fields},
        files={"scan": ("../công văn.pdf", scan, "text/html")},
        headers={"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "Accept-Language": browser.language},
        trust_env=False,
        timeout=60,
    )


def run_of(browser: Browser, address: str) -> httpx.Response:
    action = f"{address}/run"
    return browser.post(action, {"token": token_in(browser.get(address), action)})


@pytest.fixture(scope="module")
def ids(place: ConsolePlace) -> list[str]:
    """Ids of three messages of one employer."""
    with place.server.client(place.gateway) as client:
        fields = {"Vanvault-Employer-Code": EMPLOYER, "Vanvault-Dossier-Number": "55/2026/00001"}
        return [push(client, f"x-{number}", b"<x/>", **fields).json()["id"] for number in range(3)]


def link_to_form(page: httpx.Response) -> str:
    found = re.search(r'href="(/console/extractions/new/[^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def test_from_a_search_to_a_file_that_is_checked_without_the_archive(
    place: ConsolePlace, ids: list[str], tmp_path: Path
) -> None:
    mai, nga = place.of("mai"), place.of("nga")
    question = {"token": token_in(mai.get("/console/search"), "/console/search"), "employer_code": EMPLOYER}
    found = mai.get(mai.post("/console/search", question).headers["location"])
    form = mai.get(link_to_form(found))
    assert f'name="filter.employer_code" value="{EMPLOYER}"' in form.text
    assert EMPLOYER not in link_to_form(found)

    put = send(mai, sent(purpose=f"Thanh tra {LONG}"))
    assert put.status_code == 303, put.text
    address = put.headers["location"]
    page = mai.get(address).text
    assert "somebody else must approve it first" in page and "0 of 1 approvals" in page
    assert f"{address}/run" not in page, "nothing can be run yet"
    assert LONG in page and "Khôi" in page and ">3 (" in page
    request = re.search(r"<code>(r-[0-9a-f]+)</code>", page) or re.search(r"approvals \(<code>([^<]+)<", page)
    assert request is not None
    assert answer(nga, request[1], "approve").status_code == 303

    page = mai.get(address).text
    assert "it is approved and may be run once" in page and "Run it and save the file" in page
    file = run_of(mai, address)
    assert file.status_code == 200 and file.headers["content-disposition"].endswith('.zip"')
    (tmp_path / "x.zip").write_bytes(file.content)
    assert run_verifier(tmp_path / "x.zip")[0] == 0
    assert {"copies/copy.csv", "form.json", "approval.json"} <= set(members(tmp_path / "x.zip"))
    newest = looks_of(place, "mai", "extract")[0]
    assert sorted(newest["shown"]) == sorted(ids)

    page = mai.get(address).text
    assert "the file is complete" in page and file.headers["vanvault-sha256"] in page
    assert "How to check it without this archive" in page and "verify.py" in page
    assert "It is not handed over yet" in page
    assert run_of(mai, address).content == file.content, "an answer that was cut off comes again"
    listed = mai.get(LIST).text
    assert address in listed and "the file is complete" in listed
    assert "Tệp dữ liệu" in place.of("mai", "vi").get(address).text


def test_a_period_of_occurrence_does_not_become_one_of_receipt(place: ConsolePlace, ids: list[str]) -> None:
    mai = place.of("mai")
    for by, period in (("receipt", "2020..2030"), ("occurrence", "")):
        found = mai.get(f"/console/search?entry=event&during=2020..2030&by={by}")
        form = mai.get(link_to_form(found)).text
        assert f'name="filter.during" value="{period}"' in form and 'value="event" selected' in form


def test_an_entry_leads_to_a_form_for_it_alone(place: ConsolePlace, ids: list[str]) -> None:
    mai = place.of("mai")
    form = mai.get(link_to_form(mai.get(f"/console/messages/{ids[1]}"))).text
    assert 'name="filter.message_id" value="x-1"' in form and 'value="message" selected' in form
    assert "/console/extractions" not in place.of("lan").get(f"/console/messages/{ids[1]}").text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"until": "2020-01-01"}, "Last day"),
        ({"letter_agency": ""}, "Issuing agency"),
        ({"filter.during": "in spring"}, "During"),
        ({"field.received_at": "", "field.dossier_number": ""}, "Fields handed over"),
        ({"filter.employer_code": ""}, "Entries asked for"),
        ({"purpose": "a\tb"}, "Purpose"),
    ],
)
def test_what_is_wrong_is_told_on_the_form_which_keeps_the_rest(
    place: ConsolePlace, changed: dict[str, str], field: str
) -> None:
    said = send(place.of("mai"), sent(**changed))
    assert said.status_code == 400
    assert "This was not put on record" in said.text and f"Correct the field: {field}." in said.text
    assert 'name="letter_number" type="text" value="123/TTr-BHXH"' in said.text


def test_a_scan_is_what_its_first_bytes_say(place: ConsolePlace) -> None:
    for scan in (b"", b"<html><script>alert(1)</script>"):
        said = send(place.of("mai"), sent(), scan=scan)
        assert said.status_code == 400 and "Correct the field: Scan of the letter." in said.text
    huge = send(place.of("mai"), sent(), scan=SCAN + bytes(9 * 2**20))
    assert huge.status_code in (400, 413)


def test_a_form_of_another_site_and_fields_of_nobody_put_nothing_on_record(place: ConsolePlace) -> None:
    mai, before = place.of("mai"), place.of("mai").get("/v1/extractions").json()
    assert send(mai, sent(), token="0" * 32).status_code == 403
    assert send(mai, sent(role="approver")).status_code == 400
    assert mai.get("/v1/extractions").json() == before


def test_pages_are_for_extractors_and_a_form_is_for_who_asked(place: ConsolePlace, ids: list[str]) -> None:
    address = send(place.of("mai"), sent(purpose="Thanh tra riêng")).headers["location"]
    for name in ("lan", "hoa", "tam", "vinh", "minh"):
        browser = place.of(name)
        for path in (LIST, FORM, address):
            page = browser.get(path)
            assert page.status_code == 403 and "Thanh tra riêng" not in page.text, (name, path)
        assert 'href="/console/extractions"' not in browser.get("/console").text
    mai = place.of("mai")
    assert 'href="/console/extractions"' in mai.get("/console").text
    assert mai.get(f"{LIST}/x-0000000000000000").status_code == 404
    assert mai.post(f"{address}/run", {"token": "0" * 32}).status_code == 403


def test_hostile_text_of_a_form_is_text(place: ConsolePlace, ids: list[str]) -> None:
    name = '"; rm -rf / #<script>alert(1)</script>'
    put = send(place.of("mai"), sent(recipient_name=name, purpose="Thanh tra chữ lạ"))
    page = place.of("mai").get(put.headers["location"]).text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def one(state: str, **changed: Any) -> dict[str, Any]:
    form = {"filter": {"employer_code": "TZ1"}, "recipient": {"name": "O'Neil; id"}}
    return {"extraction": "x-1", "state": state, "form": form, **changed}


def request(state: str, *, at: str = "2026-12-01T00:00:00Z", id: str = "x-1") -> dict[str, Any]:
    told = {"approved_by": [], "needed": 1, "until": None, "why": None}
    return {"id": f"r-{at}", "subject": {"extraction": id}, "requested_at": at, "state": state, **told}


@pytest.mark.parametrize(
    ("state", "approval", "own", "runs", "again"),
    [
        ("requested", "open", True, False, False),
        ("requested", "approved", True, True, False),
        ("requested", "approved", False, False, False),
        ("requested", "refused", True, False, True),
        ("requested", None, True, False, True),
        ("begun", "used", True, True, False),
        ("ran", "used", True, True, False),
        ("handed-over", "used", True, False, False),
        ("over", "approved", True, False, False),
        ("unclear", "approved", True, False, False),
    ],
)
def test_a_run_is_offered_where_it_can_be(
    state: str, approval: str | None, own: bool, runs: bool, again: bool
) -> None:
    standing = approval_standing([request(approval)], "x-1") if approval else None
    view = ExtractionView(one(state), own, standing, "")
    assert (view.can_run, view.can_ask_again) == (runs, again)


def test_the_newest_request_counts_and_none_of_another_extraction() -> None:
    requests = [
        request("refused", at="2026-11-30T00:00:00Z"),
        request("open"),
        request("approved", at="2026-12-02T00:00:00Z", id="x-2"),
    ]
    found = approval_standing(requests, "x-1")
    assert found is not None and found.state == "open"
    assert approval_standing(requests, "x-3") is None


def test_the_line_for_a_shell_is_safe_to_copy() -> None:
    assert "--to 'O'\"'\"'Neil; id'" in ExtractionView(one("ran"), True, None, "").hand_over


def test_the_form_of_the_page_is_that_of_the_api() -> None:
    form = told_form(sent(letter_day="2026-11-27", until="2026-12-31"))
    assert form["letter"] == {"number": "123/TTr-BHXH", "day": "2026-11-27", "agency": AGENCY}
    assert form["filter"] == {"employer_code": EMPLOYER}
    assert (sorted(form["fields"]), form["copies"]) == (["dossier_number", "received_at"], ["csv"])
    assert page_field("letter.day") == "letter_day" and page_field("during") == "filter.during"
    assert page_field("nonsense") == ""


def parts_body(fields: list[tuple[str, str]], file: bytes, boundary: str) -> bytes:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="scan"; filename="a"\r\n\r\n'.encode()
    return b"".join(lines) + head + file + f"\r\n--{boundary}--\r\n".encode()


NAMES = st.text("abc._", min_size=1, max_size=9)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=9), st.binary(max_size=200))
def test_a_form_with_a_file_is_read_as_it_was_written(fields: list[tuple[str, str]], file: bytes) -> None:
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    body = parts_body(fields, file, boundary)
    found = form_parts(f"multipart/form-data; boundary={boundary}", body)
    assert list(found.fields) == fields and found.files == {"scan": file}


@given(st.binary(max_size=300))
def test_any_other_body_is_refused_or_read_and_never_anything_else(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        form_parts("multipart/form-data", body)
    with pytest.raises(InvalidInput):
        form_parts("multipart/form-data; boundary=abcdefgh", body)


def test_a_form_that_was_cut_off_is_not_read() -> None:
    body = parts_body([("a", "b")], b"file", "xx")
    for end in range(len(body) - 2):
        with pytest.raises(InvalidInput):
            form_parts("multipart/form-data; boundary=xx", body[:end])
