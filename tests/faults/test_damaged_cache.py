"""A cache is a cache: whatever is wrong below ``cache/``, every verb does its work, and a node heals."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.archives import Home, Node, message
from tests.support.command import run_cli
from tests.support.compacted import CompactedLab
from tests.support.lab import Lab
from tests.support.server import Server, push, push_until_accepted
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Busy, CacheLost, SiteUnavailable
from vanvault.archiver.journal.availability import AliveFiles
from vanvault.archiver.people.last_use import LastUse
from vanvault.archiver.upkeep import compact
from vanvault.recovery.schedule.lease import home_lock

_PAGE = 8192


def tail_of(home: Path) -> Path:
    """The newest file of the hot tail."""
    found = [path for path in (home / "cache").glob("hot-tail*.sqlite") if path.is_file()]
    return max(found, key=lambda path: (len(path.name), path.name))


def every_second_page(home: Path) -> None:
    path = tail_of(home)
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // _PAGE, 2):
            file.seek(page * _PAGE)
            file.write(random.Random(page).randbytes(_PAGE))


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One archive for all verbs: each leaves it whole."""
    lab = Lab.copy(template, tmp_path_factory.mktemp("cache") / "home")
    with lab.open() as archive:
        archive.catch_up()
    yield lab


VERBS = (
    ("verify",),
    ("verify", "--workers", "1"),
    ("repair",),
    ("restore", "--from", "primary"),
    ("reconcile",),
    ("get", "{id}"),
    ("get", "{id}", "--receipt"),
    ("search", "--message-id", "message-10"),
    ("histogram",),
    ("index", "status"),
    ("index", "rebuild"),
    ("status",),
    ("coverage",),
    ("compact",),
    ("export", "--output", "{new}", "--reason", "asked for", "--format", "ndjson"),
    ("forecast",),
    ("failover", "status"),
    ("failover", "promote", "--dry-run"),
    ("drill", "run", "node-lost", "--dry-run"),
    ("drill", "run", "node-lost"),
    ("drill", "list"),
    ("availability", "report"),
    ("schedule", "list"),
    ("gateway", "list"),
    ("keys", "list"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_does_its_work_over_a_hot_tail_of_which_every_second_page_is_overwritten(
    shared: Lab, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    with shared.open() as archive:
        archive.catch_up()
        item = archive.search.page(Query.parse([("message_id", "message-10")], b"")).items[0]
    arguments = [part.format(id=item["id"], new=tmp_path / "export.jsonl") for part in verb]
    good = run_cli(shared.home, *arguments)
    for path in tmp_path.iterdir():
        path.unlink()
    every_second_page(shared.home)
    result = run_cli(shared.home, *arguments)
    assert "internal error" not in result.stderr
    assert (result.exit_code, good.exit_code) in ((good.exit_code, 0), (3, 3)), result.stderr + result.stdout
    if verb[0] in ("get", "search"):
        assert result.stdout_bytes == good.stdout_bytes


def a_folder(home: Path) -> None:
    path = tail_of(home)
    path.unlink()
    path.mkdir()


def a_pipe(home: Path) -> None:
    path = tail_of(home)
    path.unlink()
    os.mkfifo(path)


def a_pipe_as_its_log(home: Path) -> None:
    os.mkfifo(f"{tail_of(home)}-wal")


def a_folder_as_its_memory(home: Path) -> None:
    Path(f"{tail_of(home)}-shm").mkdir()


def rubbish_as_its_log(home: Path) -> None:
    Path(f"{tail_of(home)}-wal").write_bytes(b"rubbish" * 5000)


def a_file_as_the_folder(home: Path) -> None:
    shutil.rmtree(home / "cache")
    (home / "cache").write_text("no folder")


def nothing(home: Path) -> None:
    shutil.rmtree(home / "cache")


def empty(home: Path) -> None:
    tail_of(home).write_bytes(b"")


def cut(home: Path) -> None:
    path = tail_of(home)
    os.truncate(path, path.stat().st_size // 2 + 100)


def zeros(home: Path) -> None:
    path = tail_of(home)
    path.write_bytes(bytes(path.stat().st_size))


def of_another_version(home: Path) -> None:
    with closing(sqlite3.connect(tail_of(home))) as connection:
        connection.execute("UPDATE fact SET value = '2' WHERE name = 'schema'")
        connection.commit()


def without_a_table(home: Path) -> None:
    with closing(sqlite3.connect(tail_of(home))) as connection:
        connection.execute("DROP TABLE unclaimed")
        connection.commit()


def rotten_rows(home: Path) -> None:
    with closing(sqlite3.connect(tail_of(home))) as connection:
        connection.execute("UPDATE chunk SET sealed = zeroblob(length(sealed))")
        connection.execute("UPDATE batch SET placements = substr(placements, 5)")
        connection.commit()


def every_other_cache(home: Path) -> None:
    """Pipes and folders where the node keeps what it noted."""
    for name in ("gateway-use.json", "schedule/node", "schedule/daily.lock"):
        path = home / "cache" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        with suppress(FileNotFoundError):
            path.unlink()
        os.mkfifo(path)


HARMS: tuple[Callable[[Path], None], ...] = (
    a_folder,
    a_pipe,
    a_pipe_as_its_log,
    a_folder_as_its_memory,
    rubbish_as_its_log,
    a_file_as_the_folder,
    nothing,
    empty,
    cut,
    zeros,
    of_another_version,
    without_a_table,
    rotten_rows,
    every_other_cache,
)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_whatever_is_in_the_place_of_the_cache_it_is_made_anew_or_done_without(
    lab: Lab, harm: Callable[[Path], None]
) -> None:
    with lab.open() as archive:
        archive.catch_up()
    words = ("search", "--gateway", "gateway-1", "--json")  # the archive's own lines tell of the first look
    good = run_cli(lab.home, *words).stdout
    harm(lab.home)
    found = run_cli(lab.home, *words)
    assert (found.exit_code, found.stdout) == (0, good), found.stderr
    for verb in (("verify",), ("gateway", "list"), ("status",)):
        result = run_cli(lab.home, *verb)
        assert result.exit_code in ((0, 3) if verb == ("status",) else (0,)), result.stderr + result.stdout


def test_a_folder_that_cannot_be_written_is_done_without_and_a_warning_says_so(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    a_file_as_the_folder(lab.home)
    with lab.open() as archive:
        archive.catch_up()
        assert archive.tail.counts()["entries"] > 0
    assert "does without it" in caplog.text
    assert (lab.home / "cache").read_text() == "no folder"


@pytest.mark.parametrize("size", [0, 100, 32 * 1024 - 1])
def test_a_start_after_a_kill_makes_a_cut_index_of_the_log_anew(lab: Lab, size: int) -> None:
    """SIGBUS ends a process whose mapped index was made shorter; a supervisor starts it again."""
    with lab.open() as archive:
        archive.catch_up()
        known = sorted(item["id"] for item in archive.search.every(Query.parse([], b"")))
        (shared,) = (lab.home / "cache").glob("hot-tail*-shm")
        shutil.copytree(lab.home / "cache", lab.home / "killed")  # as a kill leaves it: with log and index
    shutil.rmtree(lab.home / "cache")
    (lab.home / "killed").rename(lab.home / "cache")
    os.truncate(shared, size)
    with lab.open() as archive:
        assert sorted(item["id"] for item in archive.search.every(Query.parse([], b""))) == known
        assert archive.tail.counts()["entries"] > 0
        archive.catch_up()
    unit = (Path(__file__).parents[2] / "ansible/roles/vanvault/templates/vanvault.service.j2").read_text()
    assert "Restart=on-failure" in unit, "an end by a signal counts as a failure"


@pytest.fixture
def full(lab: Lab) -> Iterator[Path]:
    """The cache of the lab, on a disk of its own without any room."""
    cache = lab.home / "cache"
    shutil.rmtree(cache)
    cache.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(cache)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root mounts a disk")
    try:
        with suppress(OSError), (cache / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield cache
    finally:
        subprocess.run(["umount", "-l", str(cache)], check=True)


@pytest.mark.usefixtures("full")
def test_where_the_disk_of_the_cache_is_full_verbs_do_without_it(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    for verb in (("search", "--json"), ("verify",), ("status",)):
        result = run_cli(lab.home, *verb)
        assert result.exit_code in ((0, 3) if verb == ("status",) else (0,)), result.stderr
    assert "does without it" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_hot_tail_that_finds_no_room_lies_in_a_folder_of_the_process(
    lab: Lab, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(lab.home / "cache")
    really = os.open

    def refuse(path: str | Path, flags: int, *more: Any, **named: Any) -> int:
        if Path(path).parent == lab.home / "cache" and flags & os.O_CREAT:
            raise OSError(number, os.strerror(number), str(path))
        return really(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    with lab.open() as archive:
        archive.catch_up()
        assert archive.tail.counts()["entries"] > 0
    assert "does without it" in caplog.text


def folder_at(path: Path) -> None:
    path.mkdir()


def pipe_at(path: Path) -> None:
    os.mkfifo(path)


def loop_at(path: Path) -> None:
    path.symlink_to(path.name)


def unreadable_at(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path.touch(mode=0)


KINDS = (folder_at, pipe_at, loop_at, unreadable_at)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_job_at_a_time_also_where_its_lock_in_the_cache_is_no_plain_file(
    lab: Lab, kind: Callable[[Path], None]
) -> None:
    cache = lab.home / "cache"
    (cache / "schedule").mkdir(exist_ok=True)
    for name in ("compaction.lock", "schedule/daily.lock"):
        (cache / name).unlink(missing_ok=True)
        kind(cache / name)
    with lab.open() as archive:

        def held(_: object) -> None:
            with pytest.raises(Busy, match="compacts now"):
                compact(archive)

        run = compact(archive, done=held)
        assert run.report.segments
    with home_lock(lab.home, "daily"), pytest.raises(Busy), home_lock(lab.home, "daily"):
        pass


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_heartbeat_waits_for_what_lies_in_its_place(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    files, writer = AliveFiles(tmp_path), "1m8nrrszkxan5fk5"
    kind(tmp_path / writer)
    with suppress(OSError):  # its caller warns, and goes on
        files.beat(writer, 1)
    files.dead("other", 1)
    files.forget(writer)


@pytest.mark.parametrize("at", ["gateway-use.json", ".gateway-use.json.lock"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_last_uses_are_done_without_or_written(home: Home, kind: Callable[[Path], None], at: str) -> None:
    (home.path / "cache").mkdir(exist_ok=True)
    kind(home.path / "cache" / at)
    uses = LastUse(home.path / "cache" / "gateway-use.json")
    uses.note("token")
    with suppress(OSError):  # its caller warns, and goes on
        uses.write(home.clock.now(), ["token"])
    uses.read()


def test_an_index_is_built_where_its_folder_of_work_is_a_file(compacted: CompactedLab) -> None:
    with compacted.open() as archive:
        archive.catch_up()
        known = sorted(item["id"] for item in archive.search.every(Query.parse([], b"")))
    for name in ("cache", "index", "index-work"):
        shutil.rmtree(compacted.home / name)
    (compacted.home / "index-work").write_text("no folder")
    with compacted.open() as archive:
        assert archive.catch_up().indexed
        assert sorted(item["id"] for item in archive.search.every(Query.parse([], b""))) == known


class Healing:
    """A node whose other task, the look at other nodes, a test calls."""

    def __init__(self, home: Home) -> None:
        self.archive = home.archive()
        self.node = Node(self.archive)
        self.node.wait_ready()

    def look(self) -> None:
        writer = self.node.intake.committer.writer
        assert writer is not None
        self.archive.follow(own=writer.id)


def test_a_running_node_never_decides_from_a_damaged_file(home: Home) -> None:
    running = Healing(home)
    with running.node as node:
        first = node.push(message("first", b"<first/>"))
        assert node.intake.tail_updater.flush(60.0, patient=True)
        with closing(sqlite3.connect(tail_of(home.path))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        zeros(home.path)
        with pytest.raises((Busy, SiteUnavailable)) as refused:
            for number in range(3):  # a page may be in memory still: it is the right one
                assert node.push(message("first", b"<first/>")) == first
                running.archive.tail.ensure_sound()
                node.push(message(f"new-{number}", b"<new/>"))
        assert not getattr(refused.value, "may_be_stored", False)
        with pytest.raises(SiteUnavailable, match="filled again"):
            node.push(message("first", b"<first/>"))
        assert "filled again" in running.archive.behind
        running.look()
        assert not running.archive.behind
        assert node.push(message("first", b"<first/>")) == first
        assert running.archive.search.entry(first["id"])["message_id"] == "first"


def test_a_node_goes_on_when_another_process_made_the_file_anew_or_somebody_removed_it(home: Home) -> None:
    running = Healing(home)
    with running.node as node:
        first = node.push(message("first", b"<first/>"))
        assert node.intake.tail_updater.flush(60.0, patient=True)
        verb = home.archive()
        verb.tail.lost(ValueError("found by a verb"))
        verb.catch_up()
        second = node.push(message("second", b"<second/>"))
        assert node.intake.tail_updater.flush(60.0, patient=True)
        running.look()
        for receipt in (first, second):
            assert running.archive.search.entry(receipt["id"])
            assert verb.search.entry(receipt["id"])
        shutil.rmtree(home.path / "cache")
        running.look()
        assert not running.archive.behind
        assert node.push(message("second", b"<second/>")) == second
        assert tail_of(home.path).is_file()


def test_a_fold_that_began_before_the_file_was_lost_does_not_count_as_its_filling(home: Home) -> None:
    archive = home.archive()
    archive.catch_up()
    mark = archive.tail.refolding_mark()
    with pytest.raises(CacheLost):
        raise archive.tail.lost(ValueError("a row"))
    archive.tail.refolded(mark)
    assert archive.tail.is_refolding
    archive.catch_up()
    assert not archive.tail.is_refolding


@pytest.mark.parametrize("times", [0, 1])
def test_a_node_that_starts_after_the_cache_was_removed_is_not_held_up_by_one_that_runs(
    home: Home, times: int
) -> None:
    running = home.archive()
    for _ in range(times):  # its file has a later number than the first of an empty folder
        running.tail.lost(ValueError("a row"))
    running.catch_up()
    shutil.rmtree(home.path / "cache")
    started = home.archive()
    started.catch_up()
    file = tail_of(home.path)
    trust = started.tail.connection().execute("SELECT value FROM fact WHERE name = 'trust'").fetchone()[0]
    assert not running.tail.follow_trust(json.loads(trust), lambda key: True)  # finds that its file is gone
    assert running.tail.is_refolding
    with pytest.raises(SiteUnavailable, match="filled again"):
        running.tail.claim("message", "gateway", "new")
    assert tail_of(home.path) == file
    assert not started.tail.is_refolding
    assert started.tail.claim("message", "gateway", "new") is None
    running.catch_up()
    assert not running.tail.is_refolding
    assert running.tail.claim("message", "gateway", "new") is None


def test_a_number_that_was_read_from_a_lost_file_leads_to_nothing(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("first", b"<first/>"))
    numbers = [batch.n for batch in archive.tail.uncompacted()[0]]
    assert archive.tail.entries(numbers[0])
    archive.tail.lost(ValueError("a row"))
    archive.catch_up()
    assert not set(numbers) & {batch.n for batch in archive.tail.uncompacted()[0]}


def test_a_server_goes_on_while_its_hot_tail_is_overwritten(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        receipts = {f"m-{n}": push(client, f"m-{n}", b"<m>%d</m>" % n).json() for n in range(20)}
        wait_for(lambda: len(client.get("/v1/search").json()["items"]) == 20, "all are searchable")
        with closing(sqlite3.connect(tail_of(home))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        zeros(home)
        for n in range(20, 30):
            answer = push_until_accepted(client, f"m-{n}", b"<m>%d</m>" % n)
            assert answer.status_code in (200, 201), answer.text
            receipts[f"m-{n}"] = answer.json()
        for client_id, receipt in receipts.items():
            number = int(client_id[2:])
            again = push_until_accepted(client, client_id, b"<m>%d</m>" % number)
            assert again.json() == receipt, "archived twice"
        for receipt in receipts.values():
            seen = client.get(f"/v1/messages/{receipt['id']}").status_code
            assert seen in (200, 503)  # 503 while it is filled; never 404, never 500
        wait_for(lambda: not client.get("/v1/search").json()["unread"], "the hot tail is whole")
        assert len(client.get("/v1/search?limit=100").json()["items"]) == 30
        assert server.stop() == 0


@pytest.mark.parametrize("harm", [a_file_as_the_folder, every_other_cache], ids=lambda harm: harm.__name__)
def test_a_server_starts_and_serves_without_its_cache(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    (home / "cache").mkdir(exist_ok=True)
    harm(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        receipt = push(client, "m", b"<m/>").json()
        assert push(client, "m", b"<m/>").json() == receipt
        wait_for(
            lambda: [item["id"] for item in client.get("/v1/search").json()["items"]] == [receipt["id"]],
            "it is searchable",
        )
        assert client.get(f"/v1/messages/{receipt['id']}/original").content == b"<m/>"
        assert server.stop() == 0


@given(pages=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2**32)), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_pages_are_overwritten_a_fold_gives_the_same_answers(
    template: Path, tmp_path_factory: pytest.TempPathFactory, pages: list[tuple[int, int]]
) -> None:
    lab = Lab.copy(template, tmp_path_factory.mktemp("pages") / "home")
    with lab.open() as archive:
        archive.catch_up()
        known = sorted(item["id"] for item in archive.search.every(Query.parse([], b"")))
    path = tail_of(lab.home)
    count = path.stat().st_size // _PAGE
    with path.open("r+b") as file:
        for page, seed in pages:
            file.seek(page % count * _PAGE)
            file.write(random.Random(seed).randbytes(_PAGE))
    with lab.open() as archive:
        archive.catch_up()
        assert sorted(item["id"] for item in archive.search.every(Query.parse([], b""))) == known
        assert archive.tail.claim("message", "gateway-1", "message-10") is not None
