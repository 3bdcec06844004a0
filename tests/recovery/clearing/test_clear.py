"""What a proved segment holds is removed at both sites, long after its lock; nothing else ever is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import pytest

from tests.support.archives import SITES
from tests.support.clearing import (
    LONG_AFTER,
    cleared,
    disposers_of,
    keys_of_disposers,
    make_spent,
    spent_left,
)
from tests.support.clocks import TickingClock
from tests.support.compacted import CompactedLab
from tests.support.lockless import Lockless
from vanvault.archiver.appliance import Archive, open_disposers
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.stores import Site
from vanvault.recovery.clearing import ClearingTools, ClearRequest, clear


def batches(lab: CompactedLab) -> dict[str, list[str]]:
    return {site: [key for key in lab.keys(family="batch") if lab.all_files(site, key)] for site in SITES}


def first_receipts(lab: CompactedLab, keys: list[str]) -> dict[str, str]:
    """The receipt of the first entry of each batch."""
    with lab.open() as archive:
        archive.catch_up()
        found = {}
        for key in keys:
            name = parse_key(key)
            assert name is not None
            entry = f"{name.writer}-{name.sequence}-0"
            found[entry] = json.dumps(archive.receipts.of(entry), sort_keys=False)
        return found


def events(lab: CompactedLab, type: str) -> list[dict[str, object]]:
    with lab.open() as archive:
        archive.catch_up()
        return [event.detail for event in own_events(archive.search, type, order="oldest")]


def test_what_is_spent_goes_at_both_sites_and_the_rest_stays(compacted: CompactedLab) -> None:
    make_spent(compacted)
    spent = {site: spent_left(compacted, site) for site in SITES}
    before = batches(compacted)
    assert spent["primary"]
    report = cleared(compacted)
    assert (report.exit_code, report.halted, report.left) == (ExitCode.OK, (), [])
    after = batches(compacted)
    for site in SITES:
        assert not spent_left(compacted, site)
        assert set(before[site]) - set(after[site]) == set(spent[site])
        assert report.total(site)[0] == len(spent[site])
    assert compacted.verify().whole


def test_first_receipts_stay_byte_for_byte(compacted: CompactedLab) -> None:
    make_spent(compacted)
    keys = compacted.compacted()
    before = first_receipts(compacted, keys)
    assert cleared(compacted).exit_code == ExitCode.OK
    assert first_receipts(compacted, keys) == before
    compacted.forget()
    assert first_receipts(compacted, keys) == before


def test_a_dry_run_says_the_same_and_changes_nothing(compacted: CompactedLab) -> None:
    make_spent(compacted)
    before = batches(compacted)
    planned = cleared(compacted, dry_run=True)
    assert batches(compacted) == before
    done = cleared(compacted)
    assert [one.as_json() for one in planned.cleared] == [one.as_json() for one in done.cleared]
    assert planned.dry_run
    assert not done.dry_run


def test_a_second_run_finds_nothing(compacted: CompactedLab) -> None:
    make_spent(compacted)
    cleared(compacted)
    again = cleared(compacted)
    assert (again.exit_code, again.cleared) == (ExitCode.OK, [])


@pytest.mark.parametrize("days", [0, 30, 46, 68])
def test_before_thirty_days_after_the_lock_nothing_goes(compacted: CompactedLab, days: int) -> None:
    make_spent(compacted, timedelta(days=days))
    assert cleared(compacted).cleared == []
    assert spent_left(compacted, "primary") == compacted.compacted()


def test_it_is_on_record_by_segment_and_site(compacted: CompactedLab) -> None:
    make_spent(compacted)
    report = cleared(compacted)
    told = events(compacted, EventType.BATCHES_CLEARED)
    assert {(one["segment"], one["site"]) for one in told} == {
        (segment, site) for segment in compacted.segments() for site in SITES
    }
    assert sum(int(str(one["batches"])) for one in told) == sum(one.batches for one in report.cleared)
    assert all(one["compared"] == ["rows", "header", "proof", "commit", "originals"] for one in told)
    assert {one["who"] for one in told} == {"tester"}
    assert len(events(compacted, EventType.CLEARING_STARTED)) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    "step",
    [
        "clearing-started",
        "clearing-named",
        "clearing-before-removal",
        "clearing-removed",
        "clearing-before-record",
    ],
)
@pytest.mark.parametrize("after", [0, 1, 9, 16])
def test_killed_at_any_step_it_goes_on(compacted: CompactedLab, step: str, after: int) -> None:
    make_spent(compacted)
    keys = compacted.compacted()
    before = first_receipts(compacted, keys)
    count = 0

    def fault(name: str) -> None:
        nonlocal count
        if name == step:
            count += 1
            if count > after:
                raise Killed

    try:
        cleared(compacted, fault=fault)
    except Killed:
        assert compacted.verify().whole
        assert first_receipts(compacted, keys) == before
        cleared(compacted)
    assert not [key for key in keys for site in SITES if compacted.all_files(site, key)]
    assert compacted.verify().whole
    assert first_receipts(compacted, keys) == before
    told = events(compacted, EventType.BATCHES_CLEARED)
    assert {site: on_record(told, site) for site in SITES} == dict.fromkeys(SITES, len(keys))


def on_record(told: list[dict[str, object]], site: str) -> int:
    """How many batches are said to be cleared at a site."""
    return sum(cast(int, one["batches"]) for one in told if one["site"] == site)


def test_what_went_before_it_was_on_record_is_told_by_the_next_run(compacted: CompactedLab) -> None:
    make_spent(compacted)
    sizes = {key: len(compacted.data("primary", key)) for key in compacted.compacted()}

    def fault(name: str) -> None:
        if name == "clearing-before-record":
            raise Killed

    with pytest.raises(Killed):
        cleared(compacted, fault=fault)
    gone = [key for key in sizes if not compacted.all_files("primary", key)]
    assert gone
    assert events(compacted, EventType.BATCHES_CLEARED) == []
    compacted.clock.moment += timedelta(days=400)  # nothing is removed now: both must be verified first
    assert cleared(compacted).halted
    (told,) = events(compacted, EventType.BATCHES_CLEARED)
    assert (told["site"], told["interrupted"]) == ("primary", True)
    assert (told["batches"], told["bytes"]) == (len(gone), sum(sizes[key] for key in gone))
    assert (told["first"], told["last"]) == (gone[0], gone[-1])
    assert "compared" not in told
    cleared(compacted)
    assert len(events(compacted, EventType.BATCHES_CLEARED)) == 1


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", ["log", "originals", "evidence", "manifest"])
def test_of_a_segment_that_is_damaged_at_one_site_nothing_goes(
    compacted: CompactedLab, site: str, kind: str
) -> None:
    make_spent(compacted)
    held = {one: compacted.compacted(one) for one in (0, 1)}
    compacted.flip(site, compacted.part(kind, 0))
    report = cleared(compacted)
    assert report.exit_code == ExitCode.CHECK_FAILED
    assert any(site in one.why or one.site == site for one in report.left)
    for one in SITES:
        assert [key for key in held[0] if compacted.all_files(one, key)] == held[0]
        assert not [key for key in held[1] if compacted.all_files(one, key)]


@pytest.mark.parametrize("harm", ["flip", "truncate"])
def test_a_batch_that_is_not_its_segments_stays(compacted: CompactedLab, harm: str) -> None:
    make_spent(compacted)
    victim = compacted.compacted()[0]
    getattr(compacted, harm)("primary", victim)
    report = cleared(compacted)
    assert report.exit_code == ExitCode.CHECK_FAILED
    assert [(one.site, one.key) for one in report.left] == [("primary", victim)]
    assert spent_left(compacted, "primary") == [victim]
    assert spent_left(compacted, "standby") == []


def test_a_version_whose_lock_stands_keeps_its_batch(compacted: CompactedLab) -> None:
    make_spent(compacted)
    victim = compacted.compacted()[0]
    with compacted.open() as archive:
        found = archive.sites["standby"].stat(victim)
        archive.sites["standby"].extend(
            victim, found.version, (archive.clock.now() + timedelta(days=20)).replace(microsecond=0)
        )
    report = cleared(compacted)
    assert report.exit_code == ExitCode.OK
    assert spent_left(compacted, "standby") == [victim]
    assert spent_left(compacted, "primary") == []


def away(lab: CompactedLab) -> None:
    lab.root("standby").rename(lab.root("standby").with_name("gone"))


def stranger(lab: CompactedLab) -> None:
    key = lab.compacted()[0]
    lab.add("primary", key[:-40] + "0" * 6 + key[-34:], b"somebody else's")


def conflict_on_record(lab: CompactedLab) -> None:
    with lab.open() as archive:
        archive.record("verify.finished", finding(archive.clock.now().isoformat()))


def finding(at: str) -> dict[str, object]:
    site = {"began": at, "objects": 1, "bytes": 1, "damaged": ["00" * 32], "aside": 0}
    return {
        "finished": at,
        "share": "1/1",
        "whole": False,
        "findings": {"damaged": 1},
        "named": True,
        "asked": list(SITES),
        "sites": {"primary": site, "standby": {**site, "damaged": []}},
        "ms": 1,
    }


@pytest.mark.parametrize(
    ("harm", "told"),
    [(stranger, "not the archive's"), (conflict_on_record, "found damage at primary")],
)
def test_what_is_not_clean_stops_it(
    compacted: CompactedLab, harm: Callable[[CompactedLab], None], told: str
) -> None:
    make_spent(compacted)
    harm(compacted)
    before = batches(compacted)
    report = cleared(compacted)
    assert report.exit_code == ExitCode.CHECK_FAILED
    assert any(told in why for why in report.halted), report.halted
    assert report.cleared == []
    assert set(batches(compacted)["primary"]) >= set(before["primary"])
    assert not events(compacted, EventType.CLEARING_STARTED)


def test_a_site_that_is_away_stops_it(compacted: CompactedLab) -> None:
    make_spent(compacted)
    with compacted.open() as archive:
        disposers_of(archive)  # the secrets are given while both are there
    before = spent_left(compacted, "primary")
    away(compacted)
    try:
        report = cleared(compacted)
        assert report.halted
    except SiteUnavailable as error:
        assert error.site == "standby"
    assert [key for key in before if compacted.all_files("primary", key)] == before


def test_without_a_verification_nothing_goes(compacted: CompactedLab) -> None:
    compacted.clock.moment += LONG_AFTER
    compacted.keep()
    report = cleared(compacted)
    assert any("not verified whole" in why for why in report.halted)
    assert report.cleared == []


def test_without_credentials_it_says_whose_are_missing(compacted: CompactedLab) -> None:
    make_spent(compacted)
    with compacted.open() as archive, pytest.raises(SettingsError, match="primary has no credentials"):
        clear(archive)


def test_a_signed_fork_under_a_covered_number_stays(compacted: CompactedLab) -> None:
    """Only a holder of the keys can make one: its rows are in no segment."""
    make_spent(compacted)
    victim = compacted.compacted()[0]
    old = {site: compacted.data(site, victim) for site in SITES}
    forged = compacted.forge(victim, lambda batch: batch)
    for site in SITES:
        compacted.add(site, victim, old[site])
    report = cleared(compacted)
    assert report.exit_code == ExitCode.CHECK_FAILED
    assert all(compacted.all_files(site, forged) for site in SITES)
    assert report.halted or {one.key for one in report.left} == {forged}


def test_batches_that_are_locked_yet_take_no_turn_where_listings_show_no_locks(
    compacted: CompactedLab,
) -> None:
    """One run takes fewer batches than the first segment has, and each of these was prolonged."""
    make_spent(compacted)
    locked, spent = compacted.compacted(0), compacted.compacted(1)
    if locked > spent:
        locked, spent = spent, locked
    assert len(locked) > 1
    settings = compacted.home / "vanvault.toml"
    settings.write_text(settings.read_text() + "\n[clearing]\nmost_batches = 1\n")
    with compacted.open() as plain:
        until = (plain.clock.now() + timedelta(days=20)).replace(microsecond=0)
        for site in plain.sites.values():
            for key in locked:
                site.extend(key, site.stat(key).version, until)
        disposers = disposers_of(plain)
        sites = {name: cast(Site, Lockless(site)) for name, site in plain.sites.items()}
        with Archive.open(compacted.home, ports=Ports.under(compacted.clock), sites=sites) as archive:
            report = clear(archive, ClearRequest(), tools=ClearingTools(disposers, lambda seconds: None))
    assert report.exit_code == ExitCode.OK
    for site in SITES:
        assert report.total(site)[0] == 1
        assert [key for key in locked if compacted.all_files(site, key)] == locked
        assert len([key for key in spent if compacted.all_files(site, key)]) == len(spent) - 1


class AheadClock(TickingClock):
    """A host's clock, some days ahead."""

    def __init__(self, lab: CompactedLab, ahead: timedelta) -> None:
        super().__init__()
        self.moment = lab.clock.moment + ahead


