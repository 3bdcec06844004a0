"""One site: the interface that every store implements, and sites opened from their URLs and credentials."""

from __future__ import annotations

from vanvault.archiver.stores.credentials import Credentials, optional_credentials, site_credentials
from vanvault.archiver.stores.daemon_threads import DaemonThreads
from vanvault.archiver.stores.disposing import DisposerOptions, held_disposers, open_disposer
from vanvault.archiver.stores.files.alike import FoldersAlike
from vanvault.archiver.stores.files.disposer_secret import give_secret, has_secret, is_secret
from vanvault.archiver.stores.files.errors import read_failed, write_failed
from vanvault.archiver.stores.files.layout import folder_of
from vanvault.archiver.stores.files.root import KEPT_FOLDER
from vanvault.archiver.stores.files.site import FileSite
from vanvault.archiver.stores.open import check_file_site, create_site, open_site
from vanvault.archiver.stores.port import (
    Capabilities,
    Disposer,
    Incoming,
    Oversize,
    Site,
    SiteReader,
    SiteWriter,
    StoredVersion,
    Stray,
    able_to_pass,
    passing,
)
from vanvault.archiver.stores.read_only import ReadOnlySite, read_only
from vanvault.archiver.stores.rules import check_key, printable
from vanvault.archiver.stores.timed import BegunPut, TimedSite
from vanvault.archiver.stores.url import FileUrl, S3Url, check_repository, parse_site_url
from vanvault.archiver.stores.where import check_places, sites_together

__all__ = [
    "KEPT_FOLDER",
    "BegunPut",
    "Capabilities",
    "Credentials",
    "DaemonThreads",
    "Disposer",
    "DisposerOptions",
    "FileSite",
    "FileUrl",
    "FoldersAlike",
    "Incoming",
    "Oversize",
    "ReadOnlySite",
    "S3Url",
    "Site",
    "SiteReader",
    "SiteWriter",
    "StoredVersion",
    "Stray",
    "TimedSite",
    "able_to_pass",
    "check_file_site",
    "check_key",
    "check_places",
    "check_repository",
    "create_site",
    "folder_of",
    "give_secret",
    "has_secret",
    "held_disposers",
    "is_secret",
    "open_disposer",
    "open_site",
    "optional_credentials",
    "parse_site_url",
    "passing",
    "printable",
    "read_failed",
    "read_only",
    "site_credentials",
    "sites_together",
    "write_failed",
]
