"""The files of a report: signed, archived, in both languages, with every letter of Vietnamese."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.recovery.reports.conftest import Office, own
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.people.accounts import ACCOUNT_EVENTS, NewAccount
from vanvault.archiver.people.extraction import EXTRACTION_EVENTS
from vanvault.archiver.people.looks import ACTS, OUTCOMES
from vanvault.recovery.accounts import add_account
from vanvault.recovery.documents import LANGUAGES
from vanvault.recovery.reports import KINDS, KeptReport, report_evidence
from vanvault.recovery.reports.operation import INCIDENTS
from vanvault.recovery.reports.texts import FIGURES, TABLES, TITLES, VALUES, WORDS

NAME = "Nguyễn Thị Lan Hương"
UNIT = "BHXH quận Đống Đa"


@pytest.fixture
def made(office: Office) -> KeptReport:
    office.on("2026-11-23 08:00")
    add_account(office.desk, NewAccount("lan", "person", NAME, UNIT))
    add_account(office.desk, NewAccount("hoa", "person", '=HYPERLINK("http://evil")'))
    office.on("2027-01-04 08:00")
    return office.report("accounts", "2026-Q4")


def test_a_report_is_shown_in_both_languages_and_four_forms(made: KeptReport) -> None:
    names = {path.name for path in made.folder.iterdir()}
    for language in LANGUAGES:
        assert {f"report.{language}.html", f"report.{language}.pdf", f"changes.{language}.csv"} <= names
    assert "report.json" in names
    page = (made.folder / "report.vi.html").read_text(encoding="utf-8")
    headings = ("Báo cáo tình hình tài khoản – quý 4/2026", "Biến động tài khoản")
    for text in (NAME, UNIT, "tạo tài khoản", *headings):
        assert text in page
    assert "Report on accounts – 2026-Q4" in (made.folder / "report.en.html").read_text(encoding="utf-8")
    assert (made.folder / "report.vi.pdf").read_bytes().startswith(b"%PDF")


def test_a_report_cites_the_law_with_how_it_is_known(made: KeptReport) -> None:
    cited = {one["name"]: one for one in made.report["law"]}
    assert "clause not known (by the source documents" in cited["accounts-reported"]["en"]
    assert "chưa rõ điều khoản" in cited["accounts-reported"]["vi"]


def test_a_basis_is_told_once_with_what_of_it_no_longer_holds(office: Office, made: KeptReport) -> None:
    page = (made.folder / "report.en.html").read_text(encoding="utf-8")
    assert page.count("Dispatch 907 of 2019") == 1
    assert "An account is locked" in page and "Changes of accounts are reported" in page
    page = (office.report("operation", "2026-12").folder / "report.en.html").read_text(encoding="utf-8")
    limited = "since 2025-07-01 not applied to compulsory and voluntary social insurance"
    assert f"article 6(1) (by an excerpt on a law site); {limited}" in page
    assert f"Decree 166/2016/NĐ-CP ({limited}" in page, "beside the limit that it states, too"


def test_a_report_on_the_first_period_tells_when_the_archive_began(office: Office, made: KeptReport) -> None:
    assert "Kho lưu trữ bắt đầu hoạt động" in (made.folder / "report.vi.html").read_text(encoding="utf-8")
    later = office.report("operation", "2026-12").folder / "report.vi.html"
    assert "bắt đầu hoạt động" not in later.read_text(encoding="utf-8")


def test_an_export_and_an_extraction_have_names_of_their_own() -> None:
    assert "khai thác" in VALUES["extract"][1] and "xuất dữ liệu" in VALUES["export"][1]
    told = (*WORDS.values(), *VALUES.values(), *TABLES.values())
    assert not any("trích xuất" in vietnamese.lower() for _, vietnamese in told)


def test_a_spreadsheet_reads_the_tables_and_obeys_none_of_their_cells(made: KeptReport) -> None:
    text = (made.folder / "list.vi.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(text.decode("utf-8-sig")))
    assert head[:4] == ["Tài khoản", "Mã", "Loại", "Họ và tên"]
    names = {row[0]: row[3] for row in rows}
    assert names["lan"] == NAME
    assert names["hoa"].startswith("'=HYPERLINK")


def test_a_report_is_signed_and_a_change_is_noticed(office: Office, made: KeptReport) -> None:
    assert report_evidence(office.archive, made.report["id"], verify=True) == made.report
    path = made.folder / "report.json"
    path.write_bytes(path.read_bytes().replace(NAME.encode(), b"Tran Van Ba"))
    with pytest.raises(Damaged):
        report_evidence(office.archive, made.report["id"], verify=True)
    path.write_text("[]")
    with pytest.raises(InvalidInput):
        report_evidence(office.archive, made.report["id"], verify=True)


def test_a_page_that_was_changed_is_named_and_a_report_alone_is_good(
    office: Office, made: KeptReport, tmp_path: Path
) -> None:
    id, page, pdf = made.report["id"], made.folder / "report.en.html", made.folder / "report.vi.pdf"
    page.write_text(page.read_text(encoding="utf-8").replace(UNIT, "BHXH Cà Mau"), encoding="utf-8")
    with pytest.raises(Damaged, match=r"not as they were signed: report\.en\.html was changed$"):
        report_evidence(office.archive, id, verify=True)
    pdf.unlink()
    with pytest.raises(Damaged, match=r"report\.en\.html was changed, report\.vi\.pdf is missing"):
        report_evidence(office.archive, id, verify=True)
    assert report_evidence(office.archive, id, verify=False) == made.report
    alone = tmp_path / "report.json"
    shutil.copy(made.folder / "report.json", alone)
    assert report_evidence(office.archive, str(alone), verify=True) == made.report


def test_the_archive_holds_the_report_and_says_who_made_it(office: Office, made: KeptReport) -> None:
    lines = office.exported("2027-01-01", "2027-02-01")
    (event,) = own(lines, "report.made")
    detail = json.loads(event["detail"])
    data = (made.folder / "report.json").read_bytes()
    assert detail["sha256"] == hashlib.sha256(data).hexdigest()
    assert (detail["who"], detail["name"], detail["period"]) == ("minh", "accounts", "2026-Q4")
    (item,) = office.archive.search.every(Query(filters={"message_id": f"report-{made.report['id']}"}))
    with zipfile.ZipFile(io.BytesIO(office.archive.original(item))) as bundle:
        assert bundle.read("report.json") == data
        assert {path.name for path in made.folder.iterdir()} == set(bundle.namelist())


def test_a_node_without_the_files_shows_the_copy_of_the_archive(office: Office, made: KeptReport) -> None:
    shutil.rmtree(made.folder)
    assert report_evidence(office.archive, made.report["id"], verify=True) == made.report
    for strange in ("accounts-2026-Q4-00000000", "x" * 900):
        with pytest.raises(NotFound):
            report_evidence(office.archive, strange, verify=True)


def test_what_no_site_takes_is_shown_to_nobody(office: Office) -> None:
    office.on("2026-12-01 08:00")
    for site in office.home.sites.values():
        site.fail_next("put", times=20)
    with pytest.raises(SiteUnavailable):
        office.report("operation", "2026-11")
    assert not (office.home.path / "reports").exists()


@pytest.mark.parametrize("name", KINDS)
def test_every_name_of_a_report_has_words_in_both_languages(office: Office, name: str) -> None:
    office.on("2027-06-01 08:00")
    add_account(office.desk, NewAccount("lan", "person", NAME, UNIT))
    office.on("2027-07-02 08:00")
    period = {"month": "2027-06", "quarter": "2027-Q2", "half": "2027-H1"}[KINDS[name].length]
    report = office.report(name, period, full=True).report
    assert name in TITLES
    assert set(report["figures"]) <= set(WORDS) & set(FIGURES)
    for table in report["tables"]:
        assert table["name"] in TABLES
        assert set(table["columns"]) <= set(WORDS)


def test_every_value_that_is_named_has_words() -> None:
    listed = {type for type in ACCOUNT_EVENTS if type != "account.reviewed"}
    assert {*listed, *INCIDENTS, *ACTS, *OUTCOMES, *EXTRACTION_EVENTS} <= set(VALUES)


def test_no_english_is_left_in_vietnamese() -> None:
    for english, vietnamese in (*WORDS.values(), *VALUES.values(), *TABLES.values(), *TITLES.values()):
        assert english
        assert vietnamese
        assert english != vietnamese


def test_the_letters_of_vietnamese_are_in_the_pdf(made: KeptReport) -> None:
    pages = PdfReader(made.folder / "report.vi.pdf").pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert "Báo cáo tình hình tài khoản – quý 4/2026" in text
    assert "Nguyễn Thị Lan" in text
