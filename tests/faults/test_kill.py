"""kill -9 at every step of the commit, and at any time under load: what was acknowledged is at both sites,
byte for byte, and a retry never makes a second logical message."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random
from threading import Timer

import pytest

from tests.faults.pushing import SETTINGS, Pushed
from tests.support.server import Server
from vanvault.archiver.appliance import init_home

WRITER_STEPS = ("before-encode", "before-put", "commit-point", "after-sign", "before-release")
PUT_STEPS = (
    "before-write",
    "after-write",
    "before-link",
    "after-link",
    "before-folder-fsync",
    "after-folder-fsync",
)
#: The first commit is the opening of the chain; the fifth is one of many under load.
CASES = [
    ("before-put", 1, ""),
    ("after-link", 1, "primary"),
    ("after-link", 1, "standby"),
    *((step, 5, "") for step in WRITER_STEPS),
    *((step, 5, site) for site in ("primary", "standby") for step in PUT_STEPS),
]


@pytest.mark.parametrize(("step", "nth", "site"), CASES)
def test_killed_at_a_step(tmp_path: Path, step: str, nth: int, site: str) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    program = ("-m", "tests.faults.node", str(home), "{port}", step, str(nth), *([site] if site else []))
    pushed = Pushed()
    with Server(home, settings=SETTINGS, program=program) as server:
        if nth > 1:
            server.wait_ready()
            pushed.push_until_it_dies(server, token, Random(nth))
        assert server.wait_end() == -signal.SIGKILL
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        pushed.check_after_restart(server, token, home)


def test_killed_at_any_time_under_load(tmp_path: Path) -> None:
    """Several rounds on one archive; the seed of a failure is printed, VANVAULT_TEST_SEED repeats it."""
    seed = int(os.environ.get("VANVAULT_TEST_SEED") or time.time_ns() % 2**32)
    print(f"VANVAULT_TEST_SEED={seed}")
    random = Random(seed)
    home = tmp_path / "home"
    token = init_home(home)
    pushed = Pushed()
    for _ in range(4):
        with Server(home, settings=SETTINGS) as server:
            server.wait_ready()
            killer = Timer(random.uniform(0.02, 1.0), server.process.kill)
            killer.start()
            pushed.push_until_it_dies(server, token, random, clients=6)
            killer.join()
            server.wait_end()
    with Server(home, settings=SETTINGS) as server:
        server.wait_ready()
        pushed.check_after_restart(server, token, home)
