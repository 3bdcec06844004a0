"""Holds and disposals over HTTP and on pages: what is held or goes, who said so, and who may see it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from tests.api.conftest import check_problem
from tests.api.console.conftest import ConsolePlace
from tests.api.console.test_people import api
from tests.support.command import json_of, run_cli
from tests.support.server import push
from vanvault.api.console.terms import term
from vanvault.api.console.views.disposals import disposal_line, left_copies
from vanvault.api.console.views.holds import hold_line
from vanvault.archiver.appliance import Archive
from vanvault.archiver.disposal import DISPOSAL_STATES
from vanvault.archiver.journal import EventType
from vanvault.recovery.disposal import CERTIFICATE_FORM
from vanvault.recovery.documents import digests, zipped
from vanvault.recovery.work import archive_with_event, own_message

CASE = 'Vụ án 12/2026/HS-ST <img src=x onerror="alert(1)">'
EMPLOYER = "TH1212H"


def told(**changed: Any) -> dict[str, Any]:
    """A hold as the API tells it."""
    said = {"at": "2026-11-22T01:02:03.000000Z", "who": "lan", "reason": None}
    return {
        "hold": "h-0123456789abcdef",
        "state": "placed",
        "in_force": True,
        "late": False,
        "case": CASE,
        "reason": "x",
        "authority": None,
        "entries": [],
        "filters": {"employer_code": "TA0001A"},
        "from": None,
        "to": None,
        "future": True,
        "placed": said,
        "confirmed": [],
        "released": [],
        **changed,
    }


def test_all_that_was_said_to_a_hold_is_told_in_its_order() -> None:
    said = {"at": "2026-11-23T01:02:03.000000Z", "who": "hoa", "reason": "closed"}
    line = hold_line(told(confirmed=[said], released=[{**said, "who": "minh"}]))
    assert [(one.act, one.who, one.reason) for one in line.said] == [
        ("placed", "lan", ""),
        ("confirmed", "hoa", "closed"),
        ("released", "minh", "closed"),
    ]


def test_what_a_certificate_names_as_left_is_told_and_nothing_without_one() -> None:
    left = {"where": "standby", "what": "k", "why": "its lock", "until": None}
    assert [one.where for one in left_copies({"remaining": [left]})] == ["standby"]
    assert left_copies(None) == ()


@pytest.mark.parametrize("state", DISPOSAL_STATES)
def test_every_state_of_a_disposal_has_a_term(state: str) -> None:
    assert len({term(f"disposal:{state}", "vi"), term(f"disposal:{state}", "en"), f"disposal:{state}"}) == 3


def test_a_half_done_disposal_is_one_to_be_seen_to() -> None:
    line = {
        "disposal": "d",
        "planned_at": "",
        "who": "",
        "entries": 0,
        "originals": 0,
        "bytes": 0,
        "segments": 0,
        "cools_until": None,
    }
    assert disposal_line({**line, "state": "half-done"}).is_wrong
    assert not disposal_line({**line, "state": "certified"}).is_wrong


def test_who_sees_looks_sees_holds_their_scope_in_words_and_over_how_much_they_are(
    place: ConsolePlace,
) -> None:
    with place.server.client(place.gateway) as client:
        for number in range(2):
            push(client, f"hold-{number}", b"<a>h%d</a>" % number, **{"Vanvault-Employer-Code": EMPLOYER})
    assert "vanvault hold place" in place.of("tam").get("/console/holds").text
    given = ("--case", CASE, "--reason", "tòa án yêu cầu", "--employer-code", EMPLOYER, "--json")
    placed = run_cli(place.home, "hold", "place", *given)
    assert placed.exit_code == 0, placed.output
    id = json_of(placed)["hold"]
    found = api(place, "tam", "/v1/holds").json()
    assert id in [one["hold"] for one in found["holds"]] and not found["partial"]
    one = api(place, "tam", f"/v1/holds/{id}").json()
    shown = json_of(run_cli(place.home, "hold", "show", id, "--json"))
    assert {**one, "partial": shown["partial"]} == {**shown, "over_more": False}
    assert (one["over"], one["filters"]) == (2, {"employer_code": EMPLOYER})

    page = place.of("tam", "vi").get(f"/console/holds/{id}").text
    assert f"Mã đơn vị = <bdi>{EMPLOYER}</bdi>" in page and "2 bản ghi hiện tại" in page
    assert f"vanvault hold confirm {id}" in page and "<img" not in page
    listed = place.of("tam").get("/console/holds?all=true").text
    assert f"/console/holds/{id}" in listed and "what is still to come as well" in listed
    hits = place.of("lan").get(f"/console/search?employer_code={EMPLOYER}").text
    assert hits.count("<strong>yes</strong>") == 2, "the archive's own hold is told beside a store's"
    assert id not in hits, "what it is about is for who may read holds"
    entry = hits.partition('href="/console/messages/')[2].partition('"')[0]
    facts = place.of("lan").get(f"/console/messages/{entry}").text.partition("</dl>")[0]
    assert re.search(r"On hold</dt>\s*<dd>yes</dd>", facts)
    check_problem(api(place, "tam", "/v1/holds/h-0000000000000000"), 404, "not-found")
    check_problem(api(place, "tam", "/v1/holds?every=1"), 400, "invalid-input")


@pytest.mark.parametrize("name", ["hoa", "minh", "vinh"])
def test_holds_are_shown_to_nobody_else(place: ConsolePlace, name: str) -> None:
    check_problem(api(place, name, "/v1/holds"), 403, "access-denied")
    refused = place.of(name).get("/console/holds")
    assert refused.status_code == 403 and "security-officer" in refused.text


def certified(archive: Archive, id: str) -> bytes:
    """Put on record that a disposal was run, with a certificate that names one copy; its page as PDF."""
    said: dict[str, object] = {"disposal": id, "digest": "ef" * 32, "who": "minh"}
    planned = {"plan": "p", "entries": 3, "originals": 1, "bytes": 9, "segments": 1, "requester": "os:lan"}
    begun = {"approval": {"request": "r-1", "digest": "d", "approved_by": ["binh", "hoa"]}, "runner": "a-1"}
    again = {"segment": "s-1", "entries": 2, "originals": 1, "dropped": {"open": 1}, "holds": []}
    archive.record(EventType.DISPOSAL_PLANNED, {**said, **planned})
    archive.record(EventType.DISPOSAL_BEGUN, {**said, **begun})
    archive.record(EventType.DISPOSAL_RECHECKED, {**said, **again})
    archive.record(EventType.DISPOSAL_REPLACED, {**said, "residue": "residue-1", "segments": ["s-1"]})
    archive.record(EventType.DISPOSAL_REMOVED, {**said, "site": "primary", "residue": "residue-1"})
    pdf, message, signer = b"%PDF-1.7 the page", f"disposal-{id}.certificate", archive.signing.active()
    left = {"where": "standby", "what": "an-object", "why": "its lock", "until": "2031-01-02T03:04:05Z"}
    body = {
        "archive": archive.settings.archive,
        "files": digests({"certificate.vi.pdf": pdf}),
        "format": CERTIFICATE_FORM.format,
        "remaining": [left],
        "signing_key": signer.key_id,
    }
    data = CERTIFICATE_FORM.signed(body, signer)
    files = {"report.json": data, "certificate.vi.pdf": pdf, "certificate.en.pdf": b"%PDF-1.7 changed"}
    own = own_message(archive, message, zipped(files), kind="disposal", content_type="application/zip")
    digest = hashlib.sha256(data).hexdigest()
    told = {**said, "number": 1, "certificate": message, "sha256": digest, "remaining": 1}
    archive_with_event(archive, own, EventType.DISPOSAL_CERTIFIED, told)
    gone = {"reason": "băng đã hủy", "repository": "", "snapshots": 0}
    archive.record(EventType.DISPOSAL_BACKUPS_GONE, {**said, **gone})
    return pdf


def test_a_disposal_that_was_run_tells_its_steps_what_is_left_and_hands_out_what_was_signed(
    place: ConsolePlace,
) -> None:
    id = "d-00000000000000cc"
    with Archive.open(place.home) as archive:
        pdf = certified(archive, id)
    page = place.of("hoa").get(f"/console/disposals/{id}").text
    for words in (
        "<bdi>binh</bdi>, <bdi>hoa</bdi>",
        "looked at again: 2 entries go",
        "removed at primary",
        "certificate 1",
        "<code>an-object</code>",
        "2 Jan 2031 10:04:05",
        "nobody looked there before",
    ):
        assert words in page
    address = f"/console/disposals/{id}/certificate"
    assert place.of("hoa").get(f"{address}/certificate.vi.pdf").content == pdf
    told = api(place, "hoa", f"/v1/disposals/{id}/certificate/report.json")
    assert told.json()["remaining"][0]["what"] == "an-object"
    assert told.headers["content-disposition"] == f'attachment; filename="{id}-report.json"'
    changed = place.of("hoa").get(f"{address}/certificate.en.pdf")
    assert changed.status_code == 500 and "%PDF" not in changed.text


def test_a_disposal_is_shown_with_its_plan_and_what_it_waits_for(place: ConsolePlace) -> None:
    id = "d-00000000000000aa"
    detail: dict[str, object] = {
        "disposal": id, "digest": "ab" * 32, "plan": f"disposal-{id}.plan", "entries": 3, "originals": 1,
        "bytes": 2048, "segments": 1, "requester": "os:lan", "who": "<b>lan</b>",
    }  # fmt: skip
    with Archive.open(place.home) as archive:
        archive.record(EventType.DISPOSAL_PLANNED, detail)
    page = place.of("hoa", "vi").get(f"/console/disposals/{id}")
    assert page.status_code == 200 and "chờ phê duyệt" in page.text and "Chưa thực hiện" in page.text
    assert "ab" * 32 in page.text and "<b>lan" not in page.text and f"{id} --plan" in page.text
    assert f'href="/console/disposals/{id}"' in place.of("vinh").get("/console/disposals").text
    for file, status in (("report.json", 404), ("certificate.vi.pdf", 404), ("..%2f..%2fkeys", 404)):
        assert place.of("hoa").get(f"/console/disposals/{id}/certificate/{file}").status_code == status
    check_problem(api(place, "hoa", f"/v1/disposals/{id}/certificate/report.json"), 404, "not-found")
    assert place.of("mai").get("/console/disposals").status_code == 403
    assert place.of("hoa").get("/console/disposals/d-0000000000000000").status_code == 404
