"""Segments are restored and repaired like everything else, and what they hold may be left out."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recovery.test_repair import mend
from tests.recovery.test_restore import OTHER, lab_keys_at, rebuild
from tests.support.archives import SITES
from tests.support.compacted import PARTS, CompactedLab
from tests.support.lab import named
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.restore import restore_site
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.work import Effort

KINDS = (*PARTS, "manifest")


@pytest.mark.parametrize("lost", SITES)
def test_a_lost_site_is_rebuilt_with_its_locks(compacted: CompactedLab, lost: str) -> None:
    shutil.rmtree(compacted.root(lost))
    report = rebuild(compacted, OTHER[lost])
    assert report.whole
    assert report.copied == report.plan.total == report.plan.todo
    assert report.plan.left_out == 0
    assert compacted.verify().findings == ()
    with compacted.open() as archive:
        locks = [
            {version.key: version.retain_until for version in archive.sites[site].list()} for site in SITES
        ]
    assert locks[0] == locks[1]
    again = rebuild(compacted, OTHER[lost])
    assert again.plan.segments == again.plan.writers == ()


@pytest.mark.parametrize("every", [1, 2, 1000])
def test_compacted_batches_whose_locks_are_over_are_left_out(compacted: CompactedLab, every: int) -> None:
    gone = compacted.dispose(sites=("primary",), every=every)
    spent = len(compacted.compacted())
    shutil.rmtree(compacted.root("primary"))
    report = rebuild(compacted, "standby")
    assert report.whole
    assert report.plan.left_out == spent >= len(gone)
    assert report.copied.objects == report.plan.total.objects == len(compacted.keys()) - spent
    assert not {*compacted.compacted()} & {*lab_keys_at(compacted, "primary")}
    assert compacted.verify().findings == ()
    compacted.forget()
    assert compacted.verify().findings == ()
    assert rebuild(compacted, "standby").plan.todo.objects == 0


def test_what_brings_a_site_to_use_comes_first(compacted: CompactedLab) -> None:
    covered = {*compacted.compacted()}
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        plan = survey(archive, "standby", create=True)
        restore_site(plan, archive.sites["standby"], archive.sites["primary"], effort=Effort(workers=1))
        stored = sorted(archive.sites["primary"].list(), key=lambda version: version.version)
    order = []
    for version in stored:
        name = parse_key(version.key)
        assert name is not None
        family = "covered" if version.key in covered else name.family
        stage = name.kind if name.kind in ("manifest", "originals") else family
        order.append((stage, name.writer))
    newest, oldest = reversed(compacted.segments())
    assert list(dict.fromkeys(stage for stage, _ in order)) == [
        *("manifest", "segment", "batch", "originals", "large", "covered")
    ]
    for stage in ("manifest", "segment", "originals"):
        assert list(dict.fromkeys(owner for at, owner in order if at == stage)) == [newest, oldest]


def test_batches_of_a_segment_that_is_not_whole_at_the_source_are_copied(compacted: CompactedLab) -> None:
    compacted.dispose(sites=(), every=1)
    covered, part, manifest = (
        compacted.compacted(),
        compacted.part("originals", 0),
        compacted.part("manifest", 1),
    )
    shutil.rmtree(compacted.root("primary"))
    compacted.truncate("standby", part)
    compacted.flip("standby", manifest)
    report = rebuild(compacted, "standby")
    assert not report.whole
    assert report.plan.left_out == 0
    assert {*covered} <= {*lab_keys_at(compacted, "primary")}


def test_a_compacted_batch_that_only_the_target_has_is_no_surplus(compacted: CompactedLab) -> None:
    compacted.dispose(sites=("standby",), every=2)
    assert rebuild(compacted, "standby").plan.surplus == 0


def test_uncompacted_batches_whose_locks_are_over_are_locked_anew(compacted: CompactedLab) -> None:
    compacted.clock.moment = compacted.clock.moment.replace(year=2028)
    shutil.rmtree(compacted.root("primary"))
    assert rebuild(compacted, "standby").whole
    found = named(compacted.verify())
    assert {(problem, site) for problem, site, _ in found} == {("lock", "standby")}
    assert mend(compacted).whole
    assert compacted.verify().findings == ()


def test_a_restore_that_stops_is_resumed(compacted: CompactedLab) -> None:
    compacted.dispose(every=3)
    shutil.rmtree(compacted.root("primary"))
    with compacted.open() as archive:
        plan = survey(archive, "standby", create=True)
        done = []

        def stop(items: int = 1, size: int = 0) -> None:
            done.append(items)
            if len(done) == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            restore_site(plan, archive.sites["standby"], archive.sites["primary"], step=stop)
    assert rebuild(compacted, "standby").whole
    assert compacted.verify().findings == ()


HARMS = {"flip": "damaged", "truncate": "damaged", "drop": "missing", "shorten": "lock"}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", HARMS)
def test_one_harmed_copy_is_mended(compacted: CompactedLab, site: str, kind: str, harm: str) -> None:
    compacted.dispose()
    key = compacted.part(kind)
    with compacted.open() as archive:
        asked = archive.sites[site].stat(key).retain_until
    getattr(compacted, harm)(site, key)
    report = mend(compacted)
    assert report.whole
    assert [(action.key, action.target) for action in report.repaired] == [(key, site)]
    assert compacted.verify().whole
    with compacted.open() as archive:
        assert archive.sites[site].stat(key).retain_until == asked


def test_an_uncompacted_batch_whose_lock_is_over_is_locked_again(compacted: CompactedLab) -> None:
    compacted.clock.moment = compacted.clock.moment.replace(year=2028)
    assert {problem for problem, *_ in named(compacted.verify())} == {"lock"}
    assert mend(compacted).whole
    assert compacted.verify().findings == ()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_disposed_of_verify_names_exactly_what_was_harmed(
    compacted_template: Path, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        lab = CompactedLab.copy(compacted_template, Path(folder) / "home")
        covered = lab.compacted()
        gone = data.draw(st.dictionaries(st.sampled_from(covered), st.sampled_from([*SITES, "both"])))
        lab.dispose(sites=())
        for key, where in gone.items():
            for site in SITES if where == "both" else [where]:
                lab.drop(site, key)
        if data.draw(st.booleans()):
            lab.forget()
        harmable = sorted(set(lab.keys()) - set(covered))
        harmed = data.draw(
            st.dictionaries(
                st.sampled_from(harmable), st.tuples(st.sampled_from(SITES), st.sampled_from(sorted(HARMS)))
            )
        )
        for key, (site, harm) in harmed.items():
            getattr(lab, harm)(site, key)
        assert named(lab.verify()) == {(HARMS[harm], site, key) for key, (site, harm) in harmed.items()}
        assert mend(lab).whole
        assert lab.verify().whole
        shutil.rmtree(lab.root("standby"))
        assert rebuild(lab, "primary").whole
        assert lab.verify().whole
