"""``vanvault gateway``: names, tokens, and sixteen operators at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import nursery
from tests.support.command import json_of, run_cli, vanvault
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.people import Gateways


def test_a_removed_name_stays_taken_and_the_same_gateway_comes_back(home: Path) -> None:
    made = json_of(run_cli(home, "gateway", "add", "second", "--json"))
    json_of(run_cli(home, "gateway", "remove", "second", "--json"))
    refused = run_cli(home, "gateway", "add", "second")
    assert refused.exit_code == 5
    assert "--bring-back" in refused.stderr
    assert "second" not in run_cli(home, "gateway", "list").stdout
    assert "second  (removed" in run_cli(home, "gateway", "list", "--removed").stdout
    back = json_of(run_cli(home, "gateway", "add", "second", "--bring-back", "--json"))
    assert back["id"] == made["id"]
    assert back["token"] != made["token"]


def test_a_token_is_added_listed_and_removed(home: Path) -> None:
    made = json_of(
        run_cli(
            home, "gateway", "token", "add", "gateway-1", "--scope", "push", "--network", "10.0.0.0/8",
            "--not-before", "2026-01-01", "--not-after", "2126-01-01T00:00:00Z", "--overlap", "7d", "--json",
        )
    )  # fmt: skip
    (listed,) = json_of(run_cli(home, "gateway", "token", "list", "--json"))["gateways"]
    first, second = listed["tokens"]
    assert (listed["gateway"], listed["id"]) == ("gateway-1", made["id"])
    assert first["not_after"] is not None
    assert second == {
        "token_id": made["token_id"],
        "added_at": second["added_at"],
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2126-01-01T00:00:00Z",
        "scopes": ["push"],
        "networks": ["10.0.0.0/8"],
        "last_use": None,
    }
    table = run_cli(home, "gateway", "token", "list", "gateway-1").stdout
    assert "10.0.0.0/8" in table
    assert made["token"] not in table
    run_cli(home, "gateway", "token", "remove", "gateway-1", made["token_id"])
    assert [token.id for token in Gateways(home).get("gateway-1").tokens] == [first["token_id"]]


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("token", "add", "nobody"), 4),
        (("token", "list", "nobody"), 4),
        (("token", "remove", "gateway-1", "t-0"), 4),
        (("token", "add", "gateway-1", "--not-after", "yesterday"), 2),
        (("token", "add", "gateway-1", "--not-after", "2020-01-01"), 2),
        (("token", "add", "gateway-1", "--network", "10.0.0.1/8"), 2),
        (("token", "add", "gateway-1", "--scope", "read-all"), 2),
        (("token", "add", "gateway-1", "--overlap", "soon"), 2),
        (("add", "vanvault"), 2),
        (("add", "gateway-1", "--bring-back"), 5),
        (("add", "never", "--bring-back"), 4),
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(
    home: Path, arguments: tuple[str, ...], exit_code: int
) -> None:
    before = Gateways(home).all()
    assert run_cli(home, "gateway", *arguments).exit_code == exit_code
    assert Gateways(home).all() == before


def test_sixteen_operators_at_once_add_sixteen_gateways_all_on_record(home: Path) -> None:
    names = [f"ivan-{number}" for number in range(16)]
    with ThreadPoolExecutor(len(names)) as threads:
        made = list(threads.map(lambda name: vanvault(home, "gateway", "add", name), names))
    gateways, clock = Gateways(home), SystemClock()
    assert gateways.names() == sorted(["gateway-1", *names])
    assert [gateways.authenticate(one["token"], clock).gateway for one in made] == names
    found = json_of(run_cli(home, "search", "--type", "vanvault.gateway.added", "--json"))["items"]
    assert len({item["id"] for item in found}) == 17
    assert gateways.unrecorded() == ()


def test_two_inits_at_once_make_one_whole_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(2) as threads:
        codes = sorted(threads.map(lambda _: run_init(home), range(2)))
    assert codes == [0, 6]
    assert json_of(run_cli(home, "status", "--json"))["gateways"] == 1


def run_init(home: Path) -> int:
    """The exit code of ``init`` in a process of its own."""
    return nursery.run("vanvault.cli", ["--home", str(home), "init"], timeout=280).returncode
