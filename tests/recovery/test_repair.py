"""Repair makes whole what one good site allows, and says what it cannot mend."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.archives import SITES
from tests.support.lab import Lab, named
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.repair import Copy, RepairReport, plan_repair, repair_sites
from vanvault.recovery.verify import Finding, VerifyReport

HARMS: dict[str, Callable[[Lab, str, str], None]] = {
    "flip": Lab.flip,
    "truncate": Lab.truncate,
    "drop": Lab.drop,
    "shorten": Lab.shorten,
}


def mend(lab: Lab) -> RepairReport:
    plan = plan_repair(lab.verify())
    with lab.open() as archive:
        return repair_sites(plan, archive.sites)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("kind", ["messages", "events", "framed"])
@pytest.mark.parametrize("site", SITES)
def test_one_harmed_copy_is_mended(lab: Lab, site: str, kind: str, harm: str) -> None:
    key = lab.keys(kind=kind)[1]
    HARMS[harm](lab, site, key)
    report = mend(lab)
    assert report.whole
    assert [(action.key, action.target) for action in report.repaired] == [(key, site)]
    assert lab.verify().whole
    assert mend(lab).repaired == ()


def test_swapped_objects_are_mended(lab: Lab) -> None:
    one, other = lab.keys(kind="messages")[:2]
    lab.swap("primary", one, other)
    assert mend(lab).whole
    assert lab.verify().whole


def test_a_repaired_copy_is_locked_as_its_header_says_and_not_as_the_other_site_shows(lab: Lab) -> None:
    dropped, extended = lab.keys(kind="messages")[:2]
    with lab.open() as archive:
        standby = archive.sites["standby"]
        good = standby.stat(dropped)
        assert good.retain_until is not None
        standby.extend(dropped, good.version, good.retain_until + timedelta(days=400))
        asked = archive.sites["primary"].stat(extended).retain_until
    lab.drop("primary", dropped)
    lab.shorten("primary", extended)
    assert mend(lab).whole
    with lab.open() as archive:
        assert archive.sites["primary"].stat(dropped).retain_until == good.retain_until
        assert archive.sites["primary"].stat(extended).retain_until == asked


def test_a_short_lock_at_the_source_is_not_copied(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    with lab.open() as archive:
        asked = archive.sites["primary"].stat(key).retain_until
    lab.drop("primary", key)
    lab.shorten("standby", key)
    assert mend(lab).whole
    with lab.open() as archive:
        assert {site.stat(key).retain_until for site in archive.sites.values()} == {asked}


def test_a_good_version_goes_on_top_of_a_damaged_one_even_from_below_it(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    for site in SITES:
        path = lab.files(site, key)[-1]
        newer = f"{key.rpartition('/')[2]}~1m80hhhhh000000-20391123T000000Z"
        assert newer > path.name
        path.with_name(newer).write_bytes(b"bad")
    assert mend(lab).whole
    report = lab.verify()
    assert report.whole
    assert named(report, failing=False) == {("superseded", site, key) for site in SITES}


def test_what_is_lost_at_both_sites_is_beyond_repair_and_the_rest_is_mended(lab: Lab) -> None:
    lost, dropped = lab.keys(kind="messages")[:2]
    lab.flip("primary", lost)
    lab.drop("standby", lost)
    lab.drop("standby", dropped)
    report = mend(lab)
    assert not report.whole
    assert {(finding.problem, finding.site) for finding in report.beyond} == {
        ("damaged", "primary"),
        ("missing", "standby"),
    }
    assert [action.key for action in report.repaired] == [dropped]


def test_extra_files_are_let_be_and_repair_ends_as_verify_does(lab: Lab) -> None:
    lab.add("primary", "what/is/this", b"?")
    report = mend(lab)
    assert (report.repaired, report.failed, report.beyond) == ((), (), ())
    assert [(one.problem, one.key) for one in report.aside] == [("extra", "what/is/this")]
    found = lab.verify()
    assert named(found) == {("extra", "primary", "what/is/this")}
    assert (report.whole, report.exit_code) == (found.whole, found.exit_code)
    assert report.exit_code == ExitCode.CHECK_FAILED


def test_repair_needs_no_keys_to_copy(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    lab.drop("primary", key)
    key_file = lab.home / "keys" / "originals-1.key"
    secret = key_file.read_bytes()
    key_file.unlink()
    report = mend(lab)
    assert [action.key for action in report.repaired] == [key]
    assert [finding.problem for finding in report.beyond] == ["key"]
    key_file.write_bytes(secret)
    key_file.chmod(0o600)
    assert lab.verify().whole


def test_an_absent_site_is_beyond_repair(lab: Lab) -> None:
    shutil.rmtree(lab.root("standby"))
    report = mend(lab)
    assert [finding.problem for finding in report.beyond] == ["unavailable"]
    assert report.repaired == ()


def test_a_bogus_object_is_not_spread() -> None:
    def finding(site: str, problem: str) -> Finding:
        return Finding(site, "batch/x", problem, "", parse_rfc3339("2037-01-01"))  # type: ignore[arg-type]

    report = VerifyReport({}, 1, 0, 0, (finding("primary", "foreign"), finding("standby", "missing")), 0.0)
    plan = plan_repair(report)
    assert plan.actions == ()
    assert len(plan.beyond) == 2


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_harm_to_at_most_one_copy_of_each_object_is_found_and_mended(
    template: Path, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        lab = Lab.copy(template, Path(folder) / "home")
        keys = lab.keys()
        harmed = data.draw(
            st.dictionaries(
                st.sampled_from(keys), st.tuples(st.sampled_from(SITES), st.sampled_from(sorted(HARMS)))
            )
        )
        for key, (site, harm) in harmed.items():
            HARMS[harm](lab, site, key)
        problems = {"flip": "damaged", "truncate": "damaged", "drop": "missing", "shorten": "lock"}
        report = lab.verify()
        assert named(report) == {(problems[harm], site, key) for key, (site, harm) in harmed.items()}
        plan = plan_repair(report)
        assert sum(isinstance(action, Copy) for action in plan.actions) == sum(
            harm != "shorten" for _, harm in harmed.values()
        )
        assert mend(lab).whole
        assert lab.verify().whole
