"""Processes that open the hot tail of a home at once use one file of it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from vanvault.archiver.catalogue.hot_tail.file import TailFile
from vanvault.archiver.catalogue.hot_tail.generations import Generations, TailName

FACTS: Mapping[str, str] = {"archive": "archive-1", "key": "index/1"}


def test_of_two_that_find_no_file_one_makes_it_and_both_use_it(tmp_path: Path) -> None:
    first, second = (Generations(tmp_path / "hot.sqlite") for _ in range(2))
    assert (first.newest(), second.newest()) == (None, None)
    assert first.make(-1) == second.make(-1)
    assert first.make(0) == second.make(0) == second.newest()


def test_a_name_that_another_takes_between_a_look_and_its_making_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TailName] = []
    begin = os.open

    def late(path: Path, *options: int) -> int:
        monkeypatch.setattr(os, "open", begin)
        made.append(Generations(tmp_path / "hot.sqlite").make(-1))
        return begin(path, *options)

    monkeypatch.setattr(os, "open", late)
    assert [Generations(tmp_path / "hot.sqlite").make(-1)] == made


def test_a_file_is_made_into_a_database_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite answers at once that a database is locked where two turn it to its log, whatever its timeout."""
    inside, most, guard = 0, 0, threading.Lock()
    alone = Generations.alone

    @contextmanager
    def counted(self: Generations) -> Iterator[None]:
        nonlocal inside, most
        with alone(self):
            with guard:
                inside += 1
                most = max(most, inside)
            try:
                yield
            finally:
                with guard:
                    inside -= 1

    monkeypatch.setattr(Generations, "alone", counted)
    ended: list[TailFile | sqlite3.Error] = []

    def opens(go: threading.Barrier) -> None:
        go.wait()
        try:
            ended.append(TailFile(tmp_path / "hot.sqlite", FACTS))
        except sqlite3.Error as error:
            ended.append(error)

    go = threading.Barrier(8)
    threads = [threading.Thread(target=opens, args=(go,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [file for file in ended if isinstance(file, TailFile)]
    assert len(files) == len(threads) == 8, ended
    assert most == 1
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["hot.sqlite"]
    for file in files:
        file.close()
