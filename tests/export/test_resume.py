"""kill -9 anywhere, then the same command again: the same content as if nothing had happened."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.conftest import Filled, members, run_verifier
from tests.support.archives import Node, event, message
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import Conflict
from vanvault.archiver.export import ExportReport, export, parse_request
from vanvault.archiver.export.request import FORMATS

#: Several pages with and without originals.
MESSAGES, EVENTS = 260, 900
#: In a ZIP these tell one export from another.
OWN = {"manifest.json", "README.vi.txt", "README.en.txt"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "home"
    init_home(path)
    with Archive.open(path) as archive, Node(archive) as node:
        node.wait_ready()
        drafts = [message(f"m-{n}", b"<x/>" * n) for n in range(1, MESSAGES + 1)]
        node.submit([*drafts, *(event(f"e-{n}") for n in range(EVENTS))])
    return path


def run(home: Path, output: Path, format: str, *, at: int = 0, step: str = "", nth: int = 0) -> int:
    program = (sys.executable, "-m", "tests.export.killed", str(home), str(output), format)
    return subprocess.run([*program, str(at), step, str(nth)], check=False, timeout=120).returncode


def finish(home: Path, output: Path, format: str) -> ExportReport:
    with Archive.open(home) as archive:
        request = parse_request([("gateway", "gateway-1")], format=format, reason="an audit")
        return export(archive, request, output, who="auditor")


@pytest.fixture(scope="module")
def whole(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exports that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    for format in FORMATS:
        finish(home, folder / format, format)
    return {format: folder / format for format in FORMATS}


def check_same(format: str, found: Path, wanted: Path) -> None:
    if format != "zip":
        assert found.read_bytes() == wanted.read_bytes()
        return
    ours, theirs = members(found), members(wanted)
    assert list(ours) == list(theirs)
    assert all(ours[name] == theirs[name] for name in ours if name not in {*OWN, "SHA256SUMS"})
    code, said = run_verifier(found)
    assert code == 0, said


@pytest.mark.parametrize(("format", "at"), [*((format, 1050) for format in FORMATS), ("zip", 50)])
def test_killed_within_a_page(
    home: Path, whole: dict[str, Path], tmp_path: Path, format: str, at: int
) -> None:
    output = tmp_path / "out"
    assert run(home, output, format, at=at) == -signal.SIGKILL
    assert not output.exists()
    for path in (tmp_path / "out.part").iterdir():
        if path.name != "state.json":
            with path.open("ab") as file:
                file.write(b"half a line that no checkpoint knows")
    report = finish(home, output, format)
    assert report.resumed
    check_same(format, output, whole[format])
    assert not (tmp_path / "out.part").exists()


@pytest.mark.parametrize("format", ["csv", "zip"])
@pytest.mark.parametrize(("step", "nth"), [("before-put", 1), ("after-sign", 2)])
def test_killed_while_the_end_is_put_on_record(
    home: Path, whole: dict[str, Path], tmp_path: Path, format: str, step: str, nth: int
) -> None:
    output = tmp_path / "out"
    assert run(home, output, format, step=step, nth=nth) == -signal.SIGKILL
    assert not output.exists()
    finish(home, output, format)
    check_same(format, output, whole[format])


def test_killed_twice_and_what_arrives_meanwhile_stays_out(
    home: Path, whole: dict[str, Path], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    home = Path(shutil.copytree(home, tmp_path / "home"))
    assert run(home, output, "ndjson", at=600) == -signal.SIGKILL
    with Archive.open(home) as archive, Node(archive) as node:
        node.wait_ready()
        node.push(event("late"))
    assert run(home, output, "ndjson", at=1100) == -signal.SIGKILL
    finish(home, output, "ndjson")
    check_same("ndjson", output, whole["ndjson"])


def test_killed_between_the_last_steps(home: Path, whole: dict[str, Path], tmp_path: Path) -> None:
    """The file has its name already, its working folder is still there."""
    output = tmp_path / "out"
    assert run(home, output, "csv", step="after-sign", nth=2) == -signal.SIGKILL
    state = tmp_path / "out.part" / "state.json"
    state.write_text(state.read_text().replace('"sealed"', '"recorded"'))
    (tmp_path / "out.part" / "items.csv").rename(output)
    finish(home, output, "csv")
    check_same("csv", output, whole["csv"])
    assert (tmp_path / "out.manifest.json").exists()


def test_other_arguments_are_refused(full: Filled, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    output = tmp_path / "x"
    begun = parse_request([("gateway", "gateway-1")], format="csv", reason="an audit")
    with pytest.raises(KeyboardInterrupt):
        export(full.archive, begun, output, who="auditor", step=stop)
    others = [
        parse_request([("gateway", "gateway-2")], format="csv", reason="an audit"),
        parse_request([("gateway", "gateway-1")], format="zip", reason="an audit"),
        parse_request([("gateway", "gateway-1")], format="csv", reason="curiosity"),
        parse_request([("gateway", "gateway-1"), ("from", "2020-01-01")], format="csv", reason="an audit"),
    ]
    for request in others:
        with pytest.raises(Conflict, match="holds another export"):
            export(full.archive, request, output, who="auditor")
    report = export(full.archive, begun, output, who="another")
    assert report.state.who == "auditor"
    assert [entry["who"] for entry in full.events("export.resumed")] == ["another"]
    assert {entry["export"] for entry in full.events("export.finished")} == {report.state.export}


def test_a_batch_that_is_lost_before_the_resume_is_named(full: Filled, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    request = parse_request([], format="csv", reason="an audit")
    with pytest.raises(KeyboardInterrupt):
        export(full.archive, request, tmp_path / "x", who="auditor", step=stop)
    key = full.items(entry="message")[0]["object"]
    for site in full.home.sites.values():
        site.damage.flip(key, 4000)
    full.archive.close()
    full.home.forget_hot_tail()
    report = Filled(full.home, full.home.archive()).export(tmp_path / "x", "csv")
    assert report.resumed
    assert report.unreadable == [{"object": key, "reason": "damaged"}]


@pytest.mark.parametrize("spoil", ["{}", "nonsense"])
def test_a_checkpoint_that_cannot_be_read_is_refused(full: Filled, tmp_path: Path, spoil: str) -> None:
    (tmp_path / "x.part").mkdir()
    (tmp_path / "x.part" / "state.json").write_text(spoil)
    with pytest.raises(Conflict, match="no checkpoint"):
        full.export(tmp_path / "x", "csv")
