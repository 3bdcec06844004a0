"""The disposer of a site: reads, and removes a version whose lock has ended; it cannot put or extend.

Its credentials are asked by names of their own, which the general pair never answers, and are given to the
process that removes and to no other: what serves or backs up never opens one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.options import FileOptions, S3Options
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.credentials import Credentials, SiteCredentials, optional_credentials
from vanvault.archiver.stores.files.disposer_secret import is_secret
from vanvault.archiver.stores.files.site import FileSite
from vanvault.archiver.stores.lazy import LazyDisposer
from vanvault.archiver.stores.open import check_file_site
from vanvault.archiver.stores.port import AllRights, Disposer
from vanvault.archiver.stores.read_only import ReadOnlySite
from vanvault.archiver.stores.timed import TimedDisposer
from vanvault.archiver.stores.url import FileUrl, parse_site_url

DUTY = "disposer"


@dataclass(frozen=True, slots=True)
class DisposerOptions:
    """What kinds of site need besides: ``immutable`` and ``file`` for file sites, ``s3`` for S3."""

    immutable: bool = False
    file: FileOptions | None = None
    s3: S3Options | None = None


class DisposingSite(ReadOnlySite):
    """``Disposer`` over a site that could do more."""

    __slots__ = ("_close", "_delete")

    def __init__(self, site: AllRights) -> None:
        super().__init__(site)
        self._delete: Callable[[str, str], None] = site.delete
        self._close: Callable[[], None] = site.close

    def delete(self, key: str, version: str) -> None:
        """See ``Disposer.delete``."""
        self._delete(key, version)

    def close(self) -> None:
        self._close()


def open_disposer(
    name: str,
    url: str,
    *,
    home: Path,
    archive: str,
    clock: Clock,
    options: DisposerOptions | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Disposer:
    """The disposer of the site at ``url``; a site that is away says so at its use.

    Raises InvalidInput (URL), SettingsError: no credentials, or not this site's.
    """
    place, options = parse_site_url(url), options or DisposerOptions()
    given = optional_credentials(name, DUTY, environment)
    if given is None:
        raise _none(name)
    if isinstance(place, FileUrl):
        path = home / place.path

        def open_file() -> AllRights:
            check_file_site(path, name, archive)
            _check_secret(name, path, given)
            return FileSite(path, name, clock=clock, immutable=options.immutable)

        with suppress(SiteUnavailable):  # it is away: its use says so
            _check_secret(name, path, given)
        return DisposingSite(TimedDisposer(LazyDisposer(name, open_file), options.file))
    from vanvault.archiver.stores.s3.disposal import DisposableS3Site  # boto3 is imported for S3 only

    every = SiteCredentials(given, given, given)
    return DisposingSite(
        DisposableS3Site(
            place, name, credentials=every, disposer=given, clock=clock, options=options.s3 or S3Options()
        )
    )


def held_disposers(environment: Mapping[str, str], sites: tuple[str, ...]) -> tuple[str, ...]:
    """Sites whose disposer this environment names, whatever its variables say."""
    return tuple(
        site
        for site in sites
        if any(name.startswith(f"VANVAULT_{site.upper()}_{DUTY.upper()}_") for name in environment)
    )


def _check_secret(name: str, path: Path, given: Credentials) -> None:
    """Raises SettingsError (another secret), SiteUnavailable."""
    if path.exists() and not is_secret(path, given.secret_key):
        raise SettingsError(
            f"these are not the credentials of the disposer of site {name}",
            hint=f"Run vanvault site init {name}, and use what it writes.",
        )


def _none(name: str) -> SettingsError:
    stem = f"VANVAULT_{name.upper()}_{DUTY.upper()}"
    return SettingsError(
        f"site {name} has no credentials for its disposer",
        hint=f"Run vanvault site init {name}; then give {stem}_ACCESS_KEY and _SECRET_KEY, or the same with"
        " _FILE or _COMMAND, to this process only.",
    )
