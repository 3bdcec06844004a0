"""Homes whose sites are buckets of real servers, and what an insider with the server's keys may do there."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.endpoint import Endpoint
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.stores import Credentials, S3Url, StoredVersion
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.provision import DUTIES, Duty, new_credentials
from vanvault.archiver.stores.provision.apply import MinioUsers, provision
from vanvault.archiver.stores.s3.site import S3Site
from vanvault.archiver.stores.verdict import override_detail, override_event


@dataclass(frozen=True, slots=True)
class Insider:
    """The administrator of one site's server: goes straight to the bucket, past VanVault and any proxy."""

    endpoint: Endpoint
    bucket: str
    client: Any  # boto3

    def put(self, key: str, data: bytes) -> str:
        """A new version on top, without a lock; its id."""
        return str(self.client.put_object(Bucket=self.bucket, Key=key, Body=data)["VersionId"])

    def mark_deleted(self, key: str) -> str:
        """A delete marker on top; its id."""
        return str(self.client.delete_object(Bucket=self.bucket, Key=key)["VersionId"])

    def newest(self, key: str) -> bytes:
        """What any other program is given."""
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def message_batches(self) -> list[str]:
        """Keys of batches of messages that any other program sees."""
        listed = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        named = [parse_key(entry["Key"]) for entry in listed]
        return [name.key for name in named if name is not None and name.kind == "messages"]

    def change_secret(self, site: str, access_key: str, secret_key: str) -> None:
        """Give a user of this MinIO another secret key."""
        root = Credentials(self.endpoint.access_key, self.endpoint.secret_key)
        MinioUsers(self.endpoint.url, root, site=site).add_user(Credentials(access_key, secret_key))

    def site(self, name: str) -> S3Site:
        """The site as VanVault would open it, with nothing in between."""
        one = Credentials(self.endpoint.access_key, self.endpoint.secret_key)
        place = S3Url(self.endpoint.url, self.bucket)
        return S3Site(place, name, credentials=SiteCredentials(one, one, one), clock=SystemClock())


@dataclass(frozen=True)
class S3Home:
    """A home, its first gateway's token, and the insiders of its S3 sites."""

    path: Path
    token: str
    insiders: Mapping[str, Insider]  # by site; a file site has none

    def archive(self) -> Archive:
        """As a new process opens it."""
        return Archive.open(self.path)

    def secret_file(self, site: str, duty: str = "") -> Path:
        """Where the secret key stands with which VanVault acts at an S3 site."""
        return self.path.parent / ".".join(part for part in (site, duty, "secret") if part)

    def versions(self, site: str, key: str) -> list[StoredVersion]:
        """What the store itself says it holds."""
        found = self.insiders[site].site(site)
        try:
            return found.versions(key)
        finally:
            found.close()


def make_home(
    folder: Path,
    sites: Mapping[str, Endpoint | None],
    environment: pytest.MonkeyPatch,
    *,
    through: Mapping[str, str] | None = None,
    trusted: bool = True,
    least_privilege: Collection[str] = (),
    **settings: object,
) -> S3Home:
    """Init a home in ``folder``; credentials lie in files that the environment names.

    Args:
        sites: by name, the server of an S3 site, or None for a folder.
        environment: gets the variables, for this process and those that it starts.
        through: by site, the URL of a proxy that stands before its server.
        trusted: put on record that the sites are trusted without a probe, which takes half a minute.
        least_privilege: sites (MinIO) with a user for each duty, as ``vanvault site init`` makes them.
        settings: of the S3 sites, such as ``read_timeout_s=1``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    urls, insiders = {}, {}
    for site, endpoint in sites.items():
        if endpoint is None:
            urls[site] = f"file:sites/{site}"
            continue
        seen = Endpoint((through or {}).get(site, endpoint.url), endpoint.access_key, endpoint.secret_key)
        bucket = f"home-{site}-{os.urandom(6).hex()}"
        urls[site] = seen.site_url(bucket)
        insiders[site] = Insider(endpoint, bucket, endpoint.client())
        if site in least_privilege:
            for duty, one in provisioned(insiders[site], site).items():
                if duty != "disposer":  # no node has it
                    _give(environment, folder, (site, duty), one)
        else:
            _give(environment, folder, (site,), Credentials(endpoint.access_key, endpoint.secret_key))
        for name, setting in settings.items():
            environment.setenv(f"VANVAULT_SITES__{site.upper()}__S3__{name.upper()}", str(setting))
    token = init_home(folder / "home", primary=urls["primary"], standby=urls["standby"])
    home = S3Home(folder / "home", token, insiders)
    if trusted:
        trust(home)
    return home


def provisioned(insider: Insider, site: str) -> Mapping[Duty, Credentials]:
    """Make the bucket, and a user for each duty who has just the rights of it."""
    users = {duty: new_credentials(duty, SystemEntropy()) for duty in DUTIES}
    root = Credentials(insider.endpoint.access_key, insider.endpoint.secret_key)
    admin = MinioUsers(insider.endpoint.url, root, site=site)
    provision(insider.client, admin, site=site, bucket=insider.bucket, users=users)
    return users


def _give(
    environment: pytest.MonkeyPatch, folder: Path, whose: tuple[str, ...], credentials: Credentials
) -> None:
    values = {"access": credentials.access_key, "secret": credentials.secret_key}
    for kind, value in values.items():
        path = folder / ".".join((*whose, kind))
        path.write_text(value + "\n")
        environment.setenv("_".join(("VANVAULT", *whose, kind, "KEY_FILE")).upper(), str(path))


def trust(home: S3Home) -> None:
    """Override, on record, the question for a probe."""
    with home.archive() as archive:
        until = archive.clock.now() + timedelta(days=1)
        writer, _ = archive.open_writer(trusted=False)
        writer.commit(
            [
                archive.system_event(
                    override_event(site), override_detail(site, "a test's own server", "test", until)
                )
                for site in home.insiders
            ],
            final=True,
        )
        writer.close()
