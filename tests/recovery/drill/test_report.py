"""The report of a drill: signed, verified offline, and the same in two languages and forms."""

from __future__ import annotations

import io
import logging
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fontTools.ttLib import TTFont

from tests.recovery.drill.support import drilled
from tests.support.lab import Lab
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable, NotFound, SettingsError
from vanvault.archiver.keys.signing import key_id_of
from vanvault.recovery.documents import (
    FONTS,
    LANGUAGES,
    REPORT,
    Language,
    Report,
    duration,
    number,
    public_keys_of,
    write_bundle,
    zipped,
)
from vanvault.recovery.drill import texts
from vanvault.recovery.drill.bundle import (
    drill_pages,
    html_report,
    pdf_report,
    read_report,
)
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.document import document
from vanvault.recovery.drill.report import DRILL_FORM, signed_report
from vanvault.recovery.drill.run import FinishedDrill


@pytest.fixture
def finished(lab: Lab) -> FinishedDrill:
    return drilled(lab, "objects-damaged", Means(samples=4, seed="s"))


@pytest.fixture
def signed(lab: Lab, finished: FinishedDrill) -> bytes:
    with lab.open() as archive:
        return signed_report(finished, archive.signing.active())


def test_a_report_verifies_and_says_what_was_measured(
    lab: Lab, finished: FinishedDrill, signed: bytes
) -> None:
    with lab.open() as archive:
        report = DRILL_FORM.verified(signed, archive.signing.public)
    assert report["passed"] is True
    assert report["scenario"] == "objects-damaged"
    assert report["rpo"]["messages"] == 0
    assert report["rto"]["target_ms"] == 8 * 3600 * 1000
    counted = sum(phase["ms"] for phase in report["phases"] if phase["counts"])
    assert abs(report["rto"]["rehearsed_ms"] - counted) <= len(report["phases"])
    assert set(report["alarms"]["expected"]) <= set(report["alarms"]["seen"])
    assert (report["operator"], report["approver"]) == ("operator", "approver")
    assert set(report["versions"]) == {"python", "vanvault", "boto3", "cryptography", "pyarrow"}
    assert report["rates"]["bytes_per_s"] > 0


@pytest.mark.parametrize("field", ["passed", "archive", "phases", "rto", "operator"])
def test_a_changed_report_does_not_verify(lab: Lab, signed: bytes, field: str) -> None:
    report = orjson.loads(signed)
    changes = {"passed": False, "phases": [], "rto": {}}
    report[field] = changes.get(field, "another")
    with lab.open() as archive, pytest.raises(Damaged):
        DRILL_FORM.verified(canonical(report), archive.signing.public)


def test_a_report_of_another_key_does_not_verify(lab: Lab, signed: bytes) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(Damaged, match="not trusted"):
        DRILL_FORM.verified(signed, public_keys_of({key_id_of(other): other}))
    report = orjson.loads(signed)
    report["signing_key"] = key_id_of(other)
    with pytest.raises(Damaged):
        DRILL_FORM.verified(canonical(report), public_keys_of({key_id_of(other): other}))
    with lab.open() as archive, pytest.raises(KeyUnavailable):
        DRILL_FORM.verified(canonical(report), archive.signing.public)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":"vanvault-export-v1"}', b'{"format": "x"}'])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises((Damaged, InvalidInput)):
        DRILL_FORM.verified(data, public_keys_of({}))


def test_an_unsigned_report_is_refused(lab: Lab, signed: bytes) -> None:
    report = orjson.loads(signed)
    for signature in (None, "not base64!"):
        bare = {name: value for name, value in report.items() if name != "signature"}
        bare |= {"signature": signature} if signature else {}
        with lab.open() as archive, pytest.raises(InvalidInput, match="not signed"):
            DRILL_FORM.verified(canonical(bare), archive.signing.public)


class Cells(HTMLParser):
    """The texts of table cells; fails on what is not well nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.texts.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_holds_the_whole_document(signed: bytes, language: Language) -> None:
    report: Report = orjson.loads(signed)
    page = html_report(report, language)
    cells = Cells()
    cells.feed(page)
    assert cells.open == []
    for section in document(report, language).sections:
        for row in section.rows:
            assert set(row) - {""} <= set(cells.texts)
    assert f'<html lang="{language}">' in page


def test_html_obeys_no_markup_in_what_was_recorded(signed: bytes) -> None:
    report = orjson.loads(signed) | {"operator": "<script>alert(1)</script>"}
    assert "<script>" not in html_report(report, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pdf_has_every_letter(signed: bytes, language: Language, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        data = pdf_report(orjson.loads(signed), language)
    assert data.startswith(b"%PDF-")
    assert caplog.records == []  # a letter without a glyph is a warning
    assert data == pdf_report(orjson.loads(signed), language)


def test_the_fonts_know_every_letter_of_both_languages() -> None:
    said = "".join("".join(pair) for pair in texts.LABELS.values()) + "".join(texts.VIETNAMESE.values())
    vietnamese = "ăâđêôơưĂÂĐÊÔƠƯ" + "".join(chr(code) for code in range(0x1EA0, 0x1EFA))
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        known = TTFont(FONTS / name).getBestCmap()
        assert {letter for letter in said + vietnamese if ord(letter) not in known} == set()
    assert "Bitstream" in (FONTS / "LICENSE.txt").read_text()


def test_every_phase_and_check_is_said_in_vietnamese(lab: Lab) -> None:
    for scenario in (
        "primary-lost",
        "objects-damaged",
        "ransomware",
        "node-lost",
        "clock-wrong",
        "key-disclosed",
        "signing-key-stolen",
    ):
        outcome = drilled(lab, scenario).outcome
        for phase in outcome.phases:
            assert texts.phrase(phase.name, "vi") != phase.name, phase.name
        for check in outcome.checks:
            assert texts.phrase(check.name, "vi") != check.name, check.name


def test_a_bundle_on_disk_and_as_zip(signed: bytes, tmp_path: Path) -> None:
    files = {REPORT: signed, **drill_pages(DRILL_FORM.parsed(signed))}
    assert set(files) == {
        REPORT, "report.en.html", "report.vi.html", "report.en.pdf", "report.vi.pdf",
    }  # fmt: skip
    write_bundle(tmp_path / "drills" / "d1", files)
    assert read_report(tmp_path, "d1")[0] == signed
    assert read_report(Path("/nowhere"), str(tmp_path / "drills" / "d1"))[0] == signed
    with pytest.raises(NotFound):
        read_report(tmp_path, "d2")
    with pytest.raises(SettingsError):
        write_bundle(tmp_path / "drills" / "d1", files)
    archive = zipped(files)
    assert archive == zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.read(REPORT) == signed


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0.000 s"), (182, "0.182 s"), (73_400, "73.4 s"), (7_500_000, "2 h 05 min")]
)
def test_durations_are_said_in_words(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_numbers_have_their_thousands_set_apart() -> None:
    assert number(1234567) == "1\u00a0234\u00a0567"
