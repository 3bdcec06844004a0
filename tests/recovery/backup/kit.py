"""An archive with a restic repository beside it, as an operator sees them; restic is real."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.lab import Lab
from tests.support.names import NO_SIGNATURE, family_with, signed
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.names import ObjectKind, ObjectName
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.backup import BackupReport
from vanvault.recovery.backup.place import open_restic, place_of
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.restore import ObjectsReport, plan_objects, restore_objects
from vanvault.recovery.backup.run import plan_backup, run_backup
from vanvault.recovery.backup.stage import open_stage

PASSWORD = "correct-horse"
#: Small, so that the small archive has several slices.
STAGE_BYTES = 60_000


@dataclass
class Kit:
    """A home whose settings name a repository."""

    lab: Lab
    repository_path: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def home(self) -> Path:
        return self.lab.home

    @contextmanager
    def open(self) -> Iterator[tuple[Archive, Repository]]:
        with self.lab.open() as archive:
            yield archive, self.repository(archive)

    def repository(self, archive: Archive) -> Repository:
        place = place_of(archive.settings.backup, self.home)
        return Repository(open_restic(place, cache=self.home / "cache" / "restic"), archive.settings.archive)

    def run(self, *, full: bool = False, fault: Fault = no_fault) -> BackupReport:
        self.lab.clock.moment += timedelta(seconds=1)  # as every run takes; restic's times are whole seconds
        with self.open() as (archive, repository), open_stage(self.home / "cache" / "backup") as stage:
            plan = plan_backup(archive, repository, full=full)
            return run_backup(archive, repository, plan, stage, fault=fault)

    def load(self, *sites: str, backup: str = "", add: bool = False) -> ObjectsReport:
        with self.open() as (archive, repository), open_stage(self.home / "cache" / "backup") as stage:
            plan = plan_objects(archive, repository, sites, backup=backup, add=add)
            return restore_objects(archive, repository, plan, stage)

    def lose_sites(self) -> None:
        for site in ("primary", "standby"):
            shutil.rmtree(self.lab.root(site))

    def objects(self, site: str) -> dict[str, tuple[bytes, datetime | None]]:
        """Bytes and lock of every object's newest version."""
        found: dict[str, tuple[bytes, datetime | None]] = {}
        with self.lab.open() as archive:
            for version in archive.sites[site].list(""):
                if version.key not in found:
                    data = archive.sites[site].get(version.key, version.version)
                    found[version.key] = data, version.retain_until
        return found

    def put(self, kind: ObjectKind, data: bytes, *, years: int = 10, site: str = "standby") -> StoredVersion:
        """A signed object of this kind that is in no chain and no segment."""
        digest, family = hashlib.sha256(data).digest(), family_with(kind)
        name = ObjectName(family, "1m80yt0rdsqw5e1d", next(self._numbers), kind, digest, NO_SIGNATURE)
        with self.lab.open() as archive:
            until = archive.clock.now().replace(microsecond=0) + timedelta(days=365 * years)
            key = signed(archive, name)
            return archive.sites[site].put(key, data, sha256=digest, retain_until=until)

    def set(self, name: str, value: str) -> None:
        """Add or change one line of the section ``[backup]``, which is the file's last."""
        path = self.home / "vanvault.toml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{name} = ")]
        path.write_text("\n".join([*lines, f"{name} = {value}", ""]))

    def unset(self, name: str) -> None:
        """Take a line out of the settings."""
        path = self.home / "vanvault.toml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{name} = ")]
        path.write_text("\n".join([*lines, ""]))

    def wrap(self, script: str) -> None:
        """Put a shell script before restic; ``$@`` are restic's arguments."""
        path = self.home.parent / "wrapped-restic"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.set("program", f'"{path}"')

    def restic(self, *arguments: str) -> str:
        """restic as somebody who knows the password runs it by hand."""
        done = subprocess.run(
            ["restic", "-r", str(self.repository_path), *arguments],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "RESTIC_PASSWORD": PASSWORD, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def snapshots(self) -> list[str]:
        """What restic itself lists."""
        return sorted(one["id"] for one in json.loads(self.restic("snapshots", "--json")))


def equip(lab: Lab, empty: Path, folder: Path, program: str = "restic") -> Kit:
    """Copy an empty repository to ``folder``, and name it in the settings of the lab's home."""
    repository = folder / "third-copy"
    shutil.copytree(empty, repository)
    write_settings(lab.home, str(repository), program)
    return Kit(lab, repository)


def write_settings(home: Path, repository: str, program: str = "restic") -> None:
    password = home.parent / "backup-password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    with (home / "vanvault.toml").open("a") as settings:
        settings.write(
            f'\n[backup]\nrepository = "{repository}"\npassword_file = "{password}"\n'
            f'stage_bytes = {STAGE_BYTES}\nprogram = "{program}"\n'
        )
