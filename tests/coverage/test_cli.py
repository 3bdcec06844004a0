"""``verify --next`` and ``coverage`` over a real archive, and what search hits may say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.cli.conftest import run_cli
from tests.recovery.harness import Lab
from vanvault.archiver.archive import Archive
from vanvault.archiver.format.names import parse_key
from vanvault.archiver.ports import SystemStopwatch
from vanvault.recovery.coverage.hits import hit_verified_at
from vanvault.recovery.coverage.record import verify_runs
from vanvault.recovery.coverage.report import unverified_sites

SHARES = {"VANVAULT_VERIFY__SHARES": "3"}


def vanvault(lab: Lab, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, Any]:
    result = run_cli(lab.home, *arguments, "--json", env=env)
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_the_rotation_covers_everything(lab: Lab) -> None:
    code, before = vanvault(lab, "coverage", env=SHARES)
    assert (code, before["runs"], before["next"]) == (0, 0, "1/3")
    assert before["sites"]["primary"]["verified"] == {"objects": 0, "bytes": 0, "share": 0.0}
    stored = before["sites"]["primary"]["objects"]
    for share in ("1/3", "2/3", "3/3", "1/3"):
        code, summary = vanvault(lab, "verify", "--next", env=SHARES)
        assert (code, summary["share"]) == (0, share)
    code, after = vanvault(lab, "coverage", env=SHARES)
    assert (code, after["runs"], after["next"], after["overdue"]) == (0, 4, "2/3", False)
    for site in after["sites"].values():
        assert site["verified"]["objects"] >= stored
        assert site["overdue"]["objects"] == 0


def test_damage_is_no_verification_and_repair_is_none_yet(lab: Lab) -> None:
    key = lab.keys(kind="events")[2]
    lab.flip("standby", key)
    assert vanvault(lab, "verify")[0] == 3
    with Archive(lab.home) as archive:
        archive.catch_up()
        (found,) = verify_runs(archive.search)
        name = parse_key(key)
        assert name is not None
        assert found.sites["standby"].damaged == {name.sha256}
        assert found.sites["primary"].damaged == frozenset()
        at = hit_verified_at(
            archive.search,
            archive.sites,
            SystemStopwatch(),
            now=archive.clock.now,
            window=timedelta(days=90),
        )
        stored = archive.sites["primary"].stat(key).stored_at
        assert at(name.sha256, stored) is None
        whole = parse_key(lab.keys(kind="events")[1])
        assert whole is not None
        assert at(whole.sha256, stored) == min(run.began for run in found.sites.values())
    assert vanvault(lab, "repair")[0] == 0
    code, covered = vanvault(lab, "coverage")
    assert code == 0
    assert covered["sites"]["standby"]["oldest_unverified"] is not None
    assert vanvault(lab, "verify")[0] == 0
    code, covered = vanvault(lab, "coverage")
    standby = covered["sites"]["standby"]
    assert standby["verified"]["objects"] > len(lab.keys()) - 8


def test_what_was_not_verified_for_too_long_is_an_alarm(lab: Lab) -> None:
    soon = {"VANVAULT_VERIFY__MAX_AGE_DAYS": "0.0000001"}
    code, covered = vanvault(lab, "coverage", env=soon)
    assert (code, covered["overdue"]) == (3, True)
    assert covered["sites"]["standby"]["overdue"]["objects"] == covered["sites"]["standby"]["objects"]
    with Archive(lab.home) as archive:
        archive.catch_up()
        age = timedelta(days=90)
        first = archive.clock.now()
        assert unverified_sites(archive.search, archive.sites, age, first) == {}
        late = unverified_sites(archive.search, archive.sites, age, first + timedelta(days=200))
        assert set(late) == {"primary", "standby"}
    assert vanvault(lab, "verify")[0] == 0
    with Archive(lab.home) as archive:
        archive.catch_up()
        now = archive.clock.now()
        assert unverified_sites(archive.search, archive.sites, age, now + timedelta(days=89)) == {}
        assert set(unverified_sites(archive.search, archive.sites, age, now + timedelta(days=91))) == {
            "primary",
            "standby",
        }


@pytest.mark.parametrize("arguments", [("--share", "1/2"), ("--site", "primary")])
def test_next_chooses_by_itself(lab: Lab, arguments: tuple[str, ...]) -> None:
    assert vanvault(lab, "verify", "--next", *arguments)[0] == 2


def test_a_run_without_record_leaves_the_archive_as_it_is(lab: Lab) -> None:
    before = lab.keys()
    assert vanvault(lab, "verify", "--no-record")[0] == 0
    assert lab.keys() == before
    assert vanvault(lab, "coverage")[1]["runs"] == 0
