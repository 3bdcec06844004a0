"""Sites from their URLs: the one place that knows which kinds of store there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import SettingsError, SiteFaulty, SiteUnavailable
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.options import FileOptions, S3Options
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.credentials import SiteCredentials, site_credentials
from vanvault.archiver.stores.files.root import read_manifest
from vanvault.archiver.stores.files.site import FileSite
from vanvault.archiver.stores.lazy import LazySite
from vanvault.archiver.stores.port import Site
from vanvault.archiver.stores.timed import TimedSite
from vanvault.archiver.stores.url import FileUrl, S3Url, parse_site_url

if TYPE_CHECKING:
    from vanvault.archiver.stores.s3.site import S3Site


def create_site(
    name: str,
    url: str,
    *,
    home: Path,
    archive: str,
    clock: Clock,
    s3: S3Options | None = None,
    environment: Mapping[str, str] = os.environ,
    again: bool = False,
) -> None:
    """Make an empty site where ``url`` says.

    ``again``: an earlier attempt may have made it; a file site of this name and archive stays as it is.
    Raises InvalidInput (URL), SettingsError (not empty, no credentials), SiteUnavailable.
    """
    place = parse_site_url(url)
    if isinstance(place, FileUrl):
        if not again or not _is_made(home / place.path, name, archive):
            FileSite.create(home / place.path, name, archive=archive, clock=clock)
        return
    from vanvault.archiver.stores.s3.prepare import prepare_bucket  # boto3: see _S3Opener

    writer = site_credentials(name, environment).writer
    prepare_bucket(place, name, credentials=writer, options=s3 or S3Options())


def _is_made(path: Path, name: str, archive: str) -> bool:
    try:
        manifest = read_manifest(path)
    except SiteUnavailable:
        return False
    return (manifest.site, manifest.archive) == (name, archive)


def open_site(
    name: str,
    url: str,
    *,
    home: Path,
    archive: str,
    clock: Clock,
    immutable: bool = False,
    fault: Fault = no_fault,
    file: FileOptions | None = None,
    s3: S3Options | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Site:
    """The site at ``url``, opened at its first use. Raises InvalidInput (URL).

    ``immutable``, ``fault`` and ``file`` are for file sites, ``s3`` and ``environment`` (credentials) for S3.
    """
    place = parse_site_url(url)
    if isinstance(place, FileUrl):
        path = home / place.path
        opener = partial(_open_file, path, name, archive, clock, immutable, fault)
        return TimedSite(LazySite(name, opener), file)
    return LazySite(name, _S3Opener(place, name, clock, s3 or S3Options(), environment))


def _open_file(path: Path, name: str, archive: str, clock: Clock, immutable: bool, fault: Fault) -> Site:
    """Raises as ``check_file_site`` does, SettingsError."""
    check_file_site(path, name, archive)
    return FileSite(path, name, clock=clock, immutable=immutable, fault=fault)


def check_file_site(path: Path, name: str, archive: str) -> None:
    """Is the site of this name and archive there, by what its folder says of itself?

    That may be another's work, so it stops no node: the site is out then. Raises SiteUnavailable, SiteFaulty
    (another site's or archive's, or no site's description).
    """
    try:
        manifest = read_manifest(path)
    except SettingsError as error:
        raise _not_this_site(name, error.message) from error
    if manifest.site != name:
        raise _not_this_site(name, f"{path} says that it is the site {manifest.site[:40]!r}")
    if manifest.archive != archive:
        raise _not_this_site(name, f"the site {name} belongs to another archive")


def _not_this_site(name: str, why: str) -> SiteFaulty:
    return SiteFaulty(why, site=name, hint="Correct the site's path in the settings, or mend its site.json.")


class _S3Opener:
    """Opens an S3 site; after trouble, again with the credentials as they are by then."""

    def __init__(
        self, url: S3Url, name: str, clock: Clock, options: S3Options, environment: Mapping[str, str]
    ) -> None:
        self._url = url
        self._name = name
        self._clock = clock
        self._options = options
        self._environment = environment
        self._last: tuple[SiteCredentials, S3Site] | None = None

    def __call__(self) -> Site:
        """The last clients, and their open connections, serve as long as their credentials do."""
        credentials = site_credentials(self._name, self._environment)
        if self._last is None or self._last[0] != credentials:
            # boto3 takes a quarter of a second to import, which homes without S3 need not spend.
            from vanvault.archiver.stores.s3.site import S3Site

            site = S3Site(
                self._url, self._name, credentials=credentials, clock=self._clock, options=self._options
            )
            self._last = credentials, site
        return self._last[1]
