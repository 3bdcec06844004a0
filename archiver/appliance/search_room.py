"""Search as an archive's settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.catalogue import (
    HotTail,
    IndexStorage,
    ScanLimits,
    SearchKeys,
    SearchLimits,
    SearchRoom,
)
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.stores import Site


def open_search_room(
    settings: Settings,
    home: Path,
    *,
    work: Path,
    tail: HotTail,
    sites: Mapping[str, Site],
    keys: SearchKeys,
    ports: Ports,
) -> SearchRoom:
    """Search over one archive; ``work``: a local folder for index files that are being written.

    Raises InvalidInput (URL of the index), SettingsError (its credentials, its folder).
    """
    index, search = settings.index, settings.search
    return SearchRoom.open(
        tail,
        sites,
        keys,
        IndexStorage.open(index.url, home=home, folder=work, options=index.s3.options()),
        ports,
        SearchLimits(search.threads, search.cache_bytes, ScanLimits(search.scan_rows, search.scan_seconds)),
    )
