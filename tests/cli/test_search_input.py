"""``vanvault search``, ``histogram`` and ``export`` with what no archive can answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli

BAD = [
    ("--name", "Nguyễn"),
    ("--state", ""),
    ("--state", "x" * 10_000),
    ("--state", "half \udcff"),
    ("--state", "a\nb"),
    ("--sha256", "zz"),
    ("--entry", "letter"),
    ("--entry", "message", "--event-id", "e-1"),
    ("--entry", "message", "--type", "dossier.received"),
    ("--entry", "event", "--kind", "dossier"),
    ("--dossier-prefix", "00"),
    ("--dossier-prefix", "001", "--dossier-number", "00123"),
    ("--from", "2026-12-01", "--to", "2026-11-01"),
]
BAD_PAGES = [
    ("--limit", "0"),
    ("--limit", "1001"),
    ("--order", "random"),
    ("--cursor", "AAAA"),
    ("--cursor", "\udcff"),
]
BAD_COUNTS = [
    ("--by", "employer_code"),
    ("--entry", "letter"),
    ("--from", "today"),
    ("--from", "2026-11-23", "--to", "2026-11-22"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "home"
    json_of(run_cli(path, "init", "--json"))
    return path


@pytest.mark.parametrize("options", [*BAD, *BAD_PAGES])
def test_a_bad_search(home: Path, options: tuple[str, ...]) -> None:
    result = run_cli(home, "search", *options)
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    assert "error: " in result.stderr


@pytest.mark.parametrize("options", BAD)
def test_a_bad_export(home: Path, options: tuple[str, ...]) -> None:
    output = home.parent / "out.csv"
    result = run_cli(home, "export", "--output", output, "--format", "csv", "--reason", "test", *options)
    assert result.exit_code == 2, result.stderr
    assert not output.exists()


@pytest.mark.parametrize("options", BAD_COUNTS)
def test_a_bad_count(home: Path, options: tuple[str, ...]) -> None:
    assert run_cli(home, "histogram", *options).exit_code == 2


def test_counts_as_a_table_and_as_json(home: Path) -> None:
    assert run_cli(home, "gateway", "add", "other", "--json").exit_code == 0
    counted = json_of(run_cli(home, "histogram", "--by", "entry", "--json"))
    assert counted["unread"] == []
    assert counted["entries"] == sum(bar["entries"] for bar in counted["bars"])
    table = run_cli(home, "histogram", "--by", "state")
    assert table.exit_code == 0
    assert f"{counted['entries'] + 1:,} entries" in table.stderr, "the first count is on record by now"
