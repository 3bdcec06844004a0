"""What status and a look at a receipt say about clearing."""

from __future__ import annotations

import json
from typing import Any

import orjson

from tests.support.archives import SITES
from tests.support.clearing import cleared, make_spent, spent_left
from tests.support.compacted import CompactedLab
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.names import parse_key
from vanvault.recovery.clearing import SpentCount, cleared_object
from vanvault.recovery.status import status


def receipt(lab: CompactedLab, key: str) -> dict[str, Any]:
    name = parse_key(key)
    assert name is not None
    with lab.open() as archive:
        archive.catch_up()
        found: dict[str, Any] = json.loads(
            orjson.dumps(archive.receipts.of(f"{name.writer}-{name.sequence}-0"))
        )
        return found


def spent(archive: Archive) -> tuple[SpentCount, ...]:
    return status(archive).segments.spent


def test_status_says_what_would_go_and_then_nothing(compacted: CompactedLab) -> None:
    with compacted.open() as archive:
        archive.catch_up()
        assert [(one.site, one.batches) for one in spent(archive)] == [(site, 0) for site in SITES]
    make_spent(compacted)
    planned = cleared(compacted, dry_run=True)
    with compacted.open() as archive:
        told = {one["site"]: one for one in status(archive).as_json()["segments"]["spent"]}
    for site in SITES:
        assert (told[site]["batches"], told[site]["bytes"]) == planned.total(site)
        assert told[site]["batches"] == len(spent_left(compacted, site)) > 0
    cleared(compacted)
    with compacted.open() as archive:
        assert [one.batches for one in spent(archive)] == [0, 0]


def test_beside_a_receipt_stands_where_its_object_went(compacted: CompactedLab) -> None:
    make_spent(compacted)
    key = compacted.compacted(0)[0]
    before = receipt(compacted, key)
    with compacted.open() as archive:
        archive.catch_up()
        assert cleared_object(archive, before) is None
    cleared(compacted)
    assert receipt(compacted, key) == before
    with compacted.open() as archive:
        archive.catch_up()
        told = cleared_object(archive, before)
        assert told is not None
        assert (told.segment, told.sites) == (compacted.segments()[0], SITES)
        open_still = receipt(compacted, compacted.chain(-1)[0])
        assert cleared_object(archive, open_still) is None


def test_a_site_that_is_away_says_nothing(compacted: CompactedLab) -> None:
    make_spent(compacted)
    cleared(compacted)
    before = receipt(compacted, next(iter(_evidence_keys(compacted))))
    compacted.root("primary").rename(compacted.root("primary").with_name("gone"))
    with compacted.open() as archive:
        told = cleared_object(archive, before)
        assert told is not None
        assert told.sites == ("standby",)
        assert [one.site for one in spent(archive)] == ["standby"]


def _evidence_keys(lab: CompactedLab) -> list[str]:
    keys: list[str] = lab.tables()["evidence"].column("key").to_pylist()
    return keys
