"""Everything that reads an archive knows what was cleared: nothing is missing, and nothing is copied back.

A batch that is gone at one site and still lies at the other is as usual: a clearing goes site by site.
"""

from __future__ import annotations

import shutil

import pytest

from tests.recovery.test_restore import OTHER, lab_keys_at, rebuild
from tests.support.archives import SITES
from tests.support.clearing import cleared, make_spent, spent_left
from tests.support.compacted import CompactedLab
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.reconcile import ReconcileRequest, reconcile
from vanvault.recovery.repair import RepairRequest, repair
from vanvault.recovery.status import status


class Killed(BaseException):
    """The process ends here."""


def clear_some(lab: CompactedLab, batches: int) -> None:
    """A clearing that is killed after so many batches."""
    count = 0

    def fault(name: str) -> None:
        nonlocal count
        if name == "clearing-removed":
            count += 1
            if count == batches:
                raise Killed

    with pytest.raises(Killed):
        cleared(lab, fault=fault)


@pytest.fixture(params=["everywhere", "half of one site"])
def gone(request: pytest.FixtureRequest, compacted: CompactedLab) -> CompactedLab:
    """An archive of which batches were cleared."""
    make_spent(compacted)
    if request.param == "everywhere":
        cleared(compacted)
    else:
        clear_some(compacted, len(compacted.compacted(0)) // 2)
        assert len(spent_left(compacted, "primary")) != len(spent_left(compacted, "standby"))
    return compacted


def keys_at(lab: CompactedLab) -> dict[str, list[str]]:
    return {site: lab_keys_at(lab, site) for site in SITES}


def test_verify_misses_nothing(gone: CompactedLab) -> None:
    assert gone.verify().findings == ()
    gone.forget()
    assert gone.verify().findings == ()


def test_repair_copies_nothing_back(gone: CompactedLab) -> None:
    before = keys_at(gone)
    with gone.open() as archive:
        done = repair(archive, RepairRequest())
    assert done.exit_code == 0
    own = {key for site in SITES for key in set(keys_at(gone)[site]) - set(before[site])}
    assert not own & set(gone.compacted())
    for site in SITES:
        assert {*spent_left(gone, site)} <= {*before[site]}


def test_reconcile_copies_nothing_back(gone: CompactedLab) -> None:
    before = {site: spent_left(gone, site) for site in SITES}
    with gone.open() as archive:
        done = reconcile(archive, ReconcileRequest())
        assert done.exit_code == 0
        assert not any(lag.objects for lag in (*done.report.lags.values(), *done.report.left.values()))
    assert {site: spent_left(gone, site) for site in SITES} == before


@pytest.mark.parametrize("lost", SITES)
def test_a_restore_copies_none_and_is_whole(gone: CompactedLab, lost: str) -> None:
    shutil.rmtree(gone.root(lost))
    report = rebuild(gone, OTHER[lost])
    assert report.whole
    assert not {*gone.compacted()} & {*lab_keys_at(gone, lost)}
    assert gone.verify().findings == ()


def test_status_tells_of_nothing_that_is_missing(gone: CompactedLab) -> None:
    with gone.open() as archive:
        told = {one.id for one in status(archive).conditions}
    assert not told & {"site-behind", "damage-known", "lock-ends", "hot-tail-incomplete", "set-aside"}


def test_the_keeper_prolongs_no_lock_of_what_is_spent(gone: CompactedLab) -> None:
    markers = {key: gone.markers(site, key) for site in SITES for key in spent_left(gone, site)}
    gone.keep()
    assert {key: gone.markers(site, key) for site in SITES for key in spent_left(gone, site)} == markers


def test_every_entry_is_found_read_and_receipted(gone: CompactedLab) -> None:
    gone.forget()
    with gone.open() as archive:
        archive.catch_up()
        items = list(archive.search.every(_everything(), lambda one: pytest.fail(str(one))))
        assert len(items) > 50
        for item in items:
            assert archive.receipts.of(item["id"])["id"] == item["id"]
            if item["entry"] == "message":
                assert len(archive.original(item)) == item["size"]


def _everything() -> object:
    from vanvault.archiver.catalogue import Query

    return Query()


def test_a_cleared_batch_that_comes_back_is_cleared_again(compacted: CompactedLab) -> None:
    make_spent(compacted)
    victim = compacted.compacted()[0]
    name, data = parse_key(victim), compacted.data("standby", victim)
    assert name is not None
    cleared(compacted)
    compacted.add("primary", victim, data)
    assert compacted.verify().whole
    cleared(compacted)
    assert not compacted.all_files("primary", victim)
