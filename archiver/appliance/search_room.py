"""Search as an archive's settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.catalogue import (
    HotTail,
    IndexStorage,
    SearchKeys,
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
    index = settings.index
    return SearchRoom.open(
        tail,
        sites,
        keys,
        IndexStorage.open(index.url, home=home, folder=work, options=index.s3.options()),
        ports,
        settings.search.limits(),
    )
