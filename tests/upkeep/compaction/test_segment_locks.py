"""Parts of a segment are locked before a manifest vouches for them, and the manifest outlasts them all."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.support.archives import Home
from tests.support.memory_site import MemorySite
from tests.upkeep.compaction.homes import fill

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.names import parse_key, segment_prefix
from vanvault.archiver.stores import StoredVersion
from vanvault.archiver.upkeep import compact


class Forgetful(MemorySite):
    """Says that it moved a lock, and did not."""

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        return self.stat(key, version)


def test_a_segment_of_which_a_site_did_not_lock_a_part_is_none(home: Home) -> None:
    home.sites["standby"] = Forgetful("standby", clock=home.clock)
    archive = home.archive()
    fill(home, archive)
    with pytest.raises(Damaged, match="did not lock"):
        compact(archive)
    listed = [
        parse_key(version.key) for site in home.sites.values() for version in site.list(segment_prefix())
    ]
    assert [name for name in listed if name is not None and name.kind == "manifest"] == []


def test_a_manifest_is_locked_as_long_as_the_part_that_is_kept_longest(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_RETENTION__ORIGINALS_YEARS", "5")
    archive = home.archive()
    fill(home, archive)
    assert compact(archive).report.segments
    for site in home.sites.values():
        locks: dict[str, dict[str, datetime]] = {}
        for version in site.list(segment_prefix()):
            name = parse_key(version.key)
            assert name is not None
            assert version.retain_until is not None
            locks.setdefault(name.writer, {})[name.kind] = version.retain_until
        for parts in locks.values():
            assert parts["manifest"] == parts["log"] > parts["originals"]
