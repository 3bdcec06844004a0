"""The table of legal duties: dates, citations, and that nothing claims more than is known."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.law import DUTIES, TEXTS, HowKnown, citation, duties, figure
from vanvault.archiver.core.retention import profile


def test_a_text_states_each_duty_once() -> None:
    stated = [(duty.name, duty.text.id) for duty in DUTIES]
    assert len(stated) == len(set(stated))


def test_texts_that_state_one_duty_stand_in_the_order_of_their_dates() -> None:
    for _, rows in itertools.groupby(DUTIES, key=lambda duty: duty.name):
        dates = [row.since for row in rows if row.since is not None]
        assert dates == sorted(dates)


def test_a_duty_that_was_not_found_states_neither_clause_nor_figure() -> None:
    unknown = [duty for duty in DUTIES if duty.mark is HowKnown.NOT_FOUND]
    assert unknown
    for duty in unknown:
        assert (duty.clause, duty.clause_vi, duty.value, duty.unit) == ("", "", None, "")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_citation_names_its_text_and_how_it_is_known(language: str) -> None:
    for duty in DUTIES:
        cited = duty.citation(language)
        assert cited.startswith(duty.text.title(language))
        assert duty.mark.words(language) in cited
        assert (duty.clause_vi if language == "vi" else duty.clause) in cited


def test_a_citation_without_a_clause_says_so() -> None:
    assert "clause not known" in citation("log-kept", text="QD08-2015")
    assert "chưa rõ điều khoản" in citation("log-kept", text="QD08-2015", language="vi")
    assert "article 6(1)" in citation("downtime-limit", text="ND166-2016")


def test_a_clause_is_known_in_both_languages_or_in_none() -> None:
    assert all(bool(duty.clause) == bool(duty.clause_vi) for duty in DUTIES)
    vietnamese = citation("downtime-limit", text="ND166-2016", language="vi")
    assert "khoản 1 Điều 6" in vietnamese
    assert "article" not in vietnamese


def test_a_duty_that_was_not_found_says_so_once() -> None:
    assert citation("downtime-limit", text="ND164-2025") == "Decree 164/2025/NĐ-CP (no clause was found)"


def test_a_text_that_ended_in_part_says_for_what() -> None:
    decree = TEXTS["ND166-2016"]
    assert "social insurance" in decree.limits("en")
    assert "bảo hiểm xã hội" in decree.limits("vi")
    assert TEXTS["QD08-2015"].limits("en") == ""


@pytest.mark.parametrize(
    ("day", "limit"), [(date(2016, 1, 1), 3), (date(2017, 2, 28), 3), (date(2017, 3, 1), 2)]
)
def test_the_limit_of_stops_is_that_of_the_text_in_force_on_the_day(day: date, limit: float) -> None:
    assert [duty.value for duty in duties(on=day) if duty.name == "downtime-limit"] == [limit]


def test_a_text_whose_first_day_is_not_known_is_in_force_on_no_day() -> None:
    undated = [duty for duty in DUTIES if duty.since is None]
    assert undated
    assert not any(duty.holds_on(date(2030, 1, 1)) for duty in undated)


def test_what_no_text_states_is_not_found() -> None:
    with pytest.raises(NotFound):
        figure("downtime-limit", text="QD-2099")
    with pytest.raises(NotFound):
        figure("coffee", text="QD08-2015")


@pytest.mark.parametrize("name", ["QD08-2015", "ND166-2016", "ND164-2025"])
def test_a_profile_takes_its_dates_and_its_limit_from_the_table(name: str) -> None:
    found = profile(name)
    assert found.in_force_from == TEXTS[name].in_force_from
    assert found.downtime_limit_percent == figure("downtime-limit", text=name)
    assert citation("downtime-limit", text=name) in found.sources


def test_a_duty_is_cited_with_whether_its_text_still_holds() -> None:
    by_text = {duty.text.id: duty for duty in DUTIES}
    cited = by_text["QD08-2015"].cited_on(date(2026, 12, 1))
    assert cited.endswith("; no longer in force since 2017-03-01")
    assert by_text["QD08-2015"].cited_on(date(2016, 12, 1), "vi") == by_text["QD08-2015"].citation("vi")
    assert "not in force before 2026-07-01" in by_text["L116-2025"].cited_on(date(2026, 1, 1))
    assert "chưa rõ ngày có hiệu lực" in by_text["CV907-2019"].cited_on(date(2026, 1, 1), "vi")
