"""Which spellings of a value a search holds to be equal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.search_form import FOLDED_FIELDS, search_form

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
MONTHS = [
    "03/2026",
    "3/2026",
    "03-2026",
    "03.2026",
    "2026-03",
    "2026-3",
    "2026/03",
    "202603",
    "032026",
    " 3/2026 ",
]


@pytest.mark.parametrize("text", MONTHS)
def test_a_month_has_one_form_however_it_is_written(text: str) -> None:
    assert search_form("period", text) == "2026-03"
    assert search_form("state", text) == text.strip()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026", "2026"),
        ("13/2026", "13/2026"),
        ("00/2026", "00/2026"),
        ("2026-13", "2026-13"),
        ("Q1/2026", "q1/2026"),
        ("202012", "2020-12"),
        ("122020", "2020-12"),
        ("192019", "192019"),
        ("٠٣/٢٠٢٦", "٠٣/٢٠٢٦"),
    ],
)
def test_a_period_that_is_no_month_stays_as_it_is(text: str, form: str) -> None:
    assert search_form("period", text) == form


@pytest.mark.parametrize("field", sorted(FOLDED_FIELDS))
def test_codes_and_texts_have_no_case_no_end_blanks_and_one_composition(field: str) -> None:
    written = "Đã Tiếp Nhận TZ-01a"
    forms = {
        search_form(field, spelling)
        for spelling in (
            written,
            unicodedata.normalize("NFD", written),
            written.upper(),
            unicodedata.normalize("NFD", written.lower()),
            f" {written}\t",
        )
    }
    assert forms == {"đã tiếp nhận tz-01a"}


@pytest.mark.parametrize("field", ["message_id", "event_id", "sha256", "gateway", "entry", "repeats"])
@pytest.mark.parametrize("value", [" A ", "Đ", "a\u0300", "03/2026", ""])
def test_ids_digests_and_gateways_stay_as_they_are(field: str, value: str) -> None:
    assert search_form(field, value) == value


def test_what_means_something_else_keeps_its_difference() -> None:
    for one, other in (("hoà", "hòa"), ("ma", "mạ"), ("a b", "a  b"), ("1", "01"), ("đ", "d")):
        assert search_form("state", one) != search_form("state", other)


@given(st.sampled_from(["period", "agency", "message_id"]), TEXTS)
def test_a_form_is_its_own_form(field: str, value: str) -> None:
    once = search_form(field, value)
    assert search_form(field, once) == once


@given(TEXTS)
def test_composed_and_decomposed_text_have_one_form(value: str) -> None:
    forms = {
        search_form("agency", unicodedata.normalize(form, value))  # type: ignore[arg-type]
        for form in ("NFC", "NFD")
    }
    assert len(forms) == 1
