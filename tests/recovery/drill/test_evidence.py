"""What a drill's evidence says: no contradictions, the lost by name, and Vietnamese that is Vietnamese."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.drill.support import CopiedFolder, drilled
from tests.recovery.drill.test_scenarios import SIMPLE, escrow
from tests.support.lab import Lab
from vanvault.archiver.keys import SigningKeys
from vanvault.recovery.documents import (
    LANGUAGES,
    Document,
    Report,
    decimal,
    duration,
    exact_size,
    moment,
    number,
    size,
)
from vanvault.recovery.drill.bundle import html_report
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.details import ELSEWHERE, failure_told, vietnamese
from vanvault.recovery.drill.document import document
from vanvault.recovery.drill.loss import MOST_NAMED
from vanvault.recovery.drill.model import Check, Loss, LostEntry
from vanvault.recovery.drill.report import DRILL_FORM, report_body, signed_report
from vanvault.recovery.drill.run import FinishedDrill
from vanvault.recovery.verified import Subset

#: Words that are in nearly every English sentence, and in no name.
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|was|were|not|by|for|with|no|it|its|from|objects?|entries|entry|batch(es)?|missing|"
    r"damaged|primary|standby|third|copy|refused|sites?|seed|within|than|hold|holds)\b",
    re.IGNORECASE,
)
#: What is the same in both languages: names of scenarios, objects, files and entries, digests.
NAMES = re.compile(r"[\w-]+-[\w.-]+|\S*[/.]\S*|\b[0-9a-f]{16,}\b")


def report_of(finished: FinishedDrill) -> Report:
    return report_body(finished, "key")


def texts_of(shown: Document) -> list[str]:
    """Everything that a reader sees, but for versions of programs."""
    cells = [cell for section in shown.sections for row in section.rows for cell in row]
    heads = [name for section in shown.sections for name in (section.heading, *section.columns)]
    return [shown.title, shown.verdict, *shown.by_hand, *heads, *cells]


def english_in(shown: Document) -> list[str]:
    return [text for text in texts_of(shown) if ENGLISH.search(NAMES.sub(" ", text))]


def value_of(shown: Document, start: str) -> str:
    """The value beside a label in the summary or the plan."""
    (found,) = [
        row[1] for section in shown.sections for row in section.rows if len(row) == 2 and row[0] == start
    ]
    return found


def with_loss(finished: FinishedDrill, loss: Loss) -> FinishedDrill:
    return replace(finished, outcome=replace(finished.outcome, loss=loss))


@pytest.fixture(scope="module")
def finished(template: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedDrill:
    lab = Lab.copy(template, tmp_path_factory.mktemp("evidence") / "home")
    return drilled(lab, "primary-lost", Means(samples=4, seed="s"))


@pytest.mark.parametrize(
    ("scenario", "subset"),
    [
        *((name, Subset()) for name in SIMPLE),
        ("primary-lost", Subset(1, 2)),
        ("objects-damaged", Subset(1, 2)),
    ],
    ids=str,
)
def test_no_english_stands_in_vietnamese(lab: Lab, scenario: str, subset: Subset) -> None:
    shown = document(report_of(drilled(lab, scenario, Means(samples=4, subset=subset))), "vi")
    assert english_in(shown) == []
    assert ELSEWHERE not in " ".join(texts_of(shown))


def test_no_english_stands_in_vietnamese_when_both_sites_or_keys_are_lost(lab: Lab, tmp_path: Path) -> None:
    bundle, shares = escrow(lab, tmp_path / "escrow")
    third = CopiedFolder.of(lab)
    keys = drilled(lab, "keys-lost", Means(samples=4, bundle=bundle, key_shares=tuple(shares[:2])))
    sites = drilled(lab, "both-sites-lost", Means(samples=4, third_copy=third))
    none = drilled(lab, "both-sites-lost", Means(samples=4))
    for finished in (keys, sites, none):
        shown = document(report_of(finished), "vi")
        assert english_in(shown) == []


def test_no_english_stands_in_a_vietnamese_failure(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    lab.drop("standby", key)
    report = report_of(drilled(lab, "primary-lost", Means(samples=4)))
    assert not report["passed"]
    shown = document(report, "vi")
    assert english_in(shown) == []
    (failures,) = [one for one in shown.sections if one.heading == "Lý do không đạt"]
    assert len(failures.rows) == len(report["failures"])
    assert any("thiếu" in row[0] for row in failures.rows)


def test_both_sites_lost_comes_from_the_third_copy(lab: Lab) -> None:
    report = report_of(drilled(lab, "both-sites-lost", Means(samples=4, third_copy=CopiedFolder.of(lab))))
    assert report["plan"]["source"] == "third copy"
    assert value_of(document(report, "en"), "Recovered from") == "third copy"
    assert value_of(document(report, "vi"), "Nguồn khôi phục") == "bản sao thứ ba"
    assert report["plan"]["objects"] > 0


def lost_entry(number: int, *, later: bool = False, entry: str = "message") -> LostEntry:
    return LostEntry(entry, f"w-{number}-0", "gateway-1", f"m-{number}", later)


def test_a_pass_never_stands_beside_a_missed_target(finished: FinishedDrill) -> None:
    """A copy cannot hold what came after it: that is told apart from what it owes."""
    loss = Loss(9, 1, 1, 0, later_messages=1, only_later=True, named=(lost_entry(1, later=True),))
    report = report_of(with_loss(finished, loss))
    assert report["passed"]
    assert (report["rpo"]["messages"], report["rpo"]["owed_messages"]) == (1, 0)
    shown = document(report, "en")
    assert shown.verdict.endswith("PASSED, but for what came after the third copy")
    assert value_of(shown, "Messages lost that the third copy should hold (RPO)") == "0 (target: at most 0)"
    assert value_of(shown, "of them after the third copy was made") == "1"
    assert not any(text.startswith("1 (target") for text in texts_of(shown))


def test_a_true_loss_fails_and_says_how_many_of_which(finished: FinishedDrill) -> None:
    loss = Loss(9, 2, 3, 0, later_messages=1, named=tuple(lost_entry(n, later=n == 3) for n in (1, 2, 3)))
    report = report_of(with_loss(finished, loss))
    assert not report["passed"]
    assert report["rpo"]["owed_messages"] == 2
    shown = document(report, "vi")
    assert shown.verdict.endswith("KHÔNG ĐẠT")
    assert value_of(shown, "Số thông điệp bị mất mà bản sao thứ ba phải có (RPO)") == "2 (mục tiêu: tối đa 0)"


def test_lost_messages_are_named(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    with lab.open() as archive:
        archive.catch_up()
        names = {entry.client_id for entry in archive.tail.entries(archive.tail.batch_of(key).n)}
    for site in ("primary", "standby"):
        lab.drop(site, key)
    report = report_of(drilled(lab, "primary-lost", Means(samples=4)))
    assert {one["client_id"] for one in report["rpo"]["lost"]} == names
    assert {one["gateway"] for one in report["rpo"]["lost"]} == {"gateway-1"}
    assert (report["rpo"]["messages"], report["rpo"]["lost_unnamed"]) == (len(names), 0)
    for language in LANGUAGES:
        page = html_report(report, language)
        assert all(name in page for name in names)


def test_of_many_lost_entries_some_are_named_and_the_rest_is_counted(finished: FinishedDrill) -> None:
    named = tuple(map(lost_entry, range(MOST_NAMED)))
    report = report_of(with_loss(finished, Loss(9, 9, 1_234, 5_000, named=named)))
    assert len(report["rpo"]["lost"]) == MOST_NAMED
    assert report["rpo"]["lost_unnamed"] == 1_234 + 5_000 - MOST_NAMED
    (section,) = [one for one in document(report, "vi").sections if one.heading == "Bản ghi bị mất"]
    assert section.rows[-1][:2] == ("6.184", "và các bản ghi khác không nêu tên")


def test_a_report_of_an_earlier_version_is_drawn(finished: FinishedDrill) -> None:
    report = report_of(finished)
    for name in ("lost", "lost_unnamed", "owed_messages", "later_messages"):
        del report["rpo"][name]
    for language in LANGUAGES:
        assert document(report, language).sections


def test_each_signer_has_a_line(finished: FinishedDrill) -> None:
    report = report_of(finished) | {"operator": "Trần Văn A", "approver": ""}
    assert document(report, "vi").by_hand == (
        "Người thực hiện (họ tên, chữ ký, ngày): Trần Văn A",
        "Người phê duyệt (họ tên, chữ ký, ngày):",
    )
    assert html_report(report, "en").count('class="hand"') == 2


def test_the_signed_report_has_the_new_keys_beside_the_old(lab: Lab, finished: FinishedDrill) -> None:
    report = DRILL_FORM.parsed(signed_report(finished, SigningKeys(lab.home / "keys").active()))
    old = {"acknowledged_objects", "events", "later_messages", "messages", "objects", "target_messages"}
    assert set(report["rpo"]) == old | {"lost", "lost_unnamed", "owed_messages"}


@pytest.mark.parametrize(
    ("ms", "english", "vietnamese_text"),
    [
        (182, "0.182 s", "0,182 giây"),
        (73_400, "73.4 s", "73,4 giây"),
        (3_290_000, "54 min 50 s", "54 phút 50 giây"),
        (7_500_000, "2 h 05 min", "2 giờ 05 phút"),
        (28_800_000, "8 h 00 min", "8 giờ"),
    ],
)
def test_durations(ms: int, english: str, vietnamese_text: str) -> None:
    assert (duration(ms), duration(ms, "vi")) == (english, vietnamese_text)


def test_numbers_and_sizes() -> None:
    assert number(3290, "vi") == "3.290"
    assert decimal(1234.56, 1, "vi") == "1.234,6"
    assert (size(999), size(1_234_567), size(1_234_567, "vi")) == ("999 B", "1.2 MB", "1,2 MB")
    assert exact_size(1_234_567, "vi") == "1,2 MB (1.234.567 byte)"
    assert exact_size(12) == "12 B"


def test_times_are_told_in_vietnam_and_in_utc() -> None:
    text = "2026-11-30T20:28:50.123456Z"
    assert moment(text) == "2026-11-30 20:28:50 UTC; 2026-12-01 03:28:50 in Vietnam (UTC+7)"
    assert moment(text, "vi") == "01/12/2026 03:28:50 giờ Việt Nam (UTC+7); 30/11/2026 20:28:50 UTC"
    assert moment("3") == "3"


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("3290 of 12000 objects", "3.290 trên 12.000 đối tượng"),
        ("missing batch/w/0000000001-ab.messages.parquet", "thiếu batch/w/0000000001-ab.messages.parquet"),
        ("damaged batch/a1, lock batch/b2", "hỏng batch/a1, khóa quá ngắn batch/b2"),
        ("recovery takes 3290 s; allowed: 28800 s", "khôi phục mất 54 phút 50 giây; cho phép: 8 giờ"),
        ("sample w-1-0: its receipt is another", "mẫu w-1-0: biên nhận khác trước"),
        ("no alarm came: damaged batch/a1", "không có cảnh báo: hỏng batch/a1"),
        ("originals/2, log/2", "originals/2, log/2"),
        ("the repository was eaten by a dog", ELSEWHERE),
    ],
)
def test_details_are_translated_by_their_form(english: str, said: str) -> None:
    assert vietnamese(english) == said


def test_a_failed_check_is_told_with_its_name() -> None:
    checks: list[dict[str, Any]] = [
        {"name": check.name, "detail": check.detail, "passed": check.passed}
        for check in (Check("verify: the recovered site is whole", False, "missing batch/a1"),)
    ]
    said = failure_told("verify: the recovered site is whole: missing batch/a1", checks)
    assert said == "kiểm tra toàn vẹn: kho khôi phục nguyên vẹn: thiếu batch/a1"
