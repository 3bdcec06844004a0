"""An index file is listed only when it is complete: its filter is there before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.compacted import CompactedLab

from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.upkeep import index_status, rebuild_index


def test_a_build_that_stops_between_its_two_files_leaves_no_index_without_a_filter(
    compacted: CompactedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    real = FolderStore.put

    def put(store: FolderStore, name: str, source: Path) -> None:
        if stored:
            raise SiteUnavailable("the disk went away", site="index", may_be_stored=False)
        stored.append(name)
        real(store, name, source)

    with compacted.open() as archive:
        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "put", put)
            with pytest.raises(SiteUnavailable):
                rebuild_index(archive, discard=True)
        assert stored[0].endswith(".idx.filter")
        segments = len(archive.catalogue.segments())
        assert len(index_status(archive).not_indexed) == segments
        assert rebuild_index(archive).indexed == segments
        assert index_status(archive).not_indexed == ()
