"""Where the repository is and what opens it: settings and environment become restic's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.settings import BackupSettings
from vanvault.archiver.stores import Credentials, check_repository, optional_credentials
from vanvault.recovery.backup.restic import Restic
from vanvault.recovery.backup.restic_facts import REPOSITORY

#: What restic gets of this process's environment: nothing that could name another repository or password.
_PASSED = (
    "PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A repository and its password source."""

    repository: str  # a path, s3:... or rest:...
    password_file: str | None
    password_command: str | None
    program: str = "restic"

    @property
    def told(self) -> str:
        """Where it is, for people; without secrets: a password may stand in an address."""
        return "restic repository" + (f" {self.repository}" if "@" not in self.repository else "")


def place_of(settings: BackupSettings, home: Path) -> Place:
    """What the settings say; paths are relative to the home. Raises SettingsError."""
    if settings.repository is None:
        raise SettingsError(
            "no backup repository is set", hint="Set backup.repository and backup.password_file."
        )
    local = check_repository(settings.repository)
    return Place(
        str(home / settings.repository) if local else settings.repository,
        str(home / settings.password_file) if settings.password_file else None,
        settings.password_command,
        settings.program,
    )


def open_restic(place: Place, *, cache: Path | None, environment: Mapping[str, str] = os.environ) -> Restic:
    """restic for one repository; nothing is asked of the repository yet.

    Credentials come from ``VANVAULT_BACKUP_REPOSITORY_ACCESS_KEY`` and ``_SECRET_KEY`` (S3: the key pair;
    REST server: user and password), each also with ``_FILE`` or ``_COMMAND``.

    Raises SettingsError (no password source, or two; an unknown kind of repository; no restic).
    """
    credentials = optional_credentials(REPOSITORY, "repository", environment)
    variables = {name: environment[name] for name in _PASSED if name in environment}
    variables |= {"TZ": "UTC", "LC_ALL": "C.UTF-8", "RESTIC_PROGRESS_FPS": "2"}
    variables |= _password(place) | _repository(place.repository, credentials)
    if cache is not None:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        variables["RESTIC_CACHE_DIR"] = str(cache.absolute())
    return Restic(place.program, variables)


def _password(place: Place) -> dict[str, str]:
    if (place.password_file is None) == (place.password_command is None):
        raise SettingsError(
            "the backup repository needs one source of its password",
            hint="Set backup.password_file or backup.password_command, not both.",
        )
    if place.password_command is not None:
        return {"RESTIC_PASSWORD_COMMAND": place.password_command}
    path = Path(place.password_file or "").absolute()
    if not os.access(path, os.R_OK):
        raise SettingsError(f"the password file {path.name} of the backup cannot be read")
    return {"RESTIC_PASSWORD_FILE": str(path)}


def _repository(repository: str, credentials: Credentials | None) -> dict[str, str]:
    if check_repository(repository):
        return {"RESTIC_REPOSITORY": str(Path(repository).absolute())}
    if "@" in repository:
        raise SettingsError(
            "the address of the backup repository holds a password",
            hint="Give it as VANVAULT_BACKUP_REPOSITORY_ACCESS_KEY and _SECRET_KEY.",
        )
    if credentials is None:
        return {"RESTIC_REPOSITORY": repository}
    if repository.startswith("s3:"):
        return {
            "RESTIC_REPOSITORY": repository,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        }
    # Every version takes them as part of the address, which only this environment holds.
    url = urlsplit(repository.removeprefix("rest:"))
    who = f"{quote(credentials.access_key, safe='')}:{quote(credentials.secret_key, safe='')}"
    return {"RESTIC_REPOSITORY": f"rest:{url._replace(netloc=f'{who}@{url.netloc}').geturl()}"}
