"""The program works under the restrictions of its units: a node, and the verbs that jobs run."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import Server, push
from vanvault.archiver.appliance import init_home

CONFINED = str(Path(__file__).with_name("confined.py"))


@pytest.fixture(autouse=True)
def machine_with_filters() -> None:
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not here")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")


@pytest.mark.parametrize(
    "act",
    [
        "os.chroot('/')",
        "os.sched_setaffinity(0, {0})",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "ctypes.CDLL(None, use_errno=True).mount(b'none', b'/mnt', b'tmpfs', 0, None) and refused()",
    ],
)
def test_what_is_refused(tmp_path: Path, act: str) -> None:
    (tmp_path / "act.py").write_text(
        "import ctypes, mmap, os\n"
        "def refused(): raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))\n" + act
    )
    command = [sys.executable, CONFINED, "act"]
    done = subprocess.run(command, capture_output=True, text=True, env=_path(tmp_path))
    assert "Operation not permitted" in done.stderr


def _path(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{folder}:{Path(__file__).parents[3]}"}


def test_a_node_and_the_verbs_of_jobs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    program = (CONFINED, "vanvault.cli", "--home", str(home), "serve", "--port", "{port}")
    with Server(home, program=program) as server, server.wait_ready().client(token) as client:
        assert push(client, "m-1", b"<a/>").status_code == 201
    for verb in (["verify"], ["compact"], ["search"], ["index", "rebuild"], ["drill", "run", "primary-lost"]):
        command = [sys.executable, CONFINED, "vanvault.cli", "--home", str(home), *verb]
        done = subprocess.run(command, capture_output=True, text=True, env=_path(tmp_path))
        assert done.returncode == 0, f"{verb}: {done.stdout}{done.stderr}"
