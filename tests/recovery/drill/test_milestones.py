"""When a recovery reaches what people wait for: measured by drills, told in their evidence, and forecast."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.drill.support import drilled
from tests.support.command import run_cli
from tests.support.compacted import CompactedLab
from vanvault.archiver.catalogue.index.build import write_index
from vanvault.archiver.catalogue.index.writer import IndexSummary
from vanvault.recovery.documents import LANGUAGES
from vanvault.recovery.drill.document import document
from vanvault.recovery.drill.model import MILESTONES
from vanvault.recovery.drill.report import report_body
from vanvault.recovery.drill.texts import label


@pytest.mark.parametrize("scenario", ["node-lost", "primary-lost"])
def test_they_come_in_their_order_within_the_recovery(compacted: CompactedLab, scenario: str) -> None:
    outcome = drilled(compacted, scenario).outcome
    expected = MILESTONES[:3] if scenario == "node-lost" else MILESTONES
    assert tuple(outcome.reached) == expected
    times = [outcome.reached[name] for name in expected]
    assert times == sorted(times)
    assert 0 < times[0] <= times[-1] <= outcome.rto_s


def test_a_new_node_of_a_drill_begins_with_the_kept_index(
    compacted: CompactedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def spied(path: Path, *given: Any, **more: Any) -> IndexSummary:
        made.append(path)
        return write_index(path, *given, **more)

    with compacted.open() as archive:
        archive.catch_up()
        archive.keep_index()
    monkeypatch.setattr("vanvault.archiver.catalogue.key_index.write_index", spied)
    kept = compacted.root("primary") / "index"
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert drilled(compacted, "node-lost").outcome.failures == ()
    assert made == []
    assert before == {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert drilled(compacted, "primary-lost").outcome.failures == ()
    assert made  # a restored site has none


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_pages_tell_them_in_both_languages(compacted: CompactedLab, language: str) -> None:
    report = report_body(drilled(compacted, "node-lost"), "00112233")
    assert set(report["rto"]["times"]) == {f"{name}_ms" for name in MILESTONES}
    assert report["rto"]["times"]["everything_verified_ms"] is None
    rows = dict(document(report, language).sections[0].rows)  # type: ignore[arg-type]
    for name in MILESTONES:
        assert rows[label(name, language)]  # type: ignore[arg-type]
    del report["rto"]["times"]  # a report of an earlier version
    assert label("first_search", language) not in dict(document(report, language).sections[0].rows)  # type: ignore[arg-type]


def test_the_forecast_tells_them_for_each_restore(compacted: CompactedLab) -> None:
    assert run_cli(compacted.home, "drill", "run", "primary-lost", "--json").exit_code == 0
    found = json.loads(run_cli(compacted.home, "forecast", "--json").stdout)
    for one in found["restores"]:
        times = [one["times"][name] for name in MILESTONES]
        assert times == sorted(times)
        assert 0 < times[0] <= times[-1] <= one["seconds"] + 0.001
    assert "everything verified" in run_cli(compacted.home, "forecast").stdout
