"""Plan and certificate as signed JSON, and as pages for people: what both have in common is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Literal

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.retention import source_in
from vanvault.recovery.disposal.texts import paper_word
from vanvault.recovery.documents import (
    LANGUAGES,
    REPORT,
    Document,
    Language,
    Report,
    Section,
    SignedForm,
    digests,
    exact_size,
    html_page,
    moment,
    number,
    pairs,
    pdf_pages,
    zipped,
)
from vanvault.recovery.standings import reason_told

PLAN_FORM = SignedForm("vanvault-disposal-plan-v1", "vanvault disposal plan v1", "plan of a disposal")
CERTIFICATE_FORM = SignedForm(
    "vanvault-disposal-certificate-v1", "vanvault disposal certificate v1", "certificate of a disposal"
)

PaperKind = Literal["plan", "certificate"]
_FORMS: Mapping[PaperKind, SignedForm] = {"plan": PLAN_FORM, "certificate": CERTIFICATE_FORM}


@dataclass(frozen=True, slots=True)
class SignedPaper:
    """A plan or a certificate with its pages."""

    report: Report
    data: bytes  # report.json
    files: Mapping[str, bytes]  # all of the bundle

    @property
    def bundle(self) -> bytes:
        """The same as one ZIP."""
        return zipped(self.files)


def signed_paper(
    archive: Archive, kind: PaperKind, body: Mapping[str, Any], made_at: datetime
) -> SignedPaper:
    """Sign the body, and show it in both languages."""
    form, signer = _FORMS[kind], archive.signing.active()
    whole = {
        **body,
        "archive": archive.settings.archive,
        "format": form.format,
        "signing_key": signer.key_id,
    }
    shown = paper_files(kind, form.parsed(canonical(whole)), made_at)
    data = form.signed({**whole, "files": digests(shown)}, signer)
    return SignedPaper(form.parsed(data), data, {REPORT: data, **shown})


def paper_files(kind: PaperKind, report: Report, made_at: datetime) -> dict[str, bytes]:
    """The pages beside a report: name -> bytes. The report is what counts."""
    files = {}
    for language in LANGUAGES:
        shown = paper_document(kind, report, language)
        files[f"{kind}.{language}.html"] = html_page(shown).encode()
        files[f"{kind}.{language}.pdf"] = pdf_pages(shown, made_at)
    return files


def paper_document(kind: PaperKind, report: Report, language: Language) -> Document:
    """What the pages say."""
    say = partial(paper_word, language=language)
    made = _plan_sections if kind == "plan" else _certificate_sections
    sections = tuple(one for one in made(report, language) if one.rows)
    verdict, passed = "", True
    if kind == "certificate":
        passed = not report["remaining"]
        verdict = say("complete" if passed else "in_part") + _stayed(report["dropped"], language)
    roles = ("made_by", "approved_by") if kind == "plan" else ("planned_by", "approved_by", "ran_by")
    by_hand = tuple(f"{say(role)} ({say('signed_by_hand')}): {_people(report, role)}" for role in roles)
    return Document(language, say(kind), verdict, passed, sections, say("note"), by_hand)


def _stayed(dropped: Mapping[str, int], language: Language) -> str:
    """How much of the plan did not go, and why; "": all of it went."""
    if not dropped:
        return ""
    why = (f"{reason_told(name, language)}: {number(count, language)}" for name, count in dropped.items())
    count = f"{number(sum(dropped.values()), language)} ({'; '.join(why)})"
    return "; " + paper_word("stayed", language).format(count=count)


def _day(text: str | None, language: Language) -> str:
    """A day as the times of the page have it; "–": none."""
    if not text:
        return "–"
    return f"{date.fromisoformat(text):%d/%m/%Y}" if language == "vi" else text


def _people(report: Report, role: str) -> str:
    told = report.get("who" if role == "made_by" else role, "")
    return ", ".join(told) if isinstance(told, list) else str(told)


def _plan_sections(report: Report, language: Language) -> list[Section]:
    say = partial(paper_word, language=language)
    counts = report["counts"]
    summary = [
        (say("disposal"), report["id"]),
        (say("archive"), report["archive"]),
        (say("made_at"), moment(report["made_at"], language)),
        (say("made_by"), report["who"]),
        (say("until"), _day(report["until"], language)),
        (say("gateways"), ", ".join(report["gateways"]) or "–"),
        *((f"{say('verified')} ({site})", moment(at, language)) for site, at in report["verified"].items()),
        (say("newest"), moment(report["newest"], language)),
        (say("segments"), number(counts["segments"], language)),
        (say("entries"), number(counts["entries"], language)),
        (say("originals"), number(counts["originals"], language)),
        (say("bytes"), exact_size(counts["bytes"], language)),
        (say("ids_sha256"), report["ids_sha256"]),
        (say("signing_key"), report["signing_key"]),
        *([(say("more"), say("for_next"))] if report["more"] else []),
    ]
    rules = [
        (one["segment"], rule["rule"], source_in(rule["clause"], language), number(rule["entries"], language))
        for one in report["segments"]
        for rule in one["rules"]
    ]
    taken = [
        (
            one["segment"],
            number(one["entries"], language),
            number(one["originals"], language),
            exact_size(one["bytes"], language),
            _day(one["first_due"], language),
            _day(one["last_due"], language),
        )
        for one in report["segments"]
    ]
    named = ("segment", "entries", "originals", "bytes", "first_due", "last_due")
    return [
        pairs(say("summary"), summary),
        Section(say("segments"), tuple(map(say, named)), (20, 12, 12, 22, 17, 17), tuple(taken)),
        Section(
            say("rules"),
            tuple(map(say, ("segment", "rule", "clause", "count"))),
            (20, 24, 44, 12),
            tuple(rules),
        ),
        counted(say("kept"), report["kept"], language),
        Section(
            say("left_out"),
            tuple(map(say, ("segment", "reason", "why"))),
            (22, 28, 50),
            tuple(
                (one["segment"], reason_told(one["reason"], language), one["why"])
                for one in report["left_out"]
            ),
        ),
    ]


def _certificate_sections(report: Report, language: Language) -> list[Section]:
    say = partial(paper_word, language=language)
    counts = report["counts"]
    summary = [
        (say("disposal"), report["id"]),
        (say("number"), str(report["number"])),
        (say("archive"), report["archive"]),
        (say("made_at"), moment(report["made_at"], language)),
        (say("planned_by"), report["planned_by"]),
        (say("planned_at"), moment(report["planned_at"], language)),
        (say("approved_by"), ", ".join(report["approved_by"])),
        *(
            [(say("approved_at"), moment(report["approved_at"], language))]
            if report.get("approved_at")
            else []
        ),
        (say("ran_by"), report["ran_by"]),
        (say("begun_at"), moment(report["begun_at"], language)),
        (say("entries"), number(counts["entries"], language)),
        (say("originals"), number(counts["originals"], language)),
        (say("plan_sha256"), report["plan_sha256"]),
        (say("ids_sha256"), report["ids_sha256"]),
        *([(say("first"), report["first"])] if report["first"] else []),
        *_backups(report.get("backups_gone"), language),
        (say("signing_key"), report["signing_key"]),
    ]
    replaced = {one["residue"]: ", ".join(one["replaces"]) for one in report["segments"]}
    rules = [
        (rule["rule"], source_in(rule["clause"], language), number(rule["entries"], language))
        for rule in report.get("rules", [])
    ]
    removed = [
        (one["site"], replaced.get(one["segment"], ""), one["segment"], number(one["objects"], language),
         exact_size(one["bytes"], language), moment(one["at"], language) if one["at"] else say("unknown"))
        for one in report["removed"]
    ]  # fmt: skip
    remaining = [
        (one["where"], one["what"], one["why"],
         moment(one["until"], language) if one["until"] else say("unknown"))
        for one in report["remaining"]
    ]  # fmt: skip
    return [
        pairs(say("summary"), summary),
        Section(say("rules"), tuple(map(say, ("rule", "clause", "count"))), (28, 54, 18), tuple(rules)),
        Section(
            say("removed"),
            tuple(map(say, ("site", "segment", "replaced_by", "objects", "bytes", "at"))),
            (12, 20, 20, 10, 18, 20),
            tuple(removed),
        ),
        counted(say("dropped"), report["dropped"], language),
        Section(
            say("remaining"),
            tuple(map(say, ("where", "what", "why", "ends"))),
            (16, 34, 28, 22),
            tuple(remaining),
        ),
    ]


def _backups(gone: Mapping[str, Any] | None, language: Language) -> list[tuple[str, str]]:
    """Who said that no backup holds anything, why, and into what the program looked."""
    if not gone:
        return []
    say = partial(paper_word, language=language)
    found = [
        (say("backups_gone"), f"{gone['who']}, {moment(gone['at'], language)}: {gone['reason']}"),
    ]
    if gone["looked"]:
        looked = say("looked_into").format(
            repository=gone["repository"], snapshots=number(gone["snapshots"], language)
        )
    else:
        looked = say("looked_nowhere")
    return [*found, (say("backups_looked"), looked)]


def counted(heading: str, counts: Mapping[str, int], language: Language) -> Section:
    """Entries by reason."""
    return pairs(
        heading,
        [(reason_told(name, language), number(count, language)) for name, count in sorted(counts.items())],
    )
