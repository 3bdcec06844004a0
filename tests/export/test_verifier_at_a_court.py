"""The offline verifier on a bare Python: how it is started, what its exit codes say, and its report."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.export.conftest import Filled, members, run_verifier
from tests.export.test_verify_offline import edit, sealed_again, write
from tests.support.interpreters import interpreter
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.export.verify_offline import CANNOT_CHECK, GENUINE, NOT_GENUINE, main
from vanvault.archiver.keys import public_pem

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def exported(shared: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "x.zip"
    shared.export(path, "zip")
    return path


@pytest.fixture
def key(shared: Filled, tmp_path: Path) -> Path:
    path = tmp_path / "public-key.pem"
    path.write_bytes(public_pem(shared.archive.signing.active().public()))
    return path


@pytest.fixture
def unpacked(exported: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(exported) as file:
        file.extractall(folder)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize("version", VERSIONS)
def test_the_standard_library_of_each_supported_python_is_enough(
    exported: Path, unpacked: Path, key: Path, version: str, tmp_path: Path
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    code, said = run_verifier(exported, key, python=python)
    assert (code, said.startswith("good: ")) == (GENUINE, True), said
    report = tmp_path / "report.html"
    code, said = run_verifier(unpacked, key, "--report", str(report), python=python)
    assert code == GENUINE, said
    assert f"Python {version}." in report.read_text(encoding="utf-8")
    with zipfile.ZipFile(exported) as file, zipfile.ZipFile(tmp_path / "y.zip", "w") as changed:
        for name in file.namelist():
            changed.writestr(name, file.read(name) + (b" " if name == "items.ndjson" else b""))
    code, said = run_verifier(tmp_path / "y.zip", key, python=python)
    assert (code, said.startswith("BAD: items.ndjson was changed")) == (NOT_GENUINE, True), said


def test_an_older_python_says_that_it_cannot_check(exported: Path) -> None:
    python = interpreter("3.7")
    if python is None:
        pytest.skip("Python 3.7 is not on this machine")
    code, said = run_verifier(exported, python=python)
    assert (code, said.startswith("CANNOT CHECK")) == (CANNOT_CHECK, True), said


def test_in_an_unpacked_folder_it_needs_no_argument(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=unpacked, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout[:5]) == (GENUINE, b"good:")
    (unpacked / "items.ndjson").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=unpacked, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout[:4]) == (NOT_GENUINE, b"BAD:")


def test_what_the_user_put_beside_an_export_is_named_and_changes_nothing(
    unpacked: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unpacked / "key.pem").write_bytes(key.read_bytes())
    (unpacked / "notes").mkdir()
    (unpacked / "originals" / ".DS_Store").write_bytes(b"")
    assert main([str(unpacked), str(unpacked / "key.pem")]) == GENUINE
    said = told(capsys)
    assert "'key.pem' is not a part of the export" in said
    assert "'notes' is not a part of the export" in said
    (unpacked / "originals" / "more.xml").write_bytes(b"<x/>")
    assert main([str(unpacked)]) == NOT_GENUINE
    assert "more.xml" in told(capsys)


def test_what_cannot_be_checked_is_told_apart_from_what_is_not_genuine(
    exported: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no_key = tmp_path / "no.pem"
    no_key.write_bytes(b"x")
    report = tmp_path / "there.html"
    report.write_bytes(b"mine")
    for arguments in (
        [str(tmp_path / "absent.zip")],
        [str(exported), str(tmp_path / "absent.pem")],
        [str(exported), str(no_key)],
        [str(exported), "--report", str(report)],
        [str(exported), "--report", str(tmp_path / "absent" / "report.html")],
        [],
    ):
        assert main(arguments) == CANNOT_CHECK, arguments
        assert told(capsys).startswith("CANNOT CHECK: "), arguments
    assert report.read_bytes() == b"mine"
    with pytest.raises(SystemExit) as ended:
        main(["--unknown"])
    assert ended.value.code == CANNOT_CHECK


def test_a_format_of_later_times_is_not_called_a_forgery(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = members(exported)
    edit(found, "manifest.json", lambda manifest: manifest.update(format="vanvault-export-v9"))
    assert main([str(write(tmp_path / "x.zip", found))]) == CANNOT_CHECK
    assert "take a newer one" in told(capsys)


class Page(HTMLParser):
    """What a browser would make of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "onload")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_tells_what_was_checked_in_both_languages(
    exported: Path, key: Path, shared: Filled, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    assert main([str(exported), str(key), "--report", str(path)]) == GENUINE
    page = Page(path.read_text(encoding="utf-8"))
    assert page.links == []
    assert {"script", "img", "iframe", "form", "link"}.isdisjoint(page.tags)
    for text in ("NGUYÊN VẸN", "GENUINE", "UTC+7", shared.archive.settings.archive, "an audit"):
        assert text in page.text
    assert page.text.count("đúng / holds") == 3


def test_without_a_key_nothing_is_called_genuine(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forger can sign with a key of his own, and put that into the export."""
    path = tmp_path / "report.html"
    assert main([str(exported), "--report", str(path)]) == GENUINE
    page = Page(path.read_text(encoding="utf-8"))
    assert "BY WHOM IS NOT CHECKED" in page.text
    for word in ("GENUINE", "NGUYÊN VẸN"):
        assert word not in page.text
        assert word not in told(capsys)


def test_a_report_of_what_is_not_genuine_says_how_far_it_came(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    found = members(exported) | {"items.ndjson": b""}
    assert main([str(write(tmp_path / "x.zip", found)), "--report", str(path)]) == NOT_GENUINE
    page = Page(path.read_text(encoding="utf-8"))
    assert "NOT GENUINE" in page.text
    assert "items.ndjson was changed" in page.text
    assert page.text.count("đúng / holds") == 1


def test_nothing_that_a_report_shows_can_run_or_deceive(
    exported: Path, shared: Filled, tmp_path: Path
) -> None:
    signer = shared.archive.signing.active()
    found = members(exported)
    nasty = "<script>alert(1)</script>\u202e\"'><img src=x>"
    edit(found, "manifest.json", lambda manifest: manifest.update(reason=nasty, who=nasty))
    path = tmp_path / "report.html"
    forged = write(tmp_path / "x.zip", sealed_again(found, signer.sign, signer.key_id))
    assert main([str(forged), "--report", str(path)]) == GENUINE
    page = Page(path.read_text(encoding="utf-8"))
    assert {"script", "img"}.isdisjoint(page.tags)
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text


def test_nothing_of_an_unsigned_manifest_is_shown_as_a_fact(exported: Path, tmp_path: Path) -> None:
    found = members(exported)
    edit(found, "manifest.json", lambda manifest: manifest.update(reason="a forged reason"))
    path = tmp_path / "report.html"
    assert main([str(write(tmp_path / "x.zip", found)), "--report", str(path)]) == NOT_GENUINE
    assert "a forged reason" not in path.read_text(encoding="utf-8")


def test_every_zip_says_how_it_is_checked_in_both_languages(exported: Path, shared: Filled) -> None:
    found = members(exported)
    started = shared.events("export.started")[-1]["export"]
    for name, words in (("README.vi.txt", "giờ Việt Nam"), ("README.en.txt", "in Vietnam")):
        text = found[name].decode()
        assert words in text
        assert started in text
        assert "python3 verify.py" in text
        assert f"{len(shared.bodies)} originals" in text or f"{len(shared.bodies)} bản gốc" in text


def test_files_in_a_zip_have_the_times_of_their_entries(exported: Path, shared: Filled) -> None:
    received = {item["id"]: parse_rfc3339(item["received_at"]) for item in shared.items()}
    seen = 0
    with zipfile.ZipFile(exported) as file:
        started = datetime(*file.getinfo("verify.py").date_time, tzinfo=UTC)
        assert abs(started - timedelta(hours=7) - shared.archive.clock.now()) < timedelta(days=1)
        for info in file.infolist():
            folder, _, name = info.filename.partition("/")
            if folder in ("originals", "receipts"):
                at = received[name.split(".")[0]]
                shown = datetime(*info.date_time, tzinfo=UTC) - timedelta(hours=7)
                assert timedelta(0) <= at - shown < timedelta(seconds=2)
                seen += 1
    assert seen > len(shared.bodies)


def test_an_unpacker_gives_the_files_their_moment_in_utc(
    exported: Path, shared: Filled, tmp_path: Path
) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("unzip is not on this machine")
    subprocess.run([unzip, "-q", str(exported), "-d", str(tmp_path / "out")], check=True, timeout=120)
    for item in shared.items():
        path = tmp_path / "out" / "receipts" / f"{item['id']}.json"
        if path.exists():
            assert path.stat().st_mtime == int(parse_rfc3339(item["received_at"]).timestamp())
