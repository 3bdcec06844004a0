"""The evidence of a drill on disk: the signed report and its renderings in a folder, and the same as ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from vanvault.archiver.core.errors import NotFound, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import sync_folder, synced_file
from vanvault.recovery.documents import Language, html_page, pdf_pages
from vanvault.recovery.drill.document import document
from vanvault.recovery.drill.report import Report, parse_report

REPORT = "report.json"
FOLDER = "drills"

#: Every ZIP of the same files has the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def bundle_files(data: bytes) -> dict[str, bytes]:
    """The files of a bundle from its signed report: name -> bytes. The report is what counts."""
    report: Report = parse_report(data)
    return {
        REPORT: data,
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


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files durably into ``folder``, which must not exist. Raises SettingsError."""
    try:
        folder.mkdir(parents=True, mode=0o700)
        for name, data in files.items():
            with synced_file(folder / name, mode=0o644, new=True) as file:
                file.write(data)
        sync_folder(folder)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"the evidence cannot be written: {error.strerror}") from error


def read_report(home: Path, drill: str) -> bytes:
    """The signed report of a drill: an id, or the path of a bundle or report. Raises NotFound."""
    for path in (home / FOLDER / drill / REPORT, Path(drill) / REPORT, Path(drill)):
        if path.is_file():
            return path.read_bytes()
    raise NotFound(
        f"there is no evidence of a drill {drill[:80]} here",
        hint="vanvault drill list names the last ones; their bundles are in drills/ and in the archive.",
    )
