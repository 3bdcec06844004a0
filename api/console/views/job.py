"""The page of one job: figures, what was found where, parts, and all else that the record tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from vanvault.archiver.journal import OwnEvent
from vanvault.recovery.documents import Document
from vanvault.recovery.job_record import OneJob, RecordedJob

FigureForm = Literal["number", "size", "duration", "term", "text", "code"]

#: What events of jobs tell, in the order of the page -> how it is shown. What is no row is told below.
FIGURES: Mapping[str, FigureForm] = {
    "scenario": "text",
    "share": "text",
    "site": "term",
    "from": "term",
    "what": "text",
    "job": "code",
    "host": "text",
    "result": "term",
    "exit_code": "number",
    "objects": "number",
    "messages": "number",
    "events": "number",
    "entries": "number",
    "items": "number",
    "originals": "number",
    "segments": "number",
    "batches": "number",
    "bytes": "size",
    "rto_ms": "duration",
    "rpo_messages": "number",
    "failures": "number",
    "beyond": "number",
    "left_out": "number",
    "unreadable": "number",
    "format": "code",
    "export": "code",
    "extraction": "code",
    "disposal": "code",
    "manifest_sha256": "code",
    "report_sha256": "code",
}
#: Shown in places of their own.
_APART = frozenset(("who", "ms", "whole", "passed", "findings", "sites"))
_MOST_TEXT = 2000  # characters of one value
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class JobFigure:
    """One thing that the event tells."""

    name: str
    form: FigureForm
    value: Any


@dataclass(frozen=True, slots=True)
class JobSite:
    """What a verification did at one site."""

    site: str
    objects: int
    bytes: int
    damaged: tuple[str, ...]  # digests, the first ones
    more_damaged: int
    aside: int


@dataclass(frozen=True, slots=True)
class JobRemoval:
    """What a clearing removed at one site of one segment."""

    event: OwnEvent
    site: str
    segment: str
    batches: int
    bytes: int


@dataclass(frozen=True, slots=True)
class JobReport:
    """The signed report of a drill, or why it cannot be shown now."""

    drill: str
    document: Document | None
    trouble: str = ""  # in English


@dataclass(frozen=True, slots=True)
class JobView:
    """The page."""

    job: RecordedJob
    figures: tuple[JobFigure, ...]
    findings: tuple[tuple[str, int], ...] | None  # problem, how often; None: no verification
    sites: tuple[JobSite, ...]
    removals: tuple[JobRemoval, ...]
    more_removals: bool
    rest: tuple[tuple[str, str], ...]  # name and value, as the record has them
    opens: bool  # may this person open the entry?
    report: JobReport | None = None


def job_view(found: OneJob, *, opens: bool) -> JobView:
    """What the page shows of a job."""
    told = found.told
    figures = [
        JobFigure(name, form, told[name]) for name, form in FIGURES.items() if _fits(form, told.get(name))
    ]
    shown = {one.name for one in figures}
    findings, sites = told.get("findings"), told.get("sites")
    # Elsewhere than in a verification, sites may be a list of names.
    checked = isinstance(findings, dict) and isinstance(sites, dict)
    apart = _APART if checked else _APART - {"findings", "sites"}
    return JobView(
        job=found.job,
        figures=tuple(figures),
        findings=_counts(findings) if isinstance(findings, dict) else None,
        sites=_sites(sites) if isinstance(sites, dict) and isinstance(findings, dict) else (),
        removals=tuple(map(_removal, found.parts)),
        more_removals=found.more_parts,
        rest=tuple((name, _text(told[name])) for name in sorted(told) if name not in shown | apart),
        opens=opens,
    )


def _fits(form: FigureForm, value: object) -> bool:
    if form in ("number", "size", "duration"):
        return _count(value) is not None
    return isinstance(value, str) and bool(value) and len(value) <= _MOST_TEXT


def _counts(findings: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), _count(count) or 0) for name, count in findings.items())


def _sites(sites: Mapping[str, Any]) -> tuple[JobSite, ...]:
    found = []
    for site, told in sites.items():
        if not isinstance(told, dict):
            continue
        named = told.get("damaged")
        damaged = [str(one) for one in named] if isinstance(named, list) else []
        found.append(
            JobSite(
                site=str(site),
                objects=_count(told.get("objects")) or 0,
                bytes=_count(told.get("bytes")) or 0,
                damaged=tuple(damaged[:_MOST_NAMED]),
                more_damaged=max(0, len(damaged) - _MOST_NAMED),
                aside=_count(told.get("aside")) or 0,
            )
        )
    return tuple(found)


def _removal(event: OwnEvent) -> JobRemoval:
    told = event.detail
    return JobRemoval(
        event=event,
        site=str(told.get("site", "")),
        segment=str(told.get("segment", "")),
        batches=_count(told.get("batches")) or 0,
        bytes=_count(told.get("bytes")) or 0,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} …"
