"""``vanvault retention show``, as a shell runs it, over a sample that a node took."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.conftest import Served
from tests.support.command import json_of, run_cli


def returned(sampled: Served) -> dict[str, Any]:
    found = json_of(
        run_cli(sampled.home, "search", "--type", "transaction.returned", "--limit", "1", "--json")
    )
    item: dict[str, Any] = found["items"][0]
    return item


def test_a_transaction_and_each_of_its_entries_are_told_the_same(sampled: Served) -> None:
    closing = returned(sampled)
    of_transaction = json_of(run_cli(sampled.home, "retention", "show", closing["transaction_id"], "--json"))
    of_entry = json_of(run_cli(sampled.home, "retention", "show", closing["id"], "--json"))
    assert of_transaction["started_by"]["id"] == closing["id"]
    assert of_transaction["state"] == "succeeded"
    assert of_transaction["lock"]
    assert of_transaction["holds"] == []
    assert of_transaction["partial"] is False
    assert {**of_entry, "entry": None} == of_transaction


def test_people_are_told_in_their_language(sampled: Served) -> None:
    id = returned(sampled)["transaction_id"]
    assert "The transaction has succeeded." in run_cli(sampled.home, "retention", "show", id).stdout
    vietnamese = run_cli(sampled.home, "retention", "show", id, "--lang", "vi").stdout
    assert "Giao dịch đã thành công." in vietnamese
    assert "theo giờ Việt Nam" in vietnamese


def test_a_search_tells_the_last_day_beside_each_hit(sampled: Served) -> None:
    closing = returned(sampled)
    asked = ("search", "--transaction-id", closing["transaction_id"], "--due")
    told = json_of(run_cli(sampled.home, "retention", "show", closing["id"], "--json"))
    for item in json_of(run_cli(sampled.home, *asked, "--json"))["items"]:
        assert {name: item["retention"][name] for name in ("state", "due", "last_day")} == {
            name: told[name] for name in ("state", "due", "last_day")
        }
    assert told["last_day"] in run_cli(sampled.home, *asked).stdout


def test_asking_is_a_look(sampled: Served) -> None:
    id = returned(sampled)["transaction_id"]
    run_cli(sampled.home, "retention", "show", id)
    looks = json_of(run_cli(sampled.home, "access", "list", "--act", "timeline", "--limit", "1", "--json"))
    assert looks["looks"][0]["asked"] == {"retention_of": id}


def test_what_is_not_there_or_not_his_is_refused(sampled: Served) -> None:
    nothing = run_cli(sampled.home, "retention", "show", "no-such-transaction", "--json")
    assert nothing.exit_code == 4
    assert "error" in json.loads(nothing.stdout)
    other = run_cli(sampled.home, "retention", "show", returned(sampled)["id"], "--gateway", "nobody")
    assert other.exit_code == 2


def test_what_is_open_is_listed_and_on_record_as_a_look(sampled: Served) -> None:
    told = json_of(run_cli(sampled.home, "retention", "open", "--json"))
    assert (told["older_than_days"], told["count"], told["transactions"]) == (365, 0, [])
    looks = json_of(run_cli(sampled.home, "access", "list", "--limit", "1", "--json"))
    assert looks["looks"][0]["asked"] == {"open_transactions": ""}
    plain = run_cli(sampled.home, "retention", "open", "--older-than", "400")
    assert plain.stdout == "0 transactions, and 0 entries of none, have been open for more than 400 days\n"


def test_a_change_of_profile_is_shown_and_put_in_force_only_when_told(sampled: Served) -> None:
    asked = ("retention", "change", "--profile", "QD08-2015", "--originals-years", "12")
    plan = json_of(run_cli(sampled.home, *asked, "--json"))
    assert plan["in_force"] is plan["shorter"] is False
    assert plan["originals"]["longer"] == plan["transactions"]
    assert "owed longer" in run_cli(sampled.home, *asked).stdout
    refused = run_cli(sampled.home, "retention", "change", "--profile", "QD99", "--json")
    assert refused.exit_code == 2


def test_why_data_is_kept_is_told_in_counts(sampled: Served) -> None:
    told = json_of(run_cli(sampled.home, "retention", "report", "--json"))
    assert (told["unread"], told["partial"]) == ([], False)
    assert all(line["entries"] > 0 for line in told["kept"])
    assert run_cli(sampled.home, "retention", "report").exit_code == 0
