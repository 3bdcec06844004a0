"""Which damage is known: found by a verification, and found whole by none since."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.recovery.coverage.damage import KnownDamage, known_damage
from vanvault.recovery.verified import SiteRun, Subset, VerifyRun

START = datetime(2026, 11, 1, tzinfo=UTC)
SITES = ("primary", "standby")
DIGEST = b"\1" * 32


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def run(
    number: int,
    subset: str = "1/1",
    *,
    at: Collection[str] = SITES,
    damaged: Collection[str] = (),
    findings: Mapping[str, int] | None = None,
    named: bool = True,
) -> VerifyRun:
    """A run on a day over sites ``at``, which found damage at ``damaged``."""
    finished = day(number)
    found = {"damaged": len(damaged)} if findings is None and damaged else dict(findings or {})
    return VerifyRun(
        finished=finished,
        subset=Subset.parse(subset),
        whole=not found,
        findings=found,
        named=named,
        asked=frozenset(SITES),
        sites={
            site: SiteRun(finished, 10, 100, frozenset([DIGEST] if site in damaged else [])) for site in at
        },
        seconds=1.0,
    )


def known(*runs: VerifyRun, mended_at: datetime | None = None) -> dict[str, KnownDamage]:
    return known_damage(reversed(runs), SITES, mended_at=mended_at)


def since(*runs: VerifyRun) -> dict[str, datetime]:
    return {site: one.since for site, one in known(*runs).items()}


def test_damage_stands_at_the_site_at_which_it_was_found() -> None:
    assert since(run(1), run(2, damaged=["standby"])) == {"standby": day(2)}


def test_a_later_whole_run_ends_it() -> None:
    assert since(run(1, damaged=["standby"]), run(2)) == {}


def test_it_stands_since_it_was_first_found() -> None:
    runs = (run(1, damaged=["primary"]), run(2), run(3, damaged=["primary"]), run(4, damaged=["primary"]))
    assert known(*runs) == {"primary": KnownDamage(day(3), day(4), 1)}


def test_a_run_over_another_part_or_another_site_ends_nothing() -> None:
    found = run(1, "1/3", damaged=["standby"])
    assert since(found, run(2, "2/3"), run(3, "3/3")) == {"standby": day(1)}
    assert since(found, run(2, at=["primary"])) == {"standby": day(1)}
    assert since(found, run(2, "1/3")) == {}


def test_parts_of_another_division_end_it_together() -> None:
    found = run(1, "1/2", damaged=["standby"])
    assert since(found, run(2, "1/4")) == {"standby": day(1)}
    assert since(found, run(2, "1/4"), run(3, "3/4")) == {}
    whole = run(1, damaged=["standby"])
    assert since(whole, run(2, "1/2")) == {"standby": day(1)}
    assert since(whole, run(2, "1/2"), run(3, "2/2")) == {}


def test_what_is_not_the_archives_and_a_site_that_was_away_are_no_damage() -> None:
    assert since(run(1, findings={"extra": 2, "unproved": 1, "orphan": 3})) == {}
    assert since(run(1, at=["primary"], findings={"unavailable": 1})) == {}
    away = run(2, at=["primary"], findings={"unavailable": 1})
    assert since(run(1, damaged=["standby"]), away) == {"standby": day(1)}


def test_a_run_that_does_not_name_all_that_it_found_may_mean_each_site() -> None:
    assert since(run(1, findings={"key": 1}, named=False)) == dict.fromkeys(SITES, day(1))
    assert since(run(1, damaged=["primary"], findings={"damaged": 1, "chain": 1})) == dict.fromkeys(
        SITES, day(1)
    )


def test_a_repair_that_mended_everything_ends_it_and_what_is_found_later_counts_again() -> None:
    found = run(1, damaged=["standby"])
    assert known(found, mended_at=day(2)) == {}
    assert set(known(found, run(3, damaged=["standby"]), mended_at=day(2))) == {"standby"}
    assert set(known(found, mended_at=day(0))) == {"standby"}


def test_known_damage_is_told_by_coverage_and_status_until_it_is_mended(lab: Lab) -> None:
    def ends(verb: str) -> tuple[int, list[str]]:
        done = run_cli(lab.home, verb, "--json")
        told = json.loads(done.stdout)
        found = told["damaged"] if verb == "coverage" else [one["id"] for one in told["conditions"]]
        return done.exit_code, list(found)

    assert ends("coverage") == (0, [])
    assert "damage-known" not in ends("status")[1]
    lab.flip("standby", lab.keys(kind="events")[2])
    assert run_cli(lab.home, "verify").exit_code == 3
    assert ends("coverage") == (3, ["standby"])
    code, conditions = ends("status")
    assert (code, conditions[0]) == (3, "damage-known")
    assert run_cli(lab.home, "repair").exit_code == 0
    assert ends("coverage") == (0, [])
    assert "damage-known" not in ends("status")[1]
