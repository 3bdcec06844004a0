"""A hostile size costs no more memory than a good one, whatever it is that lists, reads, copies or starts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.lab import Lab, named
from tests.support.names import batch_key
from vanvault.archiver.stores import folder_of

ROOT = Path(__file__).parents[2]
#: More than any object of a kind may have, and what a batch could have under other settings.
BEYOND, UNUSUAL = 3 * 2**29, 2**30
#: Sampling, threads and the allocator make two runs differ by so much; the files above are far larger.
_NOISE_KIB = 200 * 2**10


def sparse(lab: Lab, key: str, size: int) -> None:
    """A file without content, newer than every version of the key; it takes no room on the disk."""
    folder = lab.root("standby") / "objects" / folder_of(key)
    folder.mkdir(parents=True, exist_ok=True)
    last = key.rpartition("/")[2]
    with (folder / f"{last}~zzzzzzzzzzzzzzz-20270107T000000Z").open("wb") as file:
        os.truncate(file.fileno(), size)


def most_memory(lab: Lab) -> int:
    """KiB of a process that does everything once."""
    command = [sys.executable, "-m", "tests.recovery.bounded", str(lab.home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


def junk(lab: Lab) -> None:
    sparse(lab, f"junk/{hashlib.sha256(b'').hexdigest()}.x", BEYOND)
    sparse(lab, batch_key("9zzzzzzzz0000000", 0, "events", hashlib.sha256(b"").digest()), BEYOND)


def on_top_of_a_good_version(lab: Lab) -> None:
    sparse(lab, lab.keys(kind="messages")[0], BEYOND)
    sparse(lab, lab.keys(kind="framed")[0], BEYOND)


def of_a_size_that_could_be(lab: Lab) -> None:
    sparse(lab, lab.keys(kind="events")[0], UNUSUAL)


@pytest.mark.parametrize("harm", [junk, on_top_of_a_good_version, of_a_size_that_could_be])
def test_no_verb_takes_more_memory_than_without_the_file(
    lab: Lab, tmp_path: Path, harm: Callable[[Lab], None]
) -> None:
    harmed = Lab.copy(lab.home, tmp_path / "harmed")
    harm(harmed)
    assert most_memory(harmed) < most_memory(lab) + _NOISE_KIB


def test_what_is_too_large_is_named_and_hides_no_good_version(lab: Lab) -> None:
    keys = [lab.keys(kind="messages")[0], lab.keys(kind="framed")[0]]
    on_top_of_a_good_version(lab)
    assert named(lab.verify()) == {("too-large", "standby", key) for key in keys}


def test_wrong_bytes_of_a_size_that_could_be_are_damage(lab: Lab) -> None:
    of_a_size_that_could_be(lab)
    assert named(lab.verify()) == {("damaged", "standby", lab.keys(kind="events")[0])}
