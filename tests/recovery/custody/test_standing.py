"""How the escrow stands, by the bundles on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.journal import OwnEvent
from vanvault.recovery.custody.standing import EscrowStanding, judged

START = datetime(2026, 11, 1, tzinfo=UTC)
KEYS = ["originals/1", "log/1", "index/1", "0011223344556677"]


def event(day: int, **detail: object) -> OwnEvent:
    at = (START + timedelta(days=day)).isoformat()
    return OwnEvent(f"e-{day}", "keys", at, at, json.dumps(detail))


def standing(
    in_use: list[str],
    *,
    made: tuple[OwnEvent, ...] = (),
    opened: tuple[OwnEvent, ...] = (),
    rotated: tuple[OwnEvent, ...] = (),
) -> EscrowStanding:
    return judged(in_use, made=made, opened=opened, rotated=rotated)


def test_a_key_is_safe_once_its_bundle_was_opened() -> None:
    made = (event(1, set="a", keys=KEYS),)
    found = standing(KEYS, made=made)
    assert (found.stale, found.unverified) == ((), tuple(KEYS))
    opened = (event(2, set="a", keys=KEYS),)
    found = standing(KEYS, made=made, opened=opened)
    assert (found.stale, found.unverified, found.problems()) == ((), (), ())
    assert (found.made_at, found.verified_at) == (START + timedelta(days=1), START + timedelta(days=2))


def test_a_key_that_was_made_after_every_bundle_makes_the_escrow_stale() -> None:
    found = standing(
        [*KEYS, "originals/2"],
        made=(event(1, set="a", keys=KEYS),),
        opened=(event(2, set="a", keys=KEYS),),
        rotated=(event(3, key_id="originals/2"),),
    )
    assert (found.stale, found.since) == (("originals/2",), START + timedelta(days=3))
    assert "originals/2" in found.problems()[0]


def test_an_older_version_counts_too_as_data_lies_under_it() -> None:
    in_use = ["originals/1", "originals/2", "originals/3"]
    made = (event(1, set="a", keys=["originals/3"]), event(2, set="b", keys=["originals/1"]))
    assert standing(in_use, made=made).stale == ("originals/2",)


def test_bundles_of_a_token_hold_the_keys_together() -> None:
    first, second = (event(n, set=str(n), keys=[f"originals/{n}"]) for n in (1, 2))
    found = standing(["originals/1", "originals/2"], made=(first, second), opened=(second,))
    assert (found.stale, found.unverified) == ((), ("originals/1",))


def test_a_bundle_that_is_not_on_record_counts_once_it_was_opened() -> None:
    found = standing(KEYS, opened=(event(2, set="a", keys=KEYS),))
    assert (found.missing, found.lacking, found.unverified) == (False, (), ())
    assert found.made_at is None


def test_without_any_bundle_the_escrow_is_missing_and_not_stale() -> None:
    found = standing(KEYS)
    assert (found.missing, found.stale, found.problems()) == (True, (), ())


def test_a_saved_bundle_that_lacks_a_key_in_use_is_named() -> None:
    made = (event(3, set="b", keys=[*KEYS, "originals/2"]), event(1, set="a", keys=KEYS))
    found = standing([*KEYS, "originals/2"], made=made)
    assert found.of_saved("b") == ""
    assert "lacks originals/2" in found.of_saved("a")
    assert "not on record" in found.of_saved("c")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home")
    return tmp_path / "home"


def split(home: Path, folder: Path) -> list[object]:
    """The options that open a new escrow of the home."""
    run_cli(home, "keys", "escrow", "split", "--threshold", 2, "--shares", 2, "--output", folder)
    return options(folder)


def options(folder: Path) -> list[object]:
    first, second = sorted(folder.glob("share-*.txt"))
    return ["--bundle", folder / "escrow-bundle.vve", "--share", first, "--share", second]


def escrow_of(home: Path) -> tuple[int, list[str], Any]:
    """How status ends, what it tells of the escrow, and its summary."""
    done = run_cli(home, "status", "--json")
    told = json.loads(done.stdout)
    conditions = [one["id"] for one in told["conditions"] if one["id"].startswith("escrow")]
    return done.exit_code, conditions, told["escrow"]


def test_status_follows_the_escrow_through_a_rotation(home: Path, tmp_path: Path) -> None:
    assert escrow_of(home)[:2] == (0, ["escrow-missing"])
    first = split(home, tmp_path / "first")
    assert escrow_of(home)[:2] == (3, ["escrow-unverified"])
    assert json_of(run_cli(home, "keys", "escrow", "verify", *first, "--json"))["recorded"] is True
    code, conditions, escrow = escrow_of(home)
    assert (code, conditions) == (0, [])
    assert escrow["verified_at"] >= escrow["made_at"]
    assert escrow["age_seconds"] >= 0

    rotated = run_cli(home, "keys", "rotate", "originals", "--json")
    assert "no escrow bundle holds originals/2" in json_of(rotated)["escrow_problems"][0]
    assert "no escrow bundle holds originals/2" in rotated.stderr
    code, conditions, escrow = escrow_of(home)
    assert (code, conditions, escrow["lacking"]) == (3, ["escrow-stale"], ["originals/2"])
    assert run_cli(home, "keys", "escrow", "verify", *first).exit_code == 3
    assert escrow_of(home)[:2] == (3, ["escrow-stale"])


@pytest.mark.parametrize("purpose", ["log", "all", "signing"])
def test_a_rotation_makes_the_escrow_of_its_keys_in_the_same_step(
    home: Path, tmp_path: Path, purpose: str
) -> None:
    folder = tmp_path / "new"
    order = ("--escrow", folder, "--threshold", 2, "--shares", 2)
    made = json_of(run_cli(home, "keys", "rotate", purpose, *order, "--json"))
    assert set(made.get("key_ids") or [made["key_id"]]) <= set(made["escrow"]["keys"])
    assert escrow_of(home)[:2] == (3, ["escrow-unverified"])
    json_of(run_cli(home, "keys", "escrow", "verify", *options(folder), "--json"))
    assert escrow_of(home)[:2] == (0, [])


def test_a_revocation_says_that_no_escrow_holds_it(home: Path) -> None:
    done = run_cli(home, "keys", "revoke", "signing/1", "--reason", "stolen", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "no escrow holds the revocation yet" in done.stderr


def test_a_rotation_makes_no_key_when_its_escrow_cannot_be_made(home: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    for order in (("used", 2, 2), ("new", 3, 2)):
        folder, threshold, shares = tmp_path / str(order[0]), order[1], order[2]
        wanted = ("--escrow", folder, "--threshold", threshold, "--shares", shares)
        assert run_cli(home, "keys", "rotate", "log", *wanted).exit_code == 2
    assert not (home / "keys" / "log-2.key").exists()


def test_keys_that_came_back_from_an_escrow_prove_it(home: Path, tmp_path: Path) -> None:
    opened = split(home, tmp_path / "first")
    for path in (home / "keys").iterdir():
        path.unlink()
    json_of(run_cli(home, "keys", "escrow", "restore", *opened, "--json"))
    assert escrow_of(home)[:2] == (0, [])


def test_a_verification_that_cannot_go_on_record_says_so(home: Path, tmp_path: Path) -> None:
    opened = split(home, tmp_path / "first")
    (home / "sites" / "standby").rename(tmp_path / "away")
    done = run_cli(home, "keys", "escrow", "verify", *opened, "--json")
    assert json_of(done)["recorded"] is False
    assert "could not be put on record" in done.stderr
    code, conditions, _ = escrow_of(home)
    assert (code, conditions) == (10, ["escrow-unverified"]), "a site that cannot be used comes first"


def test_data_lies_under_older_versions_too_so_each_must_be_in_a_bundle(home: Path) -> None:
    run_cli(home, "keys", "rotate", "originals")
    with Archive.open(home) as archive:
        signing = archive.signing.active().key_id
        newest = ["originals/2", "log/1", "index/1", "credentials/1", signing]
        archive.record("keys.escrow-verified", {"set": "a", "keys": newest})
    code, conditions, escrow = escrow_of(home)
    assert (code, conditions, escrow["lacking"]) == (3, ["escrow-stale"], ["originals/1"])


def test_the_key_that_signs_must_be_in_a_bundle_too(home: Path, tmp_path: Path) -> None:
    run_cli(home, "keys", "escrow", "verify", *split(home, tmp_path / "first"))
    made = json_of(run_cli(home, "keys", "rotate", "signing", "--json"))
    code, conditions, escrow = escrow_of(home)
    assert (code, conditions, escrow["lacking"]) == (3, ["escrow-stale"], [made["key_id"]])