class Elsewhere:
    """A site of another host, which says its own time; its locks are judged by this one's."""

    def __init__(self, site: Site, clock: TickingClock) -> None:
        self._site = site
        self._clock = clock

    def __getattr__(self, name: str) -> object:
        return getattr(self._site, name)

    def now(self) -> datetime:
        return self._clock.now()


@pytest.mark.parametrize("agreed", [False, True])
def test_a_host_whose_clock_is_ahead_of_the_sites_clears_nothing(
    compacted: CompactedLab, agreed: bool
) -> None:
    """By the host's clock all is spent, and verified a few days ago: only the sites' clocks say no."""
    make_spent(compacted, timedelta(days=68))
    before = {site: spent_left(compacted, site) for site in SITES}
    right = compacted.clock
    ahead = compacted.clock = AheadClock(compacted, timedelta(days=5))
    with compacted.open() as plain:
        told = ahead if agreed else right
        sites = {name: cast(Site, Elsewhere(site, told)) for name, site in plain.sites.items()}
        secrets, ports = keys_of_disposers(plain), Ports.under(ahead)
        with Archive.open(compacted.home, ports=ports, sites=sites) as archive:
            tools = ClearingTools(open_disposers(archive, secrets), sleep=lambda seconds: None)
            report = clear(archive, ClearRequest(), tools=tools)
    if agreed:
        assert report.exit_code == ExitCode.OK
    else:
        (why,) = report.halted
        assert why.startswith("the clocks do not agree")
    left = {site: [key for key in keys if compacted.all_files(site, key)] for site, keys in before.items()}
    assert left == ({site: [] for site in SITES} if agreed else before)
