"""``verify --next`` and ``coverage`` over a real archive, and what search hits may say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import SystemStopwatch
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.recovery.coverage import unverified_sites
from vanvault.recovery.verified import SiteRun, Subset, VerifyRun, count_verifications, verify_runs
from vanvault.recovery.verified.hits import HitVerifiedAt, hit_verified_at

SHARES = {"VANVAULT_VERIFY__PARTS": "3"}


class Turned:
    """A stopwatch that a test turns."""

    at = 0.0

    def seconds(self) -> float:
        return self.at


def vanvault(lab: Lab, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, Any]:
    result = run_cli(lab.home, *arguments, "--json", env=env)
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_the_rotation_covers_everything(lab: Lab) -> None:
    code, before = vanvault(lab, "coverage", env=SHARES)
    assert (code, before["runs"], before["next"]) == (0, 0, "1/3")
    assert before["sites"]["primary"]["verified"] == {"objects": 0, "bytes": 0, "share": 0.0}
    stored = before["sites"]["primary"]["objects"]
    for subset in ("1/3", "2/3", "3/3", "1/3"):
        code, summary = vanvault(lab, "verify", "--next", env=SHARES)
        assert (code, summary["share"]) == (0, subset)
    code, after = vanvault(lab, "coverage", env=SHARES)
    assert (code, after["runs"], after["next"], after["overdue"]) == (0, 4, "2/3", False)
    for site in after["sites"].values():
        assert site["verified"]["objects"] >= stored
        assert site["overdue"]["objects"] == 0


def test_damage_is_no_verification_and_repair_is_none_yet(lab: Lab) -> None:
    key = lab.keys(kind="events")[2]
    lab.flip("standby", key)
    assert vanvault(lab, "verify")[0] == 3
    with Archive.open(lab.home) as archive:
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
    with Archive.open(lab.home) as archive:
        archive.catch_up()
        age = timedelta(days=90)
        first = archive.clock.now()
        assert unverified_sites(archive.search, archive.sites, age, first) == {}
        late = unverified_sites(archive.search, archive.sites, age, first + timedelta(days=200))
        assert set(late) == {"primary", "standby"}
    assert vanvault(lab, "verify")[0] == 0
    with Archive.open(lab.home) as archive:
        archive.catch_up()
        now = archive.clock.now()
        assert unverified_sites(archive.search, archive.sites, age, now + timedelta(days=89)) == {}
        assert set(unverified_sites(archive.search, archive.sites, age, now + timedelta(days=91))) == {
            "primary",
            "standby",
        }


def test_every_hit_says_when_its_objects_were_verified_last(lab: Lab) -> None:
    def hits() -> dict[str, Any]:
        code, found = vanvault(lab, "search", "--entry", "message", "--limit", "1000")
        assert (code, found["partial"]) == (0, False)
        return {item["id"]: item for item in found["items"]}

    before = hits()
    assert {item["verified_at"] for item in before.values()} == {None}
    damaged = next(item["object"] for item in before.values() if not item["large_object"])
    large = next(item["large_object"] for item in before.values() if item["large_object"])
    lab.flip("standby", damaged)
    lab.flip("primary", large)
    assert vanvault(lab, "verify")[0] == 3
    after = hits()
    with Archive.open(lab.home) as archive:
        (run,) = verify_runs(archive.search)
        count_verifications(archive)
        began = rfc3339_us(to_us(min(site.began for site in run.sites.values())))
        for item in after.values():
            unwhole = damaged == item["object"] or large == item["large_object"]
            assert item["verified_at"] == (None if unwhole else began)
            assert archive.search.entry(item["id"]) == item
            shown = vanvault(lab, "get", item["id"])[1]
            assert {name: shown[name] for name in item} == item
    assert len({item["verified_at"] for item in after.values()}) == 2
    assert [{**item, "verified_at": None} for item in after.values()] == list(before.values())


def test_runs_are_read_once_a_minute_and_a_look_that_fails_is_no_failure() -> None:
    asked: list[datetime] = []
    now = datetime(2027, 1, 1, tzinfo=UTC)
    stopwatch, sites = Turned(), ("primary", "standby")
    digest, stored = bytes(32), now - timedelta(days=3)

    def run(at: datetime) -> VerifyRun:
        done = {site: SiteRun(at, 1, 1) for site in sites}
        return VerifyRun(at, Subset(1, 1), True, {}, True, frozenset(sites), done, 1.0)

    runs = [run(now - timedelta(days=2))]

    def load(since: datetime) -> list[VerifyRun]:
        asked.append(since)
        if len(asked) == 1:
            raise SiteUnavailable("away", site="primary", may_be_stored=False)
        return [one for one in runs if one.finished >= since]

    at = HitVerifiedAt(load, sites, stopwatch, now=lambda: now, window=timedelta(days=90))
    assert at(digest, stored) is None
    stopwatch.at += 61
    assert at(digest, stored) == runs[0].finished
    runs.append(run(now - timedelta(hours=1)))
    assert at(digest, stored) == runs[0].finished
    stopwatch.at += 61
    assert at(digest, stored) == runs[1].finished
    # What was older than a day at the last look is not read again, and is not forgotten either.
    assert asked == [now - timedelta(days=90)] * 2 + [now - timedelta(days=1)]
    assert at(digest, now) is None
    runs.clear()
    stopwatch.at += 61
    assert at(digest, stored) == now - timedelta(days=2)


@pytest.mark.parametrize("arguments", [("--subset", "1/2"), ("--share", "1/2"), ("--site", "primary")])
def test_next_chooses_by_itself(lab: Lab, arguments: tuple[str, ...]) -> None:
    assert vanvault(lab, "verify", "--next", *arguments)[0] == 2


def test_a_run_without_record_leaves_the_archive_as_it_is(lab: Lab) -> None:
    before = lab.keys()
    assert vanvault(lab, "verify", "--no-record")[0] == 0
    assert lab.keys() == before
    assert vanvault(lab, "coverage")[1]["runs"] == 0
