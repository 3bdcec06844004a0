"""A process that opens keys leaves no memory on disk when it is killed by a fault."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import Server
from vanvault.archiver.appliance import init_home

_COMMAND_LINE = """
import os
from vanvault.cli import main
main.main = os.abort
main.run()
"""
_WORKER = """
import os
from vanvault.archiver.upkeep import spawn_workers
if __name__ == "__main__":
    spawn_workers(1).submit(os.abort).exception()
    raise SystemExit(1)
"""
_FORKED = _WORKER.replace("spawn_workers", "fork_workers")


def dumps(program: str, folder: Path) -> bool:
    """Was memory written, with no limit on it, by this program or by what it starts?"""
    folder.mkdir(exist_ok=True)
    script = folder / "program.py"
    script.write_text(program)

    def allow() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    process = subprocess.Popen([sys.executable, str(script)], cwd=folder, preexec_fn=allow)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert status, "nothing was killed"
    return os.WCOREDUMP(status) or list(folder.glob("core*")) != []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not dumps("import os; os.abort()", tmp_path / "control"):
        pytest.skip("this machine writes no core dumps at all")
    return tmp_path / "ours"


@pytest.mark.parametrize(
    "program", [_COMMAND_LINE, _WORKER, _FORKED], ids=["command line", "worker", "forked"]
)
def test_nothing_is_dumped(folder: Path, program: str) -> None:
    assert not dumps(program, folder)


def test_a_node_and_what_it_starts_may_write_none(tmp_path: Path) -> None:
    init_home(tmp_path / "home")
    with Server(tmp_path / "home") as server:
        server.wait_ready()
        limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
        (core,) = (line.split() for line in limits if line.startswith("Max core file size"))
        assert core[4:6] == ["0", "0"]
