"""A home that came back without a key that its archive has used says so, until nothing needs the key."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import json_of, run_cli
from tests.support.lab import event, message
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.journal import OwnEvent
from vanvault.recovery.custody.known_keys import missing_of, still_missing

AT = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
PURPOSES = ["originals", "log", "index", "signing"]


def verified(**fields: object) -> OwnEvent:
    detail = {"whole": True, "share": "1/1", "asked": ["primary", "standby"], "keys": [], **fields}
    return OwnEvent("e-1", "verify.finished", AT, AT, json.dumps(detail))


def write(home: Path) -> None:
    with Archive.open(home) as archive:
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 1), event(archive, 1)])
        writer.commit([archive.system_event("writer.closed", {})], final=True)
        writer.close()


def status_of(home: Path) -> tuple[int, dict[str, str], Any]:
    done = run_cli(home, "status", "--json")
    found = json.loads(done.stdout)
    return done.exit_code, {one["id"]: one["text"] for one in found["conditions"]}, found


def lost_after(home: Path, purpose: str, *, forgetting: bool) -> None:
    """Back from shares that are older than the newest key, under which something was written."""
    shares = home.parent / "shares"
    sizes = ("--threshold", "2", "--shares", "2")
    json_of(run_cli(home, "keys", "escrow", "split", *sizes, "--output", str(shares), "--json"))
    run_cli(home, "keys", "rotate", purpose)
    write(home)
    shutil.rmtree(home / "keys")
    if forgetting:
        shutil.rmtree(home / "cache")
    given = [word for n in (1, 2) for word in ("--share", str(shares / f"share-{n}-of-2.txt"))]
    run_cli(home, "keys", "escrow", "restore", "--bundle", str(shares / "escrow-bundle.vve"), *given)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.mark.parametrize("forgetting", [True, False], ids=["cache-lost", "cache-kept"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_home_without_a_key_that_was_used_is_an_error(home: Path, purpose: str, forgetting: bool) -> None:
    lost_after(home, purpose, forgetting=forgetting)
    code, conditions, found = status_of(home)
    assert code == 3
    assert "missing" in conditions["keys-missing"]
    if purpose != "signing":
        assert f"{purpose}/2" in conditions["keys-missing"]
    if found["hot_tail"]["complete"]:  # what is on record could be read
        assert "escrow-stale" in conditions, "no share of it was ever handed out"
        assert len(found["keys_missing"]) == 1
    if purpose == "signing":
        assert json_of(run_cli(home, "keys", "list", "--json")), "it can be looked at"


def test_a_first_key_that_is_gone_is_missing_though_nothing_names_it(home: Path) -> None:
    run_cli(home, "keys", "rotate", "originals")
    (home / "keys" / "originals-1.key").unlink()
    code, conditions, found = status_of(home)
    assert (code, found["keys_missing"]) == (3, ["originals/1"])
    assert "originals/1" in conditions["keys-missing"]


def test_an_id_under_which_no_key_was_made_is_over_once_everything_was_read(home: Path) -> None:
    write(home)
    with Archive.open(home) as archive:
        archive.record("keys.rotated", {"key_id": "originals/2", "purpose": "originals", "who": "op"})
    assert "keys-missing" in status_of(home)[1]
    assert run_cli(home, "verify").exit_code == 0
    code, conditions, found = status_of(home)
    assert "keys-missing" not in conditions
    assert "escrow-stale" not in conditions
    assert (code, found["keys_missing"]) == (0, [])


def test_a_verification_speaks_only_of_keys_that_it_did_without() -> None:
    sites = ["primary", "standby"]
    assert still_missing(["log/2"], [verified()], sites) == ()
    for other in (
        verified(keys=["log/2"]),
        verified(whole=False),
        verified(share="1/7"),
        verified(asked=["primary"]),
        verified(keys="log/2"),
        OwnEvent("e-2", "verify.finished", AT, AT, '{"whole": true, "share": "1/1"}'),
    ):
        assert still_missing(["log/2"], [other], sites) == ("log/2",), other


def test_versions_count_from_one_and_every_purpose_has_one() -> None:
    assert missing_of(["originals/3", "log/1"], ["0011"], ["0011", "0022"]) == (
        "0022",
        "index/1",
        "originals/1",
        "originals/2",
    )
