"""The index store that the settings name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.store import IndexStore
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores import FileUrl, parse_site_url, site_credentials


def open_index_store(
    url: str, *, home: Path, cache: Path, options: S3Options, environment: Mapping[str, str] = os.environ
) -> IndexStore:
    """A folder (relative to the home), or a bucket without Object Lock, which needs no lock: see FORMAT.md.

    The bucket's credentials are ``VANVAULT_INDEX_ACCESS_KEY`` and ``VANVAULT_INDEX_SECRET_KEY`` (or their
    _FILE or _COMMAND forms). Two homes may not share one folder or bucket.

    Raises InvalidInput (URL), SettingsError (no credentials, folder).
    """
    place = parse_site_url(url)
    if isinstance(place, FileUrl):
        try:
            return FolderStore(home / place.path)
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"the index folder cannot be made: {error.strerror}") from error
    from vanvault.archiver.catalogue.index.s3_store import (
        S3Store,  # boto3 takes a quarter of a second to import
    )

    credentials = site_credentials("index", environment).writer
    return S3Store(place, credentials, cache, options=options)
