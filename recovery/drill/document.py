"""A drill's report as headings, pairs and tables in one language: by the words of ``texts.py``. Pure."""

from __future__ import annotations

from functools import partial
from typing import Any

from vanvault.recovery.documents import (
    Document,
    Language,
    Report,
    Section,
    decimal,
    duration,
    exact_size,
    moment,
    number,
    pairs,
    size,
)
from vanvault.recovery.drill.details import failure_told, place, vietnamese
from vanvault.recovery.drill.texts import label, phrase


def document(report: Report, language: Language) -> Document:
    """The document of a report that ``DRILL_FORM`` took."""
    say = partial(label, language=language)
    sections = [
        pairs(say("summary"), _summary(report, language)),
        Section(say("failures"), (), (1,), tuple((text,) for text in _failures(report, language))),
        _lost(report["rpo"], language),
        pairs(say("plan"), _plan(report["plan"], language)),
        _phases(report["phases"], language),
        pairs(say("rates"), _rates(report["rates"], language)),
        _checks(report["checks"], language),
        _alarms(report["alarms"], language),
        _samples(report["samples"], language),
        pairs(say("versions"), list(report["versions"].items())),
        pairs(say("signature"), [(say("signing_key"), report["signing_key"])]),
    ]
    return Document(
        language=language,
        title=say("title"),
        verdict=_verdict(report, language),
        passed=report["passed"],
        sections=tuple(section for section in sections if section.rows),
        note=say("signed"),
        by_hand=_signers(report, language),
    )


def _verdict(report: Report, language: Language) -> str:
    said = label("passed" if report["passed"] else "failed", language)
    if report["passed"] and report["rpo"].get("later_messages"):
        said += f", {label('passed_but', language)}"
    return f"{phrase(report['scenario'], language)}: {said}"


def _signers(report: Report, language: Language) -> tuple[str, ...]:
    """One line each for who ran the drill and who approved it; a name that is known stands there."""
    by_hand = label("signed_by_hand", language)
    return tuple(
        f"{label(role, language)} ({by_hand}): {report[role]}".rstrip(" ")
        for role in ("operator", "approver")
    )


def _failures(report: Report, language: Language) -> list[str]:
    if language == "en":
        return list(report["failures"])
    return [failure_told(text, report["checks"]) for text in report["failures"]]


def _detail(text: str, language: Language) -> str:
    return vietnamese(text) if language == "vi" else text


def _lost(rpo: dict[str, Any], language: Language) -> Section:
    """What is to be asked for again; a report of an earlier version names none."""
    say = partial(label, language=language)
    rows = [
        (
            say(one["entry"]),
            one["gateway"],
            one["client_id"],
            one["id"],
            say("yes" if one["later"] else "no"),
        )
        for one in rpo.get("lost", ())
    ]
    if rpo.get("lost_unnamed"):
        rows.append((number(rpo["lost_unnamed"], language), say("lost_more"), "", "", ""))
    columns = (say("lost_kind"), say("gateway"), say("client_id"), say("archive_id"), say("lost_later"))
    return Section(say("lost"), columns, (14, 22, 26, 26, 12), tuple(rows))


def _summary(report: Report, language: Language) -> list[tuple[str, str]]:
    say = partial(label, language=language)
    rto, rpo = report["rto"], report["rpo"]
    later = rpo.get("later_messages") or 0
    lost = say("not_measured") if rpo["messages"] is None else number(rpo["messages"] - later, language)
    limit, allowed = f"{say('target')}: {say('at_most')}", duration(rto["target_ms"], language)
    rows = [
        (say("id"), report["id"]),
        (say("scenario"), phrase(report["scenario"], language)),
        (say("archive"), report["archive"]),
        (say("started"), moment(report["started_at"], language)),
        (say("finished"), moment(report["finished_at"], language)),
        (say("operator"), report["operator"]),
        (say("approver"), report["approver"] or "–"),
        (say("share"), report["plan"]["share"]),
        (say("rto"), f"{duration(rto['rehearsed_ms'], language)} ({limit} {allowed})"),
    ]
    if rto["whole_ms"] != rto["rehearsed_ms"]:
        rows.append((say("rto_whole"), duration(rto["whole_ms"], language)))
    for name, value in (rto.get("times") or {}).items():
        rows.append(
            (
                say(name.removesuffix("_ms")),
                duration(value, language) if value is not None else say("not_measured"),
            )
        )
    # The target is for what could be held: what came after a copy was made no copy has.
    target = number(rpo["target_messages"], language)
    rows.append((say("rpo_owed" if later else "rpo"), f"{lost} ({limit} {target})"))
    if later:
        rows.append((say("rpo_all"), number(rpo["messages"], language)))
        rows.append((say("rpo_later"), number(later, language)))
    return rows


def _plan(plan: dict[str, Any], language: Language) -> list[tuple[str, str]]:
    say = partial(label, language=language)
    known, named = plan["expected_ms"] is not None, place if language == "vi" else str
    return [
        (say("source"), named(plan["source"]) or "–"),
        (say("recovered"), named(plan["target"]) or "–"),
        (say("all_objects"), _extent(plan, language)),
        (say("share_objects"), _extent(plan["todo"], language)),
        (say("expected"), duration(plan["expected_ms"], language) if known else say("not_measured")),
    ]


def _extent(fields: dict[str, Any], language: Language) -> str:
    return f"{number(fields['objects'], language)}; {exact_size(fields['bytes'], language)}"


def _phases(phases: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    columns = (say("phase"), say("time"), say("objects"), say("bytes"), say("counted"))
    rows = tuple(
        (
            phrase(phase["name"], language),
            duration(phase["ms"], language),
            number(phase["objects"], language),
            size(phase["bytes"], language),
            say("yes" if phase["counts"] else "no"),
        )
        for phase in phases
    )
    return Section(say("phases"), columns, (34, 14, 14, 20, 18), rows)


def _rates(rates: dict[str, Any] | None, language: Language) -> list[tuple[str, str]]:
    if rates is None:
        return []
    say = partial(label, language=language)
    return [
        (say("phase"), phrase(rates["phase"], language)),
        (say("bytes_per_s"), f"{size(rates['bytes_per_s'], language)}/s"),
        (say("objects_per_s"), number(rates["objects_per_s"], language)),
        (say("us_per_object"), f"{decimal(rates['us_per_object'] / 1000, 1, language)} ms"),
        # Nanoseconds of a byte are as many seconds of a GB.
        (say("ns_per_byte"), duration(rates["ns_per_byte"] * 1000, language)),
    ]


def _checks(checks: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    rows = tuple(
        (
            phrase(check["name"], language),
            say("passed" if check["passed"] else "failed"),
            _detail(check["detail"], language),
        )
        for check in checks
    )
    return Section(say("checks"), (say("check"), say("result"), say("detail")), (38, 16, 46), rows)


def _alarms(alarms: dict[str, Any], language: Language) -> Section:
    say = partial(label, language=language)
    missing = set(alarms["missing"])
    rows = tuple(
        (_detail(alarm, language), say("no" if alarm in missing else "yes")) for alarm in alarms["expected"]
    )
    return Section(say("alarms"), (say("alarm"), say("came")), (84, 16), rows)


def _samples(samples: list[dict[str, Any]], language: Language) -> Section:
    say = partial(label, language=language)
    rows = tuple(
        (
            sample["id"],
            sample["sha256"],
            say("yes") if sample["same"] else _detail(sample["detail"], language),
        )
        for sample in samples
    )
    return Section(say("samples"), (say("entry"), say("digest"), say("same")), (26, 58, 16), rows)
