"""``vanvault timeline``, as a shell runs it, over a sample that a node took."""

from __future__ import annotations

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli


def test_a_dossier_number_shows_all_of_its_transaction(sampled: Served) -> None:
    asked = ("search", "--type", "transaction.returned", "--limit", "1", "--json")
    (closing,) = json_of(run_cli(sampled.home, *asked))["items"]
    whole = json_of(run_cli(sampled.home, "timeline", closing["transaction_id"], "--json"))
    by_number = json_of(run_cli(sampled.home, "timeline", closing["dossier_number"], "--json"))
    assert by_number == whole
    assert whole["retention"]["state"] == "succeeded"
    types = [item.get("type", "message") for item in whole["items"]]
    assert types[0] == "transaction.signed"
    assert closing["id"] in [item["id"] for item in whole["items"]]
    table = run_cli(sampled.home, "timeline", closing["id"])
    assert "transaction.returned" in table.stdout
    assert whole["retention"]["last_day"] in table.stderr


def test_what_is_not_there(sampled: Served) -> None:
    assert run_cli(sampled.home, "timeline", "no-such-transaction", "--json").exit_code == 4
