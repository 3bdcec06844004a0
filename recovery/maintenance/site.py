"""A site made ready: an S3 site's bucket, users and policies, and files with the credentials of its users.

Those of the disposer, who may remove what has expired, lie in a file of their own: a node is given the other
one. A file site has a disposer only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.disk import HeldLock, lock_beside, replace_file
from vanvault.archiver.stores import (
    Credentials,
    FileUrl,
    S3Url,
    check_file_site,
    give_secret,
    has_secret,
    is_secret,
    optional_credentials,
    parse_site_url,
    site_credentials,
)
from vanvault.archiver.stores.provision import (
    DUTIES,
    Duty,
    Prepared,
    ProvisionStep,
    StoreKind,
    new_credentials,
    prepare_bucket,
    prepare_index_bucket,
)

_DISPOSER: Duty = "disposer"


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """Which site to prepare, and by whose tools."""

    site: str
    store: StoreKind = "auto"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class SitePrepared:
    """What was done, or would be in a dry run."""

    site: str
    dry_run: bool
    done: Prepared
    credentials: Path  # the users' file; not written where the store's own tools make users
    disposer: Path  # the same of the disposer
    index: Prepared | None = None  # of the bucket in which the site keeps the index; None: there is none

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        steps = [{"action": step.action, "target": step.target, "detail": step.detail} for step in self.steps]
        return {
            "site": self.site,
            "dry_run": self.dry_run,
            "steps": steps,
            "policy": self.done.policy,
            "index_policy": self.index.policy if self.index is not None else None,
        }

    @property
    def steps(self) -> tuple[ProvisionStep, ...]:
        """All of them, for the site and for the index that it keeps."""
        return (*self.done.steps, *(self.index.steps if self.index is not None else ()))


def prepare_site(
    archive: Archive, request: SiteRequest, environment: Mapping[str, str] = os.environ
) -> SitePrepared:
    """Bring the bucket, users and policies of a site to what the appliance needs; a second run does nothing.

    ``environment``: holds the administrator's credentials. Credentials of users are taken from it, from an
    earlier run's file, or made, and written to that file.

    Raises InvalidInput (no such site), SettingsError, AccessDenied, SiteUnavailable.
    """
    site = request.site
    place = parse_site_url(archive.endpoint(site))
    if isinstance(place, FileUrl):
        return _prepare_folder(archive, request, archive.home / place.path)
    administrator = (
        optional_credentials(site, "admin", environment) or site_credentials(site, environment).writer
    )
    path, disposer = _files(archive, site)
    with nullcontext() if request.dry_run else _locked(path):
        # Until the file says what the store was told: of two runs, the second finds the users of the first.
        users = _users({**_read(path), **_read(disposer), **environment}, site)
        done = prepare_bucket(
            site,
            place,
            users,
            administrator,
            options=getattr(archive.settings.sites, site).s3.options(),
            kind=request.store,
            dry_run=request.dry_run,
        )
        index = _prepare_index(archive, request, administrator, path, environment)
        written: dict[str, Credentials] = {str(duty): pair for duty, pair in users.items()}
        if index is not None and index[0].policy is None:
            written["index"] = index[1]
        if done.policy is None and not request.dry_run:
            _write(disposer, site, {_DISPOSER: written.pop(_DISPOSER)})
            _write(path, site, written)
    return SitePrepared(site, request.dry_run, done, path, disposer, index[0] if index is not None else None)


def _files(archive: Archive, site: str) -> tuple[Path, Path]:
    """Where the credentials of a node's duties lie, and where the disposer's."""
    folder = archive.home / "credentials"
    return folder / f"{site}.env", folder / f"{site}.{_DISPOSER}.env"


def _prepare_folder(archive: Archive, request: SiteRequest, folder: Path) -> SitePrepared:
    """The secret of a file site's disposer, made once: the site keeps its digest only."""
    site = request.site
    path, disposer = _files(archive, site)
    steps: tuple[ProvisionStep, ...] = ()
    with nullcontext() if request.dry_run else _locked(path):
        known = optional_credentials(site, _DISPOSER, _read(disposer))
        check_file_site(folder, site, archive.settings.archive)
        if not has_secret(folder):
            what = "the disposer, who may remove what has expired; the site keeps a digest of the secret"
            steps = (ProvisionStep("add-user", _DISPOSER, what, "disposer"),)
            if not request.dry_run:
                pair = known or Credentials(_DISPOSER, SystemEntropy().token(20).hex())
                _write(disposer, site, {_DISPOSER: pair})  # first: a digest without its secret helps nobody
                give_secret(folder, pair.secret_key)
        elif known is not None and not is_secret(folder, known.secret_key):
            raise SettingsError(
                f"{disposer} holds another secret than the site {site} was given",
                hint=f"Remove {folder / 'disposer.json'} and this file, and repeat it for a new secret.",
            )
    return SitePrepared(site, request.dry_run, Prepared(steps, None), path, disposer)


def _prepare_index(
    archive: Archive,
    request: SiteRequest,
    administrator: Credentials,
    path: Path,
    environment: Mapping[str, str],
) -> tuple[Prepared, Credentials] | None:
    """The bucket in which the site keeps the index, where the settings name one, and its user."""
    at = getattr(archive.settings.sites, request.site)
    if not at.index_bucket:
        return None
    place = parse_site_url(at.index_bucket)
    if not isinstance(place, S3Url):
        return None  # refused when the home was opened
    known = {**_read(path), **environment}
    user = optional_credentials(request.site, "index", known) or new_credentials("index", SystemEntropy())
    prepared = prepare_index_bucket(
        request.site,
        place,
        user,
        administrator,
        options=at.s3.options(),
        kind=request.store,
        dry_run=request.dry_run,
    )
    return prepared, user


def _locked(path: Path) -> HeldLock:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return lock_beside(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be locked: {error.strerror}") from error


def _users(known: Mapping[str, str], site: str) -> dict[Duty, Credentials]:
    """Credentials by duty: from the environment and the files of earlier runs, or new."""
    entropy = SystemEntropy()
    return {
        duty: optional_credentials(site, duty, known) or new_credentials(duty, entropy) for duty in DUTIES
    }


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _write(path: Path, site: str, users: Mapping[str, Credentials]) -> None:
    lines = []
    for duty, credentials in users.items():
        stem = f"VANVAULT_{site.upper()}_{duty.upper()}"
        lines += [
            f"{stem}_ACCESS_KEY={credentials.access_key}",
            f"{stem}_SECRET_KEY={credentials.secret_key}",
        ]
    replace_file(path, ("\n".join(lines) + "\n").encode())
