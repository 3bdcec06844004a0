"""``vanvault gateway``: names, tokens, and sixteen operators at once."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import nursery
from tests.support.command import json_of, run_cli
from tests.support.waiting import PATIENCE_S
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
    ended = at_once(home, *(("gateway", "add", name) for name in names))
    assert [code for code, _ in ended] == [0] * len(names), ended
    gateways, clock = Gateways(home), SystemClock()
    assert gateways.names() == sorted(["gateway-1", *names])
    tokens = [json.loads(text)["token"] for _, text in ended]
    assert [gateways.authenticate(token, clock).gateway for token in tokens] == names
    found = json_of(run_cli(home, "search", "--type", "vanvault.gateway.added", "--json"))["items"]
    assert len({item["id"] for item in found}) == 17
    assert gateways.unrecorded() == ()


def test_two_inits_at_once_make_one_whole_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert sorted(code for code, _ in at_once(home, ("init",), ("init",))) == [0, 6]
    assert json_of(run_cli(home, "status", "--json"))["gateways"] == 1


def at_once(home: Path, *verbs: tuple[str, ...]) -> list[tuple[int, str]]:
    """Exit code and output of verbs with --json that run at the same time, each in a process of its own."""
    with ExitStack() as files:
        outputs = [files.enter_context(tempfile.TemporaryFile()) for _ in verbs]
        children = [
            nursery.begin(
                "vanvault.cli",
                ["--home", str(home), *verb, "--json"],
                environment=os.environ,
                out=output.fileno(),
                err=output.fileno(),
            )
            for verb, output in zip(verbs, outputs, strict=True)
        ]
        codes = [child.wait(PATIENCE_S) for child in children]
        for output in outputs:
            output.seek(0)
        return [(code, output.read().decode()) for code, output in zip(codes, outputs, strict=True)]
