"""The segment that an earlier version wrote is read by this one: every row, body, record and signature."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.golden.make_segment import COMPACTED, V1, copy_home
from tests.golden.test_golden import ORIGINALS
from tests.support.clocks import ManualClock
from tests.upkeep.compaction.reading import (
    batch_entries,
    check_compacted,
    check_evidence,
    covered,
    segment_entries,
    whole_segments,
)
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.format.segments import decode_manifest
from vanvault.archiver.core.model import Event, Message
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.upkeep import compact, keep_locks

GOLDEN = Path(__file__).parent / "segment-v1"
#: Sequences of the batches that the segments hold: both writers of v1, whole.
WRITERS = sorted(path.name for path in (V1 / "home/sites/primary/objects/batch").iterdir())
COVERED = {(writer, n) for writer in WRITERS for n in range(4)}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    copy_home(GOLDEN / "home", tmp_path / "home")
    ports = Ports.under(ManualClock(COMPACTED + timedelta(days=2)))
    with Archive.open(tmp_path / "home", ports=ports) as found:
        yield found


@pytest.fixture
def manifests(archive: Archive) -> dict[str, dict[str, Any]]:
    return whole_segments(archive.sites, archive.clock.now())


def test_the_manifests_are_trusted(archive: Archive, manifests: dict[str, dict[str, Any]]) -> None:
    archive.catch_up()
    assert {one.key for one in archive.catalogue.segments()} == set(manifests)
    assert covered(manifests.values()) == COVERED
    assert [manifest["day"] for manifest in sorted(manifests.values(), key=lambda m: m["day"])] == [
        "2026-11-22",
        "2026-11-23",
    ]
    for key, manifest in manifests.items():
        decoded = decode_manifest(archive.sites["primary"].get(key), archive.signing.public, key=key)
        assert (decoded.segment, decoded.rows) == (
            manifest["segment"],
            manifest["messages"] + manifest["events"],
        )


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_every_row_and_body_is_read(
    archive: Archive, manifests: dict[str, dict[str, Any]], site: str
) -> None:
    assert check_compacted(archive, archive.sites, archive.clock.now()) == COVERED
    found: dict[str, bytes | None] = {}
    events = set()
    for manifest in manifests.values():
        for entries in segment_entries(archive, archive.sites[site], manifest).values():
            found |= {entry.message_id: entry.body for entry in entries if isinstance(entry, Message)}
            events |= {entry.event_id for entry in entries if isinstance(entry, Event)}
    assert found == {id: None if id == "m-3" else body for id, body in ORIGINALS.items()}
    assert {"e-1", "e-2"} <= events


def test_the_evidence_holds_headers_and_commit_records(
    archive: Archive, manifests: dict[str, dict[str, Any]]
) -> None:
    for manifest in manifests.values():
        check_evidence(archive, archive.sites["standby"], manifest, archive.sites["primary"])


def test_this_version_goes_on_from_it(archive: Archive) -> None:
    """What is compacted is not compacted again; what came after is."""
    run = compact(archive)
    assert [segment.day for segment in run.report.segments] == ["2026-11-25"]
    report = keep_locks(archive)
    assert (report.alarms, report.failures) == ((), ())
    assert check_compacted(archive, archive.sites, archive.clock.now()) > COVERED
    assert batch_entries(archive)
