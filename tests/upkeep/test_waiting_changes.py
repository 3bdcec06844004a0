"""Changes of health that wait for the archive outlive their process, and become one line each."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.entropy import SeededEntropy

from vanvault.archiver.upkeep.periodic import WaitingChanges


def process(folder: Path, seed: int, *details: str) -> WaitingChanges:
    found = WaitingChanges(folder, SeededEntropy(seed))
    for detail in details:
        found.add({"to": detail})
    found.save()
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def drain(changes: WaitingChanges) -> list[object]:
    found = []
    while (change := changes.first(1)) is not None:
        found.append(change.detail["to"])
        changes.archived(change.nonce)
    return found


def test_there_is_a_file_only_while_something_waits(tmp_path: Path) -> None:
    folder = tmp_path / "health"
    changes = process(folder, 1)
    assert files(folder) == []
    changes.add({"to": "out"})
    changes.save()
    (path,) = files(folder)
    written = path.stat()
    changes.save()
    assert path.stat().st_ino == written.st_ino
    assert drain(changes) == ["out"]
    changes.save()
    assert files(folder) == []


def test_what_a_dead_process_left_comes_first_and_a_living_one_keeps_its_own(tmp_path: Path) -> None:
    process(tmp_path, 1, "suspect", "out").close()
    living = process(tmp_path, 2, "of the living")
    heir = process(tmp_path, 3, "mine")
    heir.take_over()
    assert len(files(tmp_path)) == 2
    living.add({"to": "and more"})
    living.save()
    heir.take_over()
    assert drain(heir) == ["suspect", "out", "mine"]
    assert drain(living) == ["of the living", "and more"]


def test_id_and_time_of_a_line_are_made_once(tmp_path: Path) -> None:
    dead = process(tmp_path, 1, "suspect", "out")
    tried = dead.first(5)
    dead.save()
    dead.close()
    heir = process(tmp_path, 2)
    heir.take_over()
    assert tried is not None
    assert heir.first(9) == tried
    heir.archived(tried.nonce)
    later = heir.first(9)
    assert later is not None
    assert (later.detail, later.occurred_us) == ({"to": "out"}, 9)


def test_a_takeover_that_a_crash_broke_off(tmp_path: Path) -> None:
    """The heir has saved what it took, and the dead one's file is still there."""
    dead = process(tmp_path, 1, "suspect", "out")
    (left,) = files(tmp_path)
    copy = left.read_bytes()
    dead.close()
    heir = process(tmp_path, 2)
    heir.take_over()
    heir.close()
    left.write_bytes(copy)
    (tmp_path / "half.draft").write_bytes(b"[{")
    last = process(tmp_path, 3)
    last.take_over()
    assert len(files(tmp_path)) == 1
    assert drain(last) == ["suspect", "out"]


@pytest.mark.parametrize("data", [b"", b"[{", b"[1]", b'[{"nonce":"a"}]', b"{}"])
def test_a_spoiled_file_stops_nothing(tmp_path: Path, data: bytes) -> None:
    tmp_path.joinpath("dead.json").write_bytes(data)
    heir = process(tmp_path, 1, "mine")
    heir.take_over()
    assert drain(heir) == ["mine"]
    heir.save()
    assert files(tmp_path) == []


def test_the_newest_are_kept(tmp_path: Path) -> None:
    process(tmp_path, 1, *(f"old {number}" for number in range(600))).close()
    heir = process(tmp_path, 2, *(f"new {number}" for number in range(600)))
    heir.take_over()
    found = drain(heir)
    assert len(found) == 1_000
    assert found[0] == "old 200"
    assert found[-1] == "new 599"
    process(tmp_path, 3, "one too many").close()
    full = process(tmp_path, 4, *(f"new {number}" for number in range(1_001)))
    full.take_over()
    assert drain(full) == [f"new {number}" for number in range(1, 1_001)]
