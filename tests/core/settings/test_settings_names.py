"""Old names of settings work for one more version, with a warning, wherever they are given."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.options import (
    HealthRules,
    LockPace,
    PoolLimits,
    ProbePolicy,
    ReconcilePace,
    S3Options,
    SearchLimits,
    SegmentLimits,
)
from vanvault.archiver.core.settings import RENAMED, Settings

#: (section, old name, new name) of every renamed setting.
CASES = [(section, old, new) for section, names in RENAMED.items() for old, new in names.items()]


def file_with(section: str, name: str = "", value: object = None) -> dict[str, Any]:
    """The fields of a settings file that gives one value besides what must be there."""
    fields: dict[str, Any] = {
        "archive": "an-archive",
        "sites": {"primary": {"url": "file:sites/primary"}, "standby": {"url": "file:sites/standby"}},
    }
    table = fields
    for part in section.split("."):
        table = table.setdefault(part, {})
    if name:
        table[name] = value
    return fields


def value_of(settings: Settings, section: str, name: str) -> object:
    found: object = settings
    for part in (*section.split("."), name):
        found = getattr(found, part)
    return found


def another_value(section: str, name: str) -> int:
    """A value that fits the setting and is not its default."""
    default = value_of(Settings(**file_with(section)), section, name)
    assert isinstance(default, int | float)
    return 50 if name == "follow_interval_s" else 7 if name == "compression_level" else int(default) + 1


def variable(section: str, name: str) -> str:
    return f"VANVAULT_{section.replace('.', '__')}__{name}".upper()


@pytest.mark.parametrize(("section", "old", "new"), CASES)
def test_an_old_name_in_the_file_gives_the_new_setting(section: str, old: str, new: str) -> None:
    value = another_value(section, new)
    fields = file_with(section, old, value)
    assert value_of(Settings(**fields), section, new) == value
    assert fields == file_with(section, old, value), "the caller's fields are left as they are"


@pytest.mark.parametrize(("section", "old", "new"), CASES)
def test_an_old_name_in_the_environment_gives_the_new_setting(
    section: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = another_value(section, new)
    monkeypatch.setenv(variable(section, old), str(value))
    assert value_of(Settings(**file_with(section)), section, new) == value


@pytest.mark.parametrize(("section", "old", "new"), CASES)
def test_both_names_in_one_file_are_an_error_that_names_both(section: str, old: str, new: str) -> None:
    fields = file_with(section, old, 9)
    table = fields
    for part in section.split("."):
        table = table[part]
    table[new] = 9
    with pytest.raises(SettingsError, match=rf"{section}\.{old} and {section}\.{new} ") as caught:
        Settings(**fields)
    assert new in caught.value.hint


def test_both_names_in_the_environment_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_CLOCK__CHECK_S", "3")
    monkeypatch.setenv("VANVAULT_CLOCK__CHECK_INTERVAL_S", "3")
    with pytest.raises(SettingsError, match="are one setting"):
        Settings(**file_with("clock"))


@pytest.mark.parametrize(
    ("in_file", "in_environment"), [("check_s", "CHECK_INTERVAL_S"), ("check_interval_s", "CHECK_S")]
)
def test_the_environment_overrides_the_file_whichever_name_each_uses(
    in_file: str, in_environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VANVAULT_CLOCK__{in_environment}", "3")
    assert Settings(**file_with("clock", in_file, 4)).clock.check_interval_s == 3


@pytest.mark.parametrize("name", ["checks_s", "max_skew", "level"])
def test_unknown_names_are_errors_still(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings(**file_with("clock", name, 3))


def test_a_section_that_is_no_table_is_an_error_still() -> None:
    with pytest.raises(ValidationError, match="clock"):
        Settings(**(file_with("intake") | {"clock": 3}))


_TWICE = """
from vanvault.archiver.core.settings import Settings
for _ in range(2):
    Settings(
        archive="an-archive",
        sites={"primary": {"url": "file:one"}, "standby": {"url": "file:two"}},
        compaction={"level": 9},
        verify={"parts": 9},
    )
"""


def test_a_process_warns_once_on_stderr_for_each_old_name() -> None:
    done = subprocess.run([sys.executable, "-c", _TWICE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "The setting compaction.level is called compaction.compression_level now;"
        " the next version will not know the old name."
    ]


def test_new_names_give_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Settings(**file_with("clock", "check_interval_s", 4))
    assert caplog.records == []


def test_what_rooms_take_has_one_home_for_its_defaults() -> None:
    settings = Settings(**file_with("intake"))
    assert settings.sites.primary.s3.options() == S3Options()
    assert settings.index.s3.options() == S3Options()
    assert settings.intake.pool_limits() == PoolLimits()
    assert settings.compaction.limits() == SegmentLimits()
    assert settings.compaction.lock_pace() == LockPace()
    assert settings.search.limits() == SearchLimits()
    assert settings.probe.policy() == ProbePolicy()
    assert settings.health.rules() == HealthRules()
    assert settings.reconcile.pace() == ReconcilePace()
