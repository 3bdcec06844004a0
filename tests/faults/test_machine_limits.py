"""Real limits, wherever they can strike: told as limits, never as a missing key or a lost site."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.archives import message
from tests.support.server import Server
from tests.support.waiting import wait_for
from tests.upkeep.compaction.homes import drafts, push
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.appliance.places import hot_tail_of
from vanvault.archiver.core.error_table import ExitCode, described
from vanvault.recovery.verify import verify_archive

#: More files than any of these works needs beyond what the process of the tests has open.
MANY_FILES = 40


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("limits") / "home"
    init_home(home)
    with Archive.open(home) as archive:
        push(archive, drafts(0))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    gc.collect()  # what earlier tests left open is not closed in the midst of a work under a limit
    return Path(shutil.copytree(template, tmp_path / "home"))


def outcome(limit: Callable[[], None], work: Callable[[], None]) -> ExitCode:
    """Of ``work`` in a fork of this process, under ``limit``: what the command line would end with."""
    child = os.fork()
    if not child:
        code = 70
        try:
            limit()
            try:
                work()
                code = 0
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - as the edge does
                code = int(described(error)[0])
        finally:
            os._exit(code)
    return ExitCode(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def first_free() -> int:
    """The first descriptor above all that are open: those between are taken, as earlier tests left gaps."""
    highest = max(map(int, os.listdir("/proc/self/fd")))
    while (descriptor := os.open(os.devnull, os.O_RDONLY)) < highest:
        pass
    return descriptor + 1


def files(more: int) -> Callable[[], None]:
    """Leaves room for so many more open files than there are."""

    def limit() -> None:
        first = first_free()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (first + more, hard))

    return limit


def verifying(home: Path) -> Callable[[], None]:
    def work() -> None:
        with Archive.open(home) as archive:
            archive.catch_up()
            assert verify_archive(archive, pause=lambda: None).whole

    return work


def writing(home: Path) -> Callable[[], None]:
    def work() -> None:
        with Archive.open(home) as archive:
            push(archive, drafts(1))

    return work


def rotating(home: Path) -> Callable[[], None]:
    def work() -> None:
        with Archive.open(home) as archive:
            archive.keys.rotate("log")
            archive.signing.active()

    return work


@pytest.mark.parametrize("of", [verifying, writing, rotating], ids=lambda of: of.__name__)
def test_open_files_at_every_place(home: Path, of: Callable[[Path], Callable[[], None]]) -> None:
    """Each place that opens a file is the one that finds no room, for some number of them."""
    tail = hot_tail_of(home, "index/1").stat().st_ino
    found = Counter(outcome(files(more), of(home)) for more in range(MANY_FILES))
    assert set(found) == {ExitCode.OK, ExitCode.MACHINE}, found
    assert outcome(files(MANY_FILES), of(home)) is ExitCode.OK
    assert hot_tail_of(home, "index/1").stat().st_ino == tail, "the hot tail was thrown away"
    assert outcome(lambda: None, verifying(home)) is ExitCode.OK, "nothing was harmed"


def test_a_command_says_which_limit_and_how_to_raise_it(home: Path) -> None:
    command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "status", "--json"]
    done = subprocess.run(
        ["prlimit", "--nofile=5:4096", *command], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == ExitCode.MACHINE, done.stderr
    assert "too many files are open" in done.stderr
    assert "LimitNOFILE=" in done.stderr
    assert "escrow" not in done.stdout + done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; where none may be mounted, the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets no file system be mounted")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(filler: Path) -> None:
    """Leaves no room on the file's disk."""
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def test_a_home_on_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """Sites are elsewhere: what fails is the home's disk."""
    home = small_disk / "home"
    sites = {name: f"file:{tmp_path / name}" for name in ("primary", "standby")}
    init_home(home, **sites)
    with Archive.open(home) as archive:
        push(archive, drafts(0))
    filler = small_disk / "filler"
    fill(filler)

    def rotating_without_room() -> None:
        with Archive.open(home) as archive:
            fill(filler)  # an opening removes the mark of a clean end, which leaves room for a key
            archive.keys.rotate("log")

    assert outcome(lambda: None, rotating_without_room) is ExitCode.MACHINE
    assert outcome(lambda: None, writing(home)) in {ExitCode.OK, ExitCode.MACHINE}
    filler.unlink()
    assert outcome(lambda: None, rotating(home)) is ExitCode.OK
    assert outcome(lambda: None, verifying(home)) is ExitCode.OK


def address_space(more: int) -> None:
    """Leaves room for so many more bytes: what the kernel then refuses it refuses root as well."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, resource.getrlimit(resource.RLIMIT_AS)[1]))


def test_no_more_threads(home: Path) -> None:
    def limit() -> None:
        threading.stack_size(256 * 2**20)
        address_space(8 * 2**20)

    assert outcome(limit, writing(home)) is ExitCode.MACHINE
    assert outcome(lambda: None, verifying(home)) is ExitCode.OK, "nothing was harmed"


def push_much(home: Path) -> None:
    """Ends its process, as a command would, after a push for which there is no memory."""
    body = random.Random(1).randbytes(64 * 2**20)

    def work() -> None:
        with Archive.open(home) as archive:
            push(archive, [message("m-big", body)])

    sys.exit(outcome(lambda: address_space(16 * 2**20), work))


def test_no_more_memory(home: Path) -> None:
    """In a new process: a fork of this one has what earlier tests freed and their threads reserved."""
    process = multiprocessing.get_context("spawn").Process(target=push_much, args=(home,))
    process.start()
    process.join()
    assert process.exitcode == ExitCode.MACHINE
    assert outcome(lambda: None, verifying(home)) is ExitCode.OK, "nothing was harmed"


def test_a_node_without_files_says_so_and_goes_on_when_it_has_some(home: Path) -> None:
    token = home.parent / "token"
    token.write_text(init_home(home.parent / "served"))
    with Server(home.parent / "served") as server, server.wait_ready().client(token.read_text()) as client:
        assert push_one(client, "m-1").status_code == 201
        process = server.process.pid
        soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
        used = max(map(int, os.listdir(f"/proc/{process}/fd"))) + 1
        resource.prlimit(process, resource.RLIMIT_NOFILE, (used // 2, hard))
        refused = push_one(client, "m-2")
        assert refused.status_code == 503
        problem = refused.json()
        assert problem["type"] == "urn:vanvault:problem:machine-limit"
        assert problem["resource"] == "files"
        assert "Retry-After" in refused.headers
        assert "escrow" not in refused.text
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))
        wait_for(lambda: push_one(client, "m-2").status_code in (200, 201))
        ready = client.get("/v1/health/ready").json()
        assert {site["state"] for site in ready["sites"]} == {"healthy"}


def push_one(client: httpx.Client, message_id: str) -> httpx.Response:
    return client.post(
        "/v1/messages",
        content=f"<a id='{message_id}'/>".encode(),
        headers={"Vanvault-Message-Id": message_id, "Content-Type": "application/xml"},
    )
