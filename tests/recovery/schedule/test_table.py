"""The table of jobs, and what settings make of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.core.times import parse_span, span_text
from vanvault.recovery.schedule.program import has_verb
from vanvault.recovery.schedule.table import TABLE, entries_of, entry_named, jobs_on, too_slow

FILES = {"primary": {"url": "file:a"}, "standby": {"url": "file:b"}}
S3 = {"primary": {"url": "s3+https://store:9000/bucket-a"}, "standby": {"url": "file:b"}}


def made(sites: dict[str, Any] = FILES, **sections: Any) -> Settings:
    return Settings(archive="archive-1", sites=sites, **sections)  # type: ignore[arg-type]


def every_verb(_: str) -> bool:
    return True


MAIL = {"mail": {"host": "mail.example.vn"}}


def names_on(settings: Settings) -> list[str]:
    return [job.name for job in jobs_on(settings, every_verb)]


def test_what_is_on_by_default() -> None:
    assert names_on(made()) == ["index", "reconcile", "verify", "drill", "duty-reports", "reports"]
    whys = {entry.job.name: entry.why_off for entry in entries_of(made(), every_verb)}
    assert "compaction.in_serve" in whys["compaction"]
    assert "backup.repository" in whys["backup"]
    assert set(whys) == {job.name for job in TABLE}


def test_what_settings_turn_on() -> None:
    on = {"compaction": {"in_serve": False}, "clearing": {"scheduled": True}, **MAIL}
    found = names_on(made(S3, backup={"repository": "/srv/third"}, **on))
    assert found == [job.name for job in TABLE]
    probe = entry_named(entries_of(made(S3), every_verb), "probe").job
    assert probe.commands == (("probe", "primary"),)
    assert probe.accepted == {0, 21}
    strict = made(S3, probe={"accept_weak": False, "file_sites": True})
    probe = entry_named(entries_of(strict, every_verb), "probe").job
    assert (probe.commands, probe.accepted) == ((("probe", "primary"), ("probe", "standby")), {0})


def test_the_verbs_that_this_version_lacks_are_left_out() -> None:
    entries = entries_of(made(), lambda verb: verb in ("verify", "forecast"))
    assert [entry.job.name for entry in entries if entry.on] == ["verify", "reports"]
    assert entry_named(entries, "reports").job.commands == (("forecast",),)
    assert has_verb("verify")
    assert not has_verb("no_such_verb")
    assert not has_verb("../verify")


def test_settings_change_a_job() -> None:
    said = {"every": "12h", "at": "02:30", "spread": "5m", "deadline": "90s", "missed": "report"}
    job = entry_named(entries_of(made(schedule={"jobs": {"verify": said}}), every_verb), "verify").job
    assert (job.every, job.at) == (timedelta(hours=12), timedelta(hours=2, minutes=30))
    assert (job.spread, job.deadline, job.missed) == (timedelta(minutes=5), timedelta(seconds=90), "report")
    assert job.commands == (("verify", "--next"),)
    assert "verify" not in names_on(made(schedule={"jobs": {"verify": {"on": False}}}))


def test_a_job_of_ones_own() -> None:
    own = {"nightly": {"commands": [["status"], ["forecast"]], "every": "1d"}}
    job = entry_named(entries_of(made(schedule={"jobs": own}), every_verb), "nightly").job
    assert job.commands == (("status",), ("forecast",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("verify", {"every": "often"}),
        ("verify", {"every": "0d"}),
        ("verify", {"every": "999999d"}),
        ("verify", {"deadline": "999999d"}),
        ("verify", {"deadline": "367d"}),
        ("verify", {"spread": "3661d"}),
        ("own", {"commands": [["status"]], "every": "999999999d"}),
        ("verify", {"at": "24:00"}),
        ("verify", {"commands": []}),
        ("verify", {"commands": [[]]}),
        ("verify", {"commands": [["no-such"]]}),
        ("verify", {"commands": [["serve"]]}),
        ("verify", {"commands": [["verify", "--home", "/elsewhere"]]}),
        ("verfiy", {"every": "1d"}),
        ("own", {"commands": [["status"]]}),
        ("own/../x", {"commands": [["status"]], "every": "1d"}),
        ("own", {"commands": [["no-such"]], "every": "1d"}),
    ],
)
def test_wrong_settings_are_named(name: str, said: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"schedule\.jobs"):
        jobs_on(made(schedule={"jobs": {name: said}}), has_verb)


def test_a_span_out_of_bounds_is_named_with_its_bounds() -> None:
    with pytest.raises(SettingsError) as caught:
        jobs_on(made(schedule={"jobs": {"verify": {"every": "999999d"}}}), has_verb)
    assert caught.value.message == "schedule.jobs.verify.every is 999999d, and may be 1s to 3660d"


def test_a_job_whose_settings_are_wrong_is_off_and_stops_no_other() -> None:
    said = {"verify": {"every": "999999d"}, "own": {"commands": [["status"]], "deadline": "1w"}}
    entries = entries_of(made(schedule={"jobs": said}), has_verb)
    assert [entry.job.name for entry in entries if entry.wrong] == ["verify", "own"]
    assert [entry.job.name for entry in entries if entry.on] == [
        "index",
        "reconcile",
        "drill",
        "duty-reports",
        "reports",
    ]
    assert entry_named(entries, "index").on
    with pytest.raises(SettingsError, match=r"schedule\.jobs\.verify\.every"):
        entry_named(entries, "verify")


def test_a_rotation_that_takes_too_long_is_named() -> None:
    def complaint(**sections: Any) -> str:
        settings = made(**sections)
        return too_slow(settings, {job.name: job for job in jobs_on(settings, every_verb)})

    assert complaint() == ""
    assert "verify.max_age_days" in complaint(verify={"shares": 91})
    assert complaint(verify={"shares": 91}, schedule={"jobs": {"verify": {"every": "12h"}}}) == ""
    assert complaint(verify={"shares": 91}, schedule={"jobs": {"verify": {"on": False}}}) == ""


@pytest.mark.parametrize("text", ["1s", "90s", "15m", "12h", "7d", "400d"])
def test_spans_are_read_and_spelled(text: str) -> None:
    assert parse_span(span_text(parse_span(text, "every")), "every") == parse_span(text, "every")
    assert span_text(timedelta(days=7)) == "7d"


@pytest.mark.parametrize("text", ["", "1", "d", "1.5h", "-1d", "1w", "1d ", "01d", "٣d", "0s", "3661d"])
def test_other_spans_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_span(text, "every")
