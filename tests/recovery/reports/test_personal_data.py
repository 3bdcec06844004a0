"""The report on personal data: why it is kept, by which duty, and what waits for a disposal; signed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.disposal.conftest import Office, settled
from tests.recovery.reports.conftest import table
from tests.support.archives import memory_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.retention import source_in
from vanvault.archiver.core.times import vietnam_day
from vanvault.recovery.reports import KeptReport, ReportRequest, make_report, report_evidence
from vanvault.recovery.standings import kept_data


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Two transactions that are due, one that is open, and a plan that waits for its approval."""
    home = tmp_path_factory.mktemp("personal") / "home"
    with memory_home(home) as made, made.archive() as archive:
        office = settled(Office(made, archive))
        office.transaction("t-insured", closed=False, insurance_numbers=("7916170001",))
        office.upkeep()
        office.verify()
        office.planned()
        office.pass_time(timedelta(hours=1))
        yield office


@pytest.fixture(scope="module")
def made(office: Office) -> KeptReport:
    return make_report(office.archive, ReportRequest("personal-data", this_half(office), who="minh"))


def this_half(office: Office) -> str:
    day = vietnam_day(office.now)
    return f"{day.year}-H{1 if day.month <= 6 else 2}"


def lines(made: KeptReport) -> dict[str, dict[str, Any]]:
    return {row["kept_by"]: row for row in table(made, "kept")}


def test_it_tells_what_is_kept_by_which_reason_and_what_waits(made: KeptReport) -> None:
    found = lines(made)
    assert (found["waits"]["entries"], found["waits"]["transactions"]) == (4, 2)
    assert (found["open"]["entries"], found["open"]["insured"]) == (2, 1)
    figures = made.report["figures"]
    assert (figures["waiting_entries"], figures["waiting_insured"]) == (4, 0)
    assert (figures["kept_entries"], figures["kept_insured"]) == (2, 1)
    assert figures["waiting_bytes"] == found["waits"]["line_bytes"] > 0
    assert not made.report["lacking"]


def test_it_says_the_same_as_the_verb(office: Office, made: KeptReport) -> None:
    counted = {line.reason: line.entries for line in kept_data(office.archive).lines if line.reason != "own"}
    assert counted == {name: row["entries"] for name, row in lines(made).items() if name != "own"}


def test_the_archives_own_lines_are_listed_and_in_no_figure(made: KeptReport) -> None:
    assert lines(made)["own"]["entries"] > 0
    others = sum(row["entries"] for name, row in lines(made).items() if name != "own")
    assert made.report["figures"]["kept_entries"] + made.report["figures"]["waiting_entries"] == others


def test_disposals_that_are_not_over_are_named(office: Office, made: KeptReport) -> None:
    (one,) = table(made, "disposals_open")
    assert one["what"].startswith("d-")
    assert one["state"] == "planned"
    assert [row["change"] for row in table(made, "disposals")] == ["disposal.planned"]


def test_it_is_shown_in_both_languages_and_names_nobody(office: Office, made: KeptReport) -> None:
    vietnamese = (made.folder / "report.vi.html").read_text(encoding="utf-8")
    english = (made.folder / "report.en.html").read_text(encoding="utf-8")
    clause = office.archive.profile.log.source
    for page, words in (
        (vietnamese, ("Báo cáo tình hình lưu trữ dữ liệu cá nhân", "đã hết thời hạn, chờ tiêu hủy")),
        (english, ("Report on the keeping of personal data", "the transaction is open")),
    ):
        assert all(one in page for one in words)
        assert "7916170001" not in page
    assert lines(made)["waits"]["clause"] == clause
    assert source_in(clause, "vi") in vietnamese
    assert clause in english
    for language in ("vi", "en"):
        assert (made.folder / f"report.{language}.pdf").read_bytes().startswith(b"%PDF")


def test_a_spreadsheet_has_the_reasons_in_words_and_the_numbers_plain(made: KeptReport) -> None:
    text = (made.folder / "kept.vi.csv").read_bytes().decode("utf-8-sig")
    rows = {row["Lý do lưu trữ"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["đã hết thời hạn, chờ tiêu hủy"]["Số bản ghi"] == "4"
    assert rows["đã hết thời hạn, chờ tiêu hủy"]["Căn cứ lưu trữ"] == "toàn bộ bản ghi"


def test_it_is_signed_and_the_archive_holds_it(office: Office, made: KeptReport) -> None:
    assert report_evidence(office.archive, made.report["id"], verify=True) == made.report
    for path in made.folder.iterdir():
        path.unlink()
    made.folder.rmdir()
    assert report_evidence(office.archive, made.report["id"], verify=True) == made.report


def test_a_segment_that_cannot_be_read_is_named_and_the_report_is_not_complete(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        with home.archive() as archive:
            office = Office(home, archive)
            office.transaction("t-1")
            office.upkeep()
            (segment,) = archive.catalogue.segments()
            log = next(part.key for part in segment.manifest.parts if part.kind == "log")
        for site in home.sites.values():
            site.damage.flip(log, bit=8 * 200)
        with home.archive() as archive:
            office = Office(home, archive)
            made = make_report(archive, ReportRequest("personal-data", this_half(office), who="minh"))
    assert any(one.startswith(segment.key) for one in made.report["lacking"])
    assert made.exit_code == ExitCode.CHECK_FAILED
