"""All pages of the hot tail are looked at once, and again after whatever may have harmed them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.archives import Home

from vanvault.archiver.appliance import Archive
from vanvault.archiver.appliance.places import HOT_TAIL


def looks(archive: Archive) -> bool:
    """Does the first fold of this process look at every page?"""
    said: list[str] = []
    archive.tail.connection().set_trace_callback(said.append)
    archive.catch_up()
    archive.tail.connection().set_trace_callback(None)
    return any("quick_check" in statement for statement in said)


def file_of(home: Home) -> Path:
    (found,) = (home.path / HOT_TAIL).parent.glob("hot-tail*.sqlite")
    return found


def opened(home: Home) -> bool:
    """As ``looks``, by a process that opens the file and closes it."""
    archive = home.archive()
    try:
        return looks(archive)
    finally:
        archive.close()


def test_a_file_that_was_looked_at_and_closed_is_not_looked_at_again(home: Home) -> None:
    assert opened(home)
    assert not opened(home)
    assert not opened(home)


def test_who_opens_a_file_that_another_uses_does_not_look_again(home: Home) -> None:
    first = home.archive()
    second = home.archive()
    assert looks(first)
    assert not looks(second)
    first.close()
    assert not opened(home)
    second.close()
    assert not opened(home)


def test_who_closes_a_file_that_nobody_looked_at_leaves_it_so(home: Home) -> None:
    home.archive().close()
    assert opened(home)


def test_a_change_from_outside_has_all_looked_at(home: Home) -> None:
    assert opened(home)
    path = file_of(home)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert opened(home), "the time of a change cannot be set back"
    path.write_bytes(path.read_bytes())
    assert opened(home)
    assert not opened(home)


def test_a_file_that_is_another_by_now_is_not_the_one_that_was_looked_at(home: Home) -> None:
    archive = home.archive()
    assert looks(archive)
    path = file_of(home)
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    archive.close()
    assert opened(home)


def test_after_the_end_of_a_process_that_was_killed_all_is_looked_at(home: Home) -> None:
    assert opened(home)
    path = file_of(home)
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from vanvault.archiver.catalogue.hot_tail.soundness import FileUse\n"
        "use = FileUse(Path(sys.argv[1]))\nprint(use.is_checked, flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    assert not opened(home), "it is there and uses the file"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert opened(home)


def test_where_nothing_can_be_noted_each_process_looks(home: Home) -> None:
    assert opened(home)
    mark = file_of(home).with_name(f"{file_of(home).name}.in-use")
    mark.unlink()
    mark.mkdir()
    assert opened(home)
    assert opened(home)
