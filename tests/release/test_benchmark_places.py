"""Benchmarks write to a file system with a journal where one can be had, and leave nothing of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
#: Says where it writes, writes a file there, and waits until its input ends.
_SCRIPT = """
import argparse, json, sys
from places import add_options, place_for
parser = argparse.ArgumentParser()
add_options(parser)
with place_for("test", parser.parse_args()) as place:
    (place.folder / "file").write_text("x")
    print(json.dumps({**place.facts(), "folder": str(place.folder)}), flush=True)
    sys.stdin.read()
"""


def _started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, object]]:
    script = folder / "benchmark.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), "--folder", str(folder / "build"), *options],
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def _loops(folder: Path) -> list[str]:
    """Images below the folder that a loop device still holds."""
    files = Path("/sys/block").glob("loop*/loop/backing_file")
    return [text for text in (file.read_text(encoding="utf-8") for file in files) if str(folder) in text]


def test_what_a_benchmark_wrote_is_gone_and_its_line_says_which_file_system_it_was(tmp_path: Path) -> None:
    process, facts = _started(tmp_path, "--as-it-is")

    assert facts["file_system"] and facts["loop_mount"] is False and "file_system_note" not in facts
    assert Path(str(facts["folder"]), "file").exists()
    process.communicate("")
    assert process.returncode == 0
    assert list((tmp_path / "build").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mkfs.ext4") is None, reason="needs root and mkfs.ext4")
@pytest.mark.parametrize("end", [signal.SIGKILL, None], ids=["killed", "ended"])
def test_a_benchmark_has_a_journal_and_its_mount_goes_with_it(
    tmp_path: Path, end: signal.Signals | None
) -> None:
    process, facts = _started(tmp_path)

    if "file_system_note" not in facts:  # else it said why: no loop device in this container
        assert facts["journal"] is True
        if end:
            process.send_signal(end)
    process.communicate("")
    assert "loop" not in Path("/proc/mounts").read_text(encoding="utf-8") or not _loops(tmp_path)
    assert not list(tmp_path.rglob("image")) and not list(tmp_path.rglob("file"))
