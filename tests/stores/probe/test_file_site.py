"""The probe of a file site."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.memory_site import MemorySite
from vanvault.archiver.stores import (
    FileSite,
    StoredVersion,
)
from vanvault.archiver.stores.files.flags import immutable_supported
from vanvault.archiver.stores.probe import probe_file
from vanvault.archiver.stores.probe.checks import CHECKS
from vanvault.archiver.stores.probe.file_site import attack
from vanvault.archiver.stores.verdict import ProbeResult, verdict


class SteppingClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 8, 0, 0, 250_000, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def probe(root: Path, immutable: bool = False) -> ProbeResult:
    clock = SteppingClock()
    if not root.exists():
        FileSite.create(root, "primary", archive="a", clock=clock)
    return probe_file("primary", root, immutable=immutable, clock=clock, sleep=clock.sleep)


def failed(result: ProbeResult) -> list[str]:
    return [finding.check for finding in result.findings if not finding.ok]


def test_without_the_flag_the_lock_is_weak_and_says_so(tmp_path: Path) -> None:
    result = probe(tmp_path / "site")
    assert (result.verdict, failed(result)) == ("weak", ["file-immutable"])
    assert {one.check for one in result.findings} >= {c for c in CHECKS if c.startswith("file-")}
    assert result.capabilities["exact_dates"]
    assert os.listdir(tmp_path) == ["site"]
    assert not list((tmp_path / "site" / "objects").iterdir())


def test_with_the_flag_it_passes(tmp_path: Path) -> None:
    if not immutable_supported(tmp_path):
        pytest.skip("this process may not set the immutable flag on this file system")
    result = probe(tmp_path / "site", immutable=True)
    assert (result.verdict, failed(result)) == ("pass", [])
    assert os.listdir(tmp_path) == ["site"]


def test_a_folder_open_to_others_is_said(tmp_path: Path) -> None:
    probe(tmp_path / "site")
    (tmp_path / "site").chmod(0o777)
    result = probe(tmp_path / "site")
    assert "file-permissions" in failed(result)


class ForgetfulSite(MemorySite):
    """A store that takes a lock, and later knows nothing of it."""

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return replace(super().stat(key, version), retain_until=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_store_that_gives_way_is_refused() -> None:
    clock = SteppingClock()
    right = attack(MemorySite("right", clock=clock), clock, clock.sleep)
    assert [one.check for one in right if not one.ok] == []
    wrong = attack(ForgetfulSite("wrong", clock=clock), clock, clock.sleep)
    assert verdict(wrong) == "refused"
    assert "file-shorten" in [one.check for one in wrong if not one.ok]
