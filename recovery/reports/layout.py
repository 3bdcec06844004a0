"""A report as documents and as CSV, in one language: templates filled in. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from vanvault.archiver.core.law import TEXTS
from vanvault.archiver.core.retention import source_in
from vanvault.archiver.core.times import VIETNAM, parse_rfc3339
from vanvault.archiver.export import safe_cell
from vanvault.recovery.documents import (
    LANGUAGES,
    Document,
    Language,
    Report,
    Section,
    duration,
    exact_size,
    html_page,
    moment,
    number,
    pairs,
    pdf_pages,
)
from vanvault.recovery.reports.model import KINDS
from vanvault.recovery.reports.texts import FIGURES, heading, role_told, title, value_told, word
from vanvault.recovery.standings import duty_told, reason_told

#: Columns by what their cells are; all others are texts.
_MOMENTS = frozenset(("at", "entered", "confirmed_at", "from", "to", "announced", "notice", "cancelled"))
_DAYS = frozenset(("effective", "until", "valid_from", "valid_until", "review_due", "first_day", "last_day"))
_NAMED = frozenset(("change", "state", "kind", "act", "outcome", "result", "in_time"))
#: Columns of names of roles.
_ROLES = frozenset(("roles", "what"))
#: Why something is kept, in words.
_KEPT: Mapping[str, Callable[[str, Language], str]] = {
    "kept_by": reason_told,
    "duty": duty_told,
    "clause": source_in,
}
#: Widths of columns, in parts; others are of ten.
_WIDTHS = {
    **dict.fromkeys(("shown", "reason", "concerns", "clause"), 24),
    **dict.fromkeys(("what", "full_name", "roles", "id", "text", "kept_by", "duty"), 17),
    **dict.fromkeys((*_MOMENTS, *_DAYS), 16),
    **dict.fromkeys(("lag_days", "count", "looks"), 8),
    "type": 40,
}
#: Ids of one cell on paper; report.json and the CSV name all.
_MOST_IDS = 12


def report_files(report: Report) -> dict[str, bytes]:
    """The files of a bundle beside its report: name -> bytes. The report is what counts."""
    made_at = datetime.fromisoformat(report["made_at"])
    files: dict[str, bytes] = {}
    for language in LANGUAGES:
        shown = report_document(report, language)
        files[f"report.{language}.html"] = html_page(shown).encode()
        files[f"report.{language}.pdf"] = pdf_pages(shown, made_at)
        for name, table in csv_tables(report, language).items():
            files[f"{name}.{language}.csv"] = table
    return files


def report_document(report: Report, language: Language) -> Document:
    """The document of a report that ``REPORT_FORM`` took."""
    say = partial(word, language=language)
    sections = [
        pairs(heading("summary", language), _summary(report, language)),
        pairs(heading("figures", language), figures_told(report["figures"], language)),
        *(_section(table, language) for table in report["tables"]),
        Section(heading("lacking", language), (), (1,), tuple((one,) for one in report["lacking"])),
        Section(heading("law", language), (), (1,), tuple((one,) for one in _law(report, language))),
    ]
    verdict = "complete" if report["complete"] else "lacks" if report["lacking"] else "provisional"
    return Document(
        language=language,
        title=f"{title(report['name'], language)} – {period_told(report['period'], language)}",
        verdict=say(verdict),
        passed=report["complete"],
        sections=tuple(section for section in sections if section.rows),
        note=say("signed"),
        by_hand=(
            f"{say('made_by')} ({say('by_hand')}): {report['who']}",
            f"{say('checked_by')} ({say('by_hand')}):",
        ),
    )


def csv_tables(report: Report, language: Language) -> dict[str, bytes]:
    """Each table of a report as CSV, by its name: UTF-8 with the mark by which spreadsheets know that."""
    counted = report["figures"]
    figures = [(word(name, language), _plain(counted[name])) for name in _in_order(counted)]
    columns = tuple(word(name, language) for name in ("what", "count"))
    found = {"figures": _csv([columns, *figures])}
    for table in report["tables"]:
        names = [word(name, language) for name in table["columns"]]
        rows = [
            [_csv_cell(name, cell, language) for name, cell in zip(table["columns"], row, strict=True)]
            for row in table["rows"]
        ]
        found[table["name"]] = _csv([names, *rows])
    return found


def period_told(name: str, language: Language) -> str:
    """``2026-Q3``, in Vietnamese ``quý 3/2026``."""
    year, _, part = name.partition("-")
    if language == "en":
        return name
    if part.startswith("Q"):
        return f"quý {part[1:]}/{year}"
    if part.startswith("H"):
        return f"6 tháng {'đầu' if part == 'H1' else 'cuối'} năm {year}"
    return f"tháng {part}/{year}"


def _summary(report: Report, language: Language) -> list[tuple[str, str]]:
    say = partial(word, language=language)
    found = [
        (say("id"), report["id"]),
        (say("report"), title(report["name"], language)),
        (say("period"), period_told(report["period"], language)),
        (say("from"), moment(report["from"], language)),
        (say("to"), moment(report["to"], language)),
        (say("archive"), report["archive"]),
        *_beginning(report, language),
        (say("made_at"), moment(report["made_at"], language)),
        (say("made_by"), report["who"]),
        (say("signing_key"), report["signing_key"]),
    ]
    if report["name"] == KINDS["accounts"].name:
        found.append((say("scope"), say("full_list" if report["full"] else "changes_only")))
    return found


def _law(report: Report, language: Language) -> Iterable[str]:
    """Each basis once, with all that it asks for."""
    found: dict[str, list[str]] = {}
    for one in report["law"]:
        if "cited" not in one:  # an older report tells both in one sentence
            found[one[language]] = []
            continue
        found.setdefault(one["cited"][language], []).append(one["duty"][language])
    return (": ".join(filter(None, ("; ".join(asks), basis))) for basis, asks in found.items())


def _beginning(report: Report, language: Language) -> list[tuple[str, str]]:
    """Told where it is within the period: nothing is counted of the days before."""
    began = report.get("archive_began")
    if not began or parse_rfc3339(began) <= parse_rfc3339(report["from"]):
        return []
    return [(word("archive_began", language), moment(began, language))]


def figures_told(figures: Mapping[str, int | None], language: Language) -> list[tuple[str, str]]:
    """Figures as people read them, in their order."""
    return [(word(name, language), _amount(name, figures[name], language)) for name in _in_order(figures)]


def _in_order(figures: Mapping[str, int | None]) -> Iterable[str]:
    """Those that this version knows first, then those of another."""
    return (*(name for name in FIGURES if name in figures), *(figures.keys() - set(FIGURES)))


def _amount(name: str, value: int | None, language: Language) -> str:
    if value is None:
        return word("not_measured", language)
    if name.endswith("_ms"):
        told = duration(abs(value), language)
        return told if value >= 0 else f"-{told}"
    return exact_size(value, language) if name.endswith("_bytes") else number(value, language)


def _section(table: dict[str, Any], language: Language) -> Section:
    columns = table["columns"]
    rows = [
        tuple(_cell(name, cell, language) for name, cell in zip(columns, row, strict=True))
        for row in table["rows"]
    ]
    if not rows:
        rows = [(word("none", language), *("" for _ in columns[1:]))]
    return Section(
        heading(table["name"], language),
        tuple(word(name, language) for name in columns),
        tuple(_WIDTHS.get(name, 10) for name in columns),
        tuple(rows),
    )


def _cell(name: str, cell: Any, language: Language) -> str:
    if isinstance(cell, list):
        told = [role_told(one, language) if name in _ROLES else one for one in cell[:_MOST_IDS]]
        left = len(cell) - _MOST_IDS
        return ", ".join([*told, *([word("more", language).format(left)] if left > 0 else [])])
    if isinstance(cell, int) or (cell is None and name.endswith("_ms")):
        return _amount(name, cell, language)
    if cell is None or cell == "":
        return "–"
    if name in _MOMENTS:
        return _short_moment(cell, language)
    if name in _DAYS:
        return f"{cell[8:10]}/{cell[5:7]}/{cell[:4]}" if language == "vi" and len(cell) == 10 else cell
    if name == "text" and cell in TEXTS:
        text = TEXTS[cell]
        limits = text.limits(language)
        return f"{text.title(language)} ({limits})" if limits else text.title(language)
    if name in _ROLES:
        return ", ".join(role_told(one, language) for one in str(cell).split(", "))
    if name in _KEPT:
        return _KEPT[name](cell, language)
    return value_told(cell, language) if name in _NAMED else str(cell)


def _short_moment(text: str, language: Language) -> str:
    """The time in Vietnam, to the second."""
    local = parse_rfc3339(text).astimezone(VIETNAM)
    return f"{local:%d/%m/%Y %H:%M:%S}" if language == "vi" else f"{local:%Y-%m-%d %H:%M:%S} +07:00"


def _csv_cell(name: str, cell: Any, language: Language) -> str:
    """Numbers as digits, so that a spreadsheet can add them up; times and days as RFC 3339."""
    if isinstance(cell, list):
        return safe_cell(" ".join(cell))
    if name in _NAMED and isinstance(cell, str):
        return value_told(cell, language)
    if name in _KEPT and isinstance(cell, str):
        return safe_cell(_KEPT[name](cell, language))
    if name in _MOMENTS and isinstance(cell, str):
        return parse_rfc3339(cell).astimezone(VIETNAM).isoformat()
    return safe_cell(cell) if isinstance(cell, str) else _plain(cell)


def _plain(value: int | None) -> str:
    return "" if value is None else str(value)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerows(rows)
    return line.getvalue().encode("utf-8-sig")
