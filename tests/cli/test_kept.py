"""Beside a receipt and an entry: until when it is kept at least, by which rule, and what locks it now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive


@pytest.fixture
def closing(sampled: Served) -> dict[str, Any]:
    """The line that closed a transaction."""
    asked = ("search", "--type", "transaction.returned", "--limit", "1", "--json")
    found: dict[str, Any] = json_of(run_cli(sampled.home, *asked))["items"][0]
    return found


def test_a_receipt_is_shown_with_what_is_owed_and_verifies_all_the_same(
    sampled: Served, closing: dict[str, Any], tmp_path: Path
) -> None:
    owed = json_of(run_cli(sampled.home, "retention", "show", closing["id"], "--json"))
    shown = run_cli(sampled.home, "receipt", "show", closing["id"])
    assert shown.exit_code == 0
    assert f"It is kept until the end of {owed['last_day']} in Vietnam at least: 10 years, by" in shown.stderr
    assert owed["clause"] in shown.stderr
    assert "that was the first, short lock of its batch" in shown.stderr
    in_words = run_cli(sampled.home, "receipt", "show", closing["id"], "--lang", "vi").stderr
    assert f"Được lưu ít nhất đến hết ngày {owed['last_day']}" in in_words
    plain = run_cli(sampled.home, "receipt", "show", closing["id"], "--json")
    (tmp_path / "receipt.json").write_text(plain.stdout)
    assert run_cli(sampled.home, "receipt", "verify", tmp_path / "receipt.json").exit_code == 0
    both = json_of(run_cli(sampled.home, "receipt", "show", closing["id"], "--json", "--kept"))
    assert both["receipt"] == json_of(plain)
    kept = both["kept"]
    assert kept["kept_until_at_least"] == kept["last_day"] == kept["at_least"] == owed["last_day"]
    assert kept["receipt_says"] == min(one["retain_until"] for one in both["receipt"]["placements"])
    assert {one["site"] for one in kept["locks"]} == {"primary", "standby"}


def test_the_lock_that_stands_now_is_read_from_the_sites(sampled: Served, closing: dict[str, Any]) -> None:
    before = json_of(run_cli(sampled.home, "get", closing["id"], "--json"))["kept"]
    with Archive.open(sampled.home) as archive:
        for name, site in archive.sites.items():
            found = site.stat(closing["object"])
            assert found.retain_until is not None
            site.extend(closing["object"], found.version, found.retain_until.replace(year=2036))
            assert name in ("primary", "standby")
    after = json_of(run_cli(sampled.home, "get", closing["id"], "--json"))["kept"]
    assert before["lock"] < after["lock"]
    assert after["lock"].startswith("2036-")


def test_of_what_is_open_a_day_is_told_too(sampled: Served) -> None:
    items = json_of(run_cli(sampled.home, "search", "--kind", "dossier", "--due", "--json"))["items"]
    open_ones = [item for item in items if item["retention"]["state"] == "open"]
    assert open_ones
    kept = json_of(run_cli(sampled.home, "get", open_ones[0]["id"], "--json"))["kept"]
    assert (kept["due"], kept["last_day"]) == (None, None)
    assert kept["kept_until_at_least"] == kept["at_least_originals"] > "2036"
    assert "longer while its transaction is open" in kept["words"]["en"][0]


def test_a_timeline_says_the_rule_beside_the_day(sampled: Served, closing: dict[str, Any]) -> None:
    told = run_cli(sampled.home, "timeline", closing["dossier_number"]).stderr
    assert "at least, 10 years by" in told
