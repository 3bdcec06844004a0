"""A drill's report as headings, pairs and tables in one language: what HTML and PDF both show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from vanvault.recovery.drill.report import Report
from vanvault.recovery.drill.texts import Language, label, phrase


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and a table; a table without column names is one of pairs."""

    heading: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]  # of the columns, in parts of their sum
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What is shown."""

    language: Language
    title: str
    verdict: str
    passed: bool
    sections: tuple[Section, ...]
    note: str
    by_hand: str


def document(report: Report, language: Language) -> Document:
    """The document of a report that ``parse_report`` took."""
    say = partial(label, language=language)
    sections = [
        _pairs(say("summary"), _summary(report, language)),
        Section(say("failures"), (), (1,), tuple((text,) for text in report["failures"])),
        _pairs(say("plan"), _plan(report["plan"], language)),
        _phases(report["phases"], language),
        _pairs(say("rates"), _rates(report["rates"], language)),
        _checks(report["checks"], language),
        _alarms(report["alarms"], language),
        _samples(report["samples"], language),
        _pairs(say("versions"), list(report["versions"].items())),
        _pairs(say("signature"), [(say("signing_key"), report["signing_key"])]),
    ]
    return Document(
        language=language,
        title=say("title"),
        verdict=f"{phrase(report['scenario'], language)}: {say('passed' if report['passed'] else 'failed')}",
        passed=report["passed"],
        sections=tuple(section for section in sections if section.rows),
        note=say("signed"),
        by_hand=say("signed_by_hand"),
    )


def duration(ms: int) -> str:
    """``0.182 s``, ``73.4 s``, ``2 h 05 min``."""
    if ms < 10_000:
        return f"{ms / 1000:.3f} s"
    if ms < 600_000:
        return f"{ms / 1000:.1f} s"
    minutes = round(ms / 60_000)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def number(value: int) -> str:
    """``1 234 567``: groups apart by a space that does not break, alike in both languages."""
    return f"{value:,}".replace(",", "\u00a0")


def _summary(report: Report, language: Language) -> list[tuple[str, str]]:
    say = partial(label, language=language)
    rto, rpo = report["rto"], report["rpo"]
    lost = say("not_measured") if rpo["messages"] is None else number(rpo["messages"])
    limit = f"{say('target')}: {say('at_most')}"
    rows = [
        (say("id"), report["id"]),
        (say("scenario"), phrase(report["scenario"], language)),
        (say("archive"), report["archive"]),
        (say("started"), report["started_at"]),
        (say("finished"), report["finished_at"]),
        (say("operator"), report["operator"]),
        (say("approver"), report["approver"] or "–"),
        (say("share"), report["plan"]["share"]),
        (say("rto"), f"{duration(rto['rehearsed_ms'])} ({limit} {duration(rto['target_ms'])})"),
        (say("rpo"), f"{lost} ({limit} {number(rpo['target_messages'])})"),
    ]
    if rpo.get("later_messages"):
        rows.append((say("rpo_later"), number(rpo["later_messages"])))
    if rto["whole_ms"] != rto["rehearsed_ms"]:
        rows.insert(-1, (say("rto_whole"), duration(rto["whole_ms"])))
    return rows


def _plan(plan: dict[str, Any], language: Language) -> list[tuple[str, str]]:
    say = partial(label, language=language)
    expected = duration(plan["expected_ms"]) if plan["expected_ms"] is not None else say("not_measured")
    return [
        (say("source"), plan["source"] or "–"),
        (say("recovered"), plan["target"]),
        (say("all_objects"), f"{number(plan['objects'])} ({number(plan['bytes'])} B)"),
        (say("share_objects"), f"{number(plan['todo']['objects'])} ({number(plan['todo']['bytes'])} B)"),
        (say("expected"), expected),
    ]


def _phases(phases: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    columns = (say("phase"), say("time"), say("objects"), say("bytes"), say("counted"))
    rows = tuple(
        (
            phrase(phase["name"], language),
            duration(phase["ms"]),
            number(phase["objects"]),
            number(phase["bytes"]),
            say("yes" if phase["counts"] else "no"),
        )
        for phase in phases
    )
    return Section(say("phases"), columns, (34, 14, 14, 20, 18), rows)


def _rates(rates: dict[str, Any] | None, language: Language) -> list[tuple[str, str]]:
    if rates is None:
        return []
    names = ("bytes_per_s", "objects_per_s", "us_per_object", "ns_per_byte")
    phase = (label("phase", language), phrase(rates["phase"], language))
    return [phase, *((label(name, language), number(rates[name])) for name in names)]


def _checks(checks: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    rows = tuple(
        (
            phrase(check["name"], language),
            say("passed" if check["passed"] else "failed"),
            check["detail"],
        )
        for check in checks
    )
    return Section(say("checks"), (say("check"), say("result"), say("detail")), (38, 16, 46), rows)


def _alarms(alarms: dict[str, Any], language: Language) -> Section:
    say = partial(label, language=language)
    missing = set(alarms["missing"])
    rows = tuple((alarm, say("no" if alarm in missing else "yes")) for alarm in alarms["expected"])
    return Section(say("alarms"), (say("alarm"), say("came")), (84, 16), rows)


def _samples(samples: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    rows = tuple(
        (sample["id"], sample["sha256"], say("yes") if sample["same"] else sample["detail"])
        for sample in samples
    )
    return Section(say("samples"), (say("entry"), say("digest"), say("same")), (26, 58, 16), rows)


def _pairs(heading: str, rows: list[tuple[str, str]]) -> Section:
    return Section(heading, (), (36, 64), tuple(rows))
