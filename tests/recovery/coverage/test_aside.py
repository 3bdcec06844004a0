"""What the last verification of a site named that is not the archive's stays a condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.command import run_cli
from tests.support.lab import Lab
from vanvault.recovery.coverage.aside import KnownAside, known_aside
from vanvault.recovery.verified import SiteRun, Subset, VerifyRun
from vanvault.recovery.verified.record import run_of

START = datetime(2026, 11, 1, tzinfo=UTC)
SITES = ("primary", "standby")


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def run(number: int, aside: Mapping[str, int], subset: str = "1/1") -> VerifyRun:
    """A run on a day over the sites of ``aside``, which named so many things there."""
    return VerifyRun(
        finished=day(number),
        subset=Subset.parse(subset),
        whole=not any(aside.values()),
        findings={"extra": sum(aside.values())},
        named=True,
        asked=frozenset(aside),
        sites={site: SiteRun(day(number), 10, 100, aside=count) for site, count in aside.items()},
        seconds=1.0,
    )


def known(*runs: VerifyRun) -> dict[str, KnownAside]:
    return known_aside(reversed(runs), SITES)


def test_it_stands_until_a_later_run_over_its_site_does_not_name_it() -> None:
    found = run(1, {"primary": 2, "standby": 0})
    assert known(found) == {"primary": KnownAside(day(1), 2)}
    assert known(found, run(2, {"standby": 0})) == {"primary": KnownAside(day(1), 2)}
    assert known(found, run(2, {"primary": 1})) == {"primary": KnownAside(day(1), 1)}
    assert known(found, run(2, {"primary": 0}, subset="3/30")) == {}
    again = (run(2, {"primary": 0}), run(3, {"primary": 4, "standby": 1}))
    assert known(found, *again) == {"primary": KnownAside(day(3), 4), "standby": KnownAside(day(3), 1)}


def condition(lab: Lab) -> dict[str, Any] | None:
    found = json.loads(run_cli(lab.home, "status", "--json").stdout)["conditions"]
    return next((one for one in found if one["id"] == "set-aside"), None)


def test_status_warns_of_a_stray_file_that_a_verification_named_until_one_does_not(lab: Lab) -> None:
    stray = lab.root("primary") / "foreign"
    stray.touch()
    assert condition(lab) is None  # a look lists objects only
    assert run_cli(lab.home, "verify", "--site", "primary").exit_code == 3
    told = condition(lab)
    assert told is not None
    assert (told["severity"], "the last verification named 1 at primary" in told["text"]) == ("warning", True)
    assert run_cli(lab.home, "verify", "--site", "standby").exit_code == 0
    assert condition(lab) is not None
    stray.unlink()
    assert run_cli(lab.home, "verify", "--site", "primary").exit_code == 0
    assert condition(lab) is None


def test_an_event_of_an_older_version_counts_at_each_site_that_it_read(lab: Lab) -> None:
    fields = {"began": "2026-11-01T00:00:00Z", "bytes": 1, "damaged": [], "objects": 1}
    found = run_of(
        {
            "asked": ["primary"],
            "findings": {"extra": 2, "lock": 1, "too-large": 1},
            "finished": "2026-11-01T00:00:00Z",
            "ms": 1,
            "named": True,
            "share": "1/1",
            "sites": {"primary": fields},
            "whole": False,
        }
    )
    assert found.sites["primary"].aside == 3
