"""Extractions by form: what a form may say, and how far an extraction has come by the record."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.forms import SCAN, told_form
from vanvault.archiver.core.errors import InvalidInput, NotFound, TooLarge
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.people.extraction import (
    FIELDS,
    MOST_SCAN,
    Extraction,
    ExtractionForm,
    fold_extractions,
    new_form,
    scan_type,
)

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
FORM = new_form(told_form(), NOW)
LETTER = told_form()["letter"]
ID = "x-0000000000000001"

BAD_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"fields": []}, "fields"),
    ({"fields": ["salary"]}, "fields"),
    ({"fields": "sha256"}, "fields"),
    ({"fields": ["sha256", 1]}, "fields"),
    ({"filter": {}}, "filter"),
    ({"filter": {"from": "2026-01-01"}}, "filter"),
    ({"filter": {"entry": "message"}}, "filter"),
    ({"filter": {"employer_code": ""}}, "filter"),
    ({"filter": {"employer_code": 1}}, "filter"),
    ({"filter": ["employer_code"]}, "filter"),
    ({"purpose": ""}, "purpose"),
    ({"purpose": " \u3000"}, "purpose"),
    ({"purpose": "x" * 501}, "purpose"),
    ({"purpose": "two\nlines"}, "purpose"),
    ({"purpose": "\u202eesrever"}, "purpose"),
    ({"purpose": None}, "purpose"),
    ({"recipient": {"name": "Minh"}}, "recipient.agency"),
    ({"recipient": {"agency": "BHXH"}}, "recipient.name"),
    ({"recipient": "Minh"}, "recipient"),
    ({"until": "2026-11-29"}, "until"),
    ({"until": "31.12.2026"}, "until"),
    ({"until": "2026-02-30"}, "until"),
    ({"until": ""}, "until"),
    ({"copies": ["docx"]}, "copies"),
    ({"copies": "pdf"}, "copies"),
    ({"letter": {**LETTER, "number": "\x1b[2J"}}, "letter.number"),
    ({"letter": {**LETTER, "number": ""}}, "letter.number"),
    ({"letter": {**LETTER, "day": "2026-12-01"}}, "letter.day"),
    ({"letter": {**LETTER, "agency": "x" * 301}}, "letter.agency"),
    ({"letter": {**LETTER, "scan_sha256": "abc"}}, "letter.scan_sha256"),
    ({"letter": {**LETTER, "scan_sha256": LETTER["scan_sha256"].upper()}}, "letter.scan_sha256"),
    ({"letter": None}, "letter"),
    ({"version": 2}, "version"),
    ({"note": "more"}, "note"),
    ({"filter": {f"field_{n}": "x" * 500 for n in range(20)}}, "form"),
]


@pytest.mark.parametrize(("changed", "field"), BAD_FORMS)
def test_a_form_that_lacks_something_is_refused_with_the_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        new_form(told_form(**changed), NOW)
    assert refused.value.field == field


def test_a_form_is_the_same_whatever_the_order_and_the_composition_of_letters() -> None:
    told = told_form(fields=["sha256", "period", "sha256"])
    same = told_form(fields=["period", "sha256"])
    same["purpose"] = unicodedata.normalize("NFD", f" {same['purpose']} ")
    assert new_form(told, NOW).digest == new_form(same, NOW).digest


@given(st.sets(st.sampled_from(FIELDS), min_size=1))
def test_what_was_not_asked_for_is_said_to_be_absent(fields: set[str]) -> None:
    form = new_form(told_form(fields=sorted(fields)), NOW)
    assert set(form.absent) | set(form.fields) == set(FIELDS)
    assert not set(form.absent) & fields


@given(st.sampled_from(["purpose", "until", "fields", "filter", "copies", "recipient"]))
def test_another_form_has_another_digest(name: str) -> None:
    others = {
        "purpose": "another", "until": "2026-12-30", "fields": ["state"],
        "filter": {"employer_code": "TA0001B"}, "copies": ["pdf"],
        "recipient": {"name": "Lan", "agency": "BHXH"},
    }  # fmt: skip
    assert new_form(told_form(**{name: others[name]}), NOW).digest != FORM.digest


def test_the_last_day_is_one_of_vietnam() -> None:
    form = new_form(told_form(until="2026-11-30"), NOW)
    assert not form.is_over(datetime(2026, 11, 30, 16, 59, tzinfo=UTC))
    assert form.is_over(datetime(2026, 11, 30, 17, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("begin", "kind"),
    [(SCAN, "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"),
     (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff")],
)  # fmt: skip
def test_the_first_bytes_say_what_a_scan_is(begin: bytes, kind: str) -> None:
    assert scan_type(begin + b"...") == kind


@pytest.mark.parametrize("scan", [b"", b"<html>", b"MZ\x90", b" %PDF-1.7", b"GIF89a"])
def test_anything_else_is_no_scan(scan: bytes) -> None:
    with pytest.raises(InvalidInput):
        scan_type(scan)


def test_a_scan_has_a_limit() -> None:
    with pytest.raises(TooLarge):
        scan_type(SCAN.ljust(MOST_SCAN + 1, b"\0"))


def event(number: int, kind: str, of: ExtractionForm = FORM, **detail: Any) -> RecordedEvent:
    at = NOW + timedelta(minutes=number)
    told = {"extraction": ID, "digest": of.digest, "who": "mai", **detail}
    return RecordedEvent(f"e-{number}", f"extraction.{kind}", at, told)


REQUESTED = event(0, "requested", form=FORM.as_json(), count=3, before="2026-11-30T03:00:00Z", scan="2026-s")
BEGUN = event(1, "begun", claim="c1", approval={"request": "q-1"}, asked={"act": "extraction"})
RAN = event(2, "ran", export="f" * 16, items=3, bytes=9, sha256="a", manifest_sha256="b")
HANDED = event(3, "handed-over", received_by="Minh", received_at="2026-11-30T04:00:00Z", receipt_sha256="c")
ALL = (REQUESTED, BEGUN, RAN, HANDED)


def folded(*events: RecordedEvent) -> Extraction:
    return fold_extractions(events).get(ID)


def test_each_event_is_one_step() -> None:
    states = [folded(*ALL[:count]).state(NOW) for count in range(1, 5)]
    assert states == ["requested", "begun", "ran", "handed-over"]


def test_the_order_in_which_events_come_does_not_matter_nor_does_twice() -> None:
    whole = fold_extractions(ALL)
    for order in permutations(ALL):
        assert fold_extractions([*order, *order]) == whole


def test_after_the_last_day_only_what_was_handed_over_stays_so() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    states = [folded(*ALL[:count]).state(later) for count in range(1, 5)]
    assert states == ["over", "over", "over", "handed-over"]


def test_a_step_of_another_form_is_none_of_this_extraction() -> None:
    other = new_form(told_form(filter={"employer_code": "TA0001B"}), NOW)
    found = fold_extractions([REQUESTED, event(1, "begun", of=other, claim="c", approval={}, asked={})])
    assert found.get(ID).state(NOW) == "requested"
    assert found.strange == ("e-1",)


def test_a_form_that_was_changed_on_record_is_no_request() -> None:
    changed = {**REQUESTED.detail, "form": {**FORM.as_json(), "purpose": "another"}}
    found = fold_extractions([RecordedEvent("e-0", REQUESTED.type, NOW, changed)])
    assert found.strange == ("e-0",)
    with pytest.raises(NotFound):
        found.get(ID)


def test_the_first_form_of_an_id_stands() -> None:
    other = new_form(told_form(purpose="another"), NOW)
    detail = {**REQUESTED.detail, "form": other.as_json(), "digest": other.digest}
    later = RecordedEvent("e-9", REQUESTED.type, NOW + timedelta(hours=1), detail)
    found = fold_extractions([later, REQUESTED])
    assert found.get(ID).form == FORM
    assert found.strange == ("e-9",)


@pytest.mark.parametrize(
    "broken",
    [
        event(2, "ran", export="f", items=-1, bytes=9, sha256="a", manifest_sha256="b"),
        event(2, "ran", export="f", items="3", bytes=9, sha256="a", manifest_sha256="b"),
        event(2, "handed-over", received_by="Minh", received_at="soon", receipt_sha256="c"),
        event(2, "begun", claim="c2", approval={}, asked={}),
        event(2, "begun", claim="c1"),
    ],
)
def test_a_step_that_cannot_be_or_be_read_makes_it_unclear(broken: RecordedEvent) -> None:
    assert folded(REQUESTED, BEGUN, broken).state(NOW) == "unclear"


def test_the_same_form_again_finds_the_one_that_waits() -> None:
    waiting, done = fold_extractions([REQUESTED]), fold_extractions([REQUESTED, BEGUN])
    found = waiting.open_one(FORM, NOW)
    assert found is not None
    assert found.id == ID
    assert waiting.open_one(new_form(told_form(purpose="another"), NOW), NOW) is None
    assert done.open_one(FORM, NOW) is None, "a new run asks for a new approval"
