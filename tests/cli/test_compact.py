"""``vanvault compact``: what it does, says and ends with."""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import json_of, lines_of, run_cli
from tests.upkeep.compaction.homes import drafts, push
from vanvault.archiver.appliance import Archive


@pytest.fixture
def filled(home: Path) -> Path:
    """A home with a few batches; they came just now, so that only ``--until`` takes them."""
    with Archive.open(home) as archive:
        push(archive, drafts(0))
    return home


def now() -> str:
    return datetime.now(UTC).isoformat()


def damage(home: Path) -> str:
    """A bit flipped in one batch at both sites; what its name begins with."""
    paths = [
        next((home / "sites" / site / "objects").rglob("*.messages.*")) for site in ("primary", "standby")
    ]
    for path in paths:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o640)
        path.write_bytes(data)
    return paths[0].name.split("~")[0]


def test_it_compacts_and_says_what(filled: Path) -> None:
    until = now()
    dry = json_of(run_cli(filled, "compact", "--until", until, "--dry-run", "--json"))
    assert sum(day["rows"] for day in dry["days"]) >= 6
    done = json_of(run_cli(filled, "compact", "--until", until, "--json"))
    assert set(done) == {"segments", "rows", "bytes", "damaged", "keeper", "index_kept"}
    assert [(one["site"], one["failure"]) for one in done["index_kept"]] == [("primary", ""), ("standby", "")]
    assert (done["segments"], done["damaged"]) == (1, [])
    assert done["rows"] >= 7
    assert done["bytes"] > 0
    assert set(done["keeper"]) == {"uncompacted", "extended", "alarms", "failures"}
    assert done["keeper"]["alarms"] == done["keeper"]["failures"] == []
    again = json_of(run_cli(filled, "compact", "--until", until, "--json"))
    assert (again["segments"], again["rows"], again["bytes"]) == (0, 0, 0)


def test_people_are_told(filled: Path) -> None:
    until = now()
    assert "batches" in run_cli(filled, "compact", "--until", until, "--dry-run").stdout
    result = run_cli(filled, "compact", "--until", until)
    assert result.exit_code == 0, result.stderr
    assert "segments: 1" in result.stdout
    assert "nothing to compact" in run_cli(filled, "compact", "--dry-run").stdout


def test_keep_only_compacts_nothing(filled: Path) -> None:
    done = json_of(run_cli(filled, "compact", "--keep-only", "--json"))
    assert done["segments"] == 0
    assert done["keeper"]["uncompacted"] > 0
    assert run_cli(filled, "compact", "--keep-only", "--until", now()).exit_code == 2


@pytest.mark.parametrize("until", ["tomorrow", "2026-11-22T08:00:00", "9999-12-31T00:00:00Z"])
def test_a_time_that_cannot_be(filled: Path, until: str) -> None:
    assert run_cli(filled, "compact", "--until", until).exit_code == 2


def test_a_time_in_the_future(filled: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert run_cli(filled, "compact", "--until", later).exit_code == 2


def test_a_batch_damaged_at_both_sites_is_named(filled: Path) -> None:
    name = damage(filled)
    result = run_cli(filled, "compact", "--until", now(), "--json")
    assert result.exit_code == 3
    damaged = lines_of(result)[-1]["damaged"]
    assert len(damaged) == 1
    assert name.startswith(damaged[0].rsplit("/", 1)[1])


def test_another_compaction_of_the_home(filled: Path) -> None:
    with (filled / "cache" / "compaction.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_cli(filled, "compact", "--json").exit_code == 8
        assert run_cli(filled, "compact", "--keep-only").exit_code == 0


def test_a_site_that_is_away(filled: Path) -> None:
    (filled / "sites" / "standby").rename(filled / "gone")
    assert run_cli(filled, "compact", "--json").exit_code == 10
    result = run_cli(filled, "compact", "--keep-only", "--json")
    assert result.exit_code == 10
    assert lines_of(result)[-1]["keeper"]["failures"]


def test_a_missing_key(filled: Path) -> None:
    (filled / "keys" / "originals-1.key").unlink()
    assert run_cli(filled, "compact", "--until", now(), "--json").exit_code == 7
