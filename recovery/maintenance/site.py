"""An S3 site made ready: its bucket, users and policies, and the file with the credentials of its users."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.disk import HeldLock, lock_beside, replace_file
from vanvault.archiver.stores import (
    Credentials,
    S3Url,
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

    Raises InvalidInput (a file site), SettingsError, AccessDenied, SiteUnavailable.
    """
    site = request.site
    place = parse_site_url(archive.endpoint(site))
    if not isinstance(place, S3Url):
        raise InvalidInput(f"{site} is a file site; it was made by vanvault init", field="site")
    administrator = (
        optional_credentials(site, "admin", environment) or site_credentials(site, environment).writer
    )
    path = archive.home / "credentials" / f"{site}.env"
    with nullcontext() if request.dry_run else _locked(path):
        # Until the file says what the store was told: of two runs, the second finds the users of the first.
        users = _users(path, site, environment)
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
            _write(path, site, written)
    return SitePrepared(site, request.dry_run, done, path, index[0] if index is not None else None)


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


def _users(path: Path, site: str, environment: Mapping[str, str]) -> dict[Duty, Credentials]:
    """Credentials by duty: from the environment, from an earlier run's file, or new."""
    entropy = SystemEntropy()
    known = {**_read(path), **environment}
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
