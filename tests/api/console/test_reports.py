"""Reports and the table of legal duties over HTTP and on pages: who sees them, and what they claim."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.api.conftest import check_problem
from tests.api.console.conftest import ConsolePlace
from tests.api.console.test_people import api
from tests.api.console.test_search import looks_of
from tests.support.command import run_cli
from vanvault.api.console.views.reports import duties_view
from vanvault.archiver.core.law import DUTIES, MET_BY

_VERBS = Path(__file__).parents[3] / "docs" / "cli.md"


def test_each_duty_has_a_row_that_says_what_meets_it_and_none_is_left_over() -> None:
    assert set(MET_BY) == {one.name for one in DUTIES}
    verbs = set(re.findall(r"^### (vanvault .+)$", _VERBS.read_text(), re.MULTILINE))
    for met in MET_BY.values():
        assert set(met.evidence) <= verbs, met.name
        assert met.en and met.vi and met.en != met.vi


def test_a_duty_of_others_is_told_as_that_and_a_text_of_another_time_as_not_in_force() -> None:
    view = duties_view(DUTIES, date(2026, 12, 1), "en")
    by_name = {one.name: one for one in view.duties}
    assert not by_name["data-in-country"].evidence and view.elsewhere == 1
    (log, *_) = duties_view(DUTIES, date(2001, 1, 1), "vi").duties
    assert "chưa có hiệu lực trước" in log.cited


def test_who_sees_looks_lists_reports_and_saves_one_as_it_was_signed(place: ConsolePlace) -> None:
    empty = place.of("tam").get("/console/reports")
    assert empty.status_code == 200 and "No report was made yet" in empty.text
    today = datetime.now(UTC) + timedelta(hours=7)
    made = run_cli(place.home, "report", "make", "operation", "--period", f"{today:%Y-%m}", "--json")
    assert made.exit_code == 0, made.output
    told = api(place, "tam", "/v1/reports").json()
    (report,) = told["reports"]
    assert report["report"] == "operation" and not report["complete"] and not told["partial"]
    assert {one["state"] for one in told["due"]} == {"coming"}
    page = place.of("tam", "vi").get("/console/reports").text
    assert "Báo cáo hoạt động" in page and f"/console/reports/{report['id']}/files" in page

    signed = api(place, "tam", f"/v1/reports/{report['id']}").json()["report"]
    assert signed["id"] == report["id"] and signed["signature"]
    for answer in (
        api(place, "tam", f"/v1/reports/{report['id']}/files"),
        place.of("tam").get(f"/console/reports/{report['id']}/files"),
    ):
        assert answer.headers["content-disposition"] == f'attachment; filename="{report["id"]}.zip"'
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert {"report.json", "report.vi.pdf"} <= set(names)
    asked = [one["asked"] for one in looks_of(place, "tam", "results")]
    assert {"of": "reports"} in asked and {"of": "reports", "report_id": report["id"]} in asked
    check_problem(api(place, "tam", "/v1/reports/nothing"), 404, "not-found")
    check_problem(api(place, "tam", "/v1/reports/..%2Fsettings.toml"), 404, "")


@pytest.mark.parametrize("name", ["lan", "minh"])
def test_reports_name_people_so_nobody_else_sees_them(place: ConsolePlace, name: str) -> None:
    check_problem(api(place, name, "/v1/reports"), 403, "access-denied")
    assert place.of(name).get("/console/reports").status_code == 403
    assert 'href="/console/reports"' not in place.of(name).get("/console").text


def test_the_table_of_duties_is_for_everybody_who_is_signed_in(place: ConsolePlace) -> None:
    assert len(api(place, "vinh", "/v1/law").json()["duties"]) == len(DUTIES)
    assert api(place, "vinh", "/v1/law?on=2001-01-01").json() == {"on": "2001-01-01", "duties": []}
    check_problem(api(place, "vinh", "/v1/law?on=today"), 400, "invalid-input")
    page = place.of("vinh", "vi").get("/console/law").text
    assert "Nhật ký giao dịch được lưu 10 năm" in page and "<code>vanvault retention show</code>" in page
    assert "chưa đọc toàn văn" in page
    assert place.browser().get("/console/law").status_code == 303
