"""The files of a drill's evidence: the signed report, and how people are shown it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from vanvault.archiver.core.errors import NotFound
from vanvault.recovery.documents import Language, Report, html_page, pdf_pages, read_bundle
from vanvault.recovery.drill.document import document

FOLDER = "drills"


def drill_pages(report: Report) -> dict[str, bytes]:
    """The files of a bundle beside its report: name -> bytes. The report is what counts."""
    return {
        "report.en.html": html_report(report, "en").encode(),
        "report.vi.html": html_report(report, "vi").encode(),
        "report.en.pdf": pdf_report(report, "en"),
        "report.vi.pdf": pdf_report(report, "vi"),
    }


def html_report(report: Report, language: Language) -> str:
    """A whole page, to be written as UTF-8."""
    return html_page(document(report, language))


def pdf_report(report: Report, language: Language) -> bytes:
    """A whole document; the same report gives the same bytes with the same library."""
    return pdf_pages(document(report, language), datetime.fromisoformat(report["finished_at"]))


def read_report(home: Path, drill: str) -> tuple[bytes, Path]:
    """The signed report of a drill and its folder: an id, or the path of either. Raises NotFound."""
    return read_bundle(
        home / FOLDER,
        drill,
        NotFound(
            f"there is no evidence of a drill {drill[:80]} here",
            hint="vanvault drill list names the last ones; their bundles are in drills/ and in the archive.",
        ),
    )
