"""What the lock keeper goes by: the locks that sites show, of batches and of segments."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from tests.support.archives import Home
from tests.support.compacted import PARTS, CompactedLab
from tests.support.lockless import Lockless
from tests.upkeep.compaction.homes import drafts, push

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.options import LockPace
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep.compaction.keeper import keep, survey
from vanvault.archiver.upkeep.compaction.proof import Proof, prove_segments


@pytest.mark.parametrize("shown", [True, False], ids=["listed locks", "locks by question"])
def test_a_lock_is_extended_when_it_ends_soon_and_not_before(home: Home, shown: bool) -> None:
    archive = home.archive()
    keys = push(archive, drafts(1))
    pace = LockPace()
    sites: dict[str, Site] = dict(home.sites)
    if not shown:
        sites = {name: Lockless(site) for name, site in sites.items()}  # type: ignore[misc]
    report = keep(sites, archive.catalogue, pace, now=home.clock.now)
    assert (report.extended, report.alarms, report.failures) == (0, (), ())
    home.clock.advance(pace.lock - pace.ahead + timedelta(hours=1))
    assert survey(sites, archive.catalogue, pace, now=home.clock.now).extended == 0
    report = keep(sites, archive.catalogue, pace, now=home.clock.now)
    assert (report.extended, report.alarms, report.failures) == (2 * len(keys), (), ())
    for site in home.sites.values():
        for key in keys:
            until = site.stat(key).retain_until
            assert until is not None
            assert until >= home.clock.now().replace(microsecond=0) + pace.lock
    home.clock.advance(pace.lock - pace.alarm + timedelta(hours=1))
    report = keep(sites, archive.catalogue, pace, now=home.clock.now)
    assert len(report.alarms) == report.extended == 2 * len(keys)
    home.check()


def proof_of(archive: Archive, *, lockless: bool = False) -> Proof:
    sites = archive.sites
    if lockless:
        sites = {name: Lockless(site) for name, site in sites.items()}  # type: ignore[misc]
    return prove_segments(sites, archive.catalogue, now=archive.clock.now)


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_under_a_shorter_lock_than_its_manifest_promises_is_no_proof(
    compacted: CompactedLab, kind: str
) -> None:
    with compacted.open() as archive:
        assert proof_of(archive) == Proof(frozenset(), ())
    key = compacted.part(kind)
    compacted.shorten("standby", key)
    with compacted.open() as archive:
        proof = proof_of(archive)
        (segment,) = [one for one in archive.catalogue.segments() if one.n in proof.lacking]
        assert key in {part.key for part in segment.manifest.parts}
        (failure,) = proof.failures
        assert failure.startswith(f"standby: {key} is missing or not locked")
        # Where listings do not show locks, a part that is there counts; verify asks for each lock.
        assert proof_of(archive, lockless=True).lacking == frozenset()


def put_again(archive: Archive, site: str, key: str, until: datetime) -> None:
    data = archive.sites[site].get(key)
    archive.sites[site].put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=until)


@pytest.mark.parametrize("newer", ["longer", "shorter"])
def test_of_several_versions_of_a_part_the_longest_lock_counts(compacted: CompactedLab, newer: str) -> None:
    key = compacted.part("evidence")
    with compacted.open() as archive:
        until = archive.sites["standby"].stat(key).retain_until
    assert until is not None
    if newer == "longer":
        compacted.shorten("standby", key)
    with compacted.open() as archive:
        put_again(archive, "standby", key, until if newer == "longer" else until - timedelta(days=1000))
        locks = [version.retain_until for version in archive.sites["standby"].versions(key)]
        assert sorted(locks, reverse=newer == "longer") == locks  # type: ignore[type-var]
        assert len(locks) == 2
        assert proof_of(archive) == Proof(frozenset(), ())


def test_a_manifest_that_a_site_lost_is_brought_there(compacted: CompactedLab) -> None:
    key = compacted.part("manifest")
    compacted.drop("standby", key)
    with compacted.open() as archive:
        assert proof_of(archive) == Proof(frozenset(), ())
        here, there = (archive.sites[site].stat(key) for site in ("standby", "primary"))
        assert here.retain_until == there.retain_until
