"""What is known of restic's versions and of how it fails. Pure.

Sources: restic's changelog (0.16: ``--retry-lock``; 0.17.0: exit codes 10 and 11; 0.17.1: 12; 0.18: fatal
errors as JSON) and its chapter "Scripting" (exit codes). Where a version has no code, its words decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from vanvault.archiver.core.errors import (
    Busy,
    Conflict,
    Damaged,
    KeyUnavailable,
    NotFound,
    SettingsError,
    SiteFull,
    SiteUnavailable,
    VanVaultError,
)

Version = tuple[int, int, int]

OLDEST: Version = (0, 14, 0)
#: How errors name the repository where the port asks for a site.
REPOSITORY = "backup"

_VERSION = re.compile(r"restic (\d+)\.(\d+)\.(\d+)")
_LONGEST_MESSAGE = 300

#: Feature -> the first version that has it.
SINCE: dict[str, Version] = {
    "retry_lock": (0, 16, 0),
    "missing_code": (0, 17, 0),
    "locked_code": (0, 17, 0),
    "password_code": (0, 17, 1),
    "json_errors": (0, 18, 0),
}


@dataclass(frozen=True, slots=True)
class Features:
    """What one version of restic can do."""

    retry_lock: bool  # waits for a lock by itself
    missing_code: bool  # exit code 10: no repository there
    locked_code: bool  # exit code 11
    password_code: bool  # exit code 12
    json_errors: bool  # with --json a fatal error is a JSON line on stderr


def parse_version(text: str) -> Version:
    """The version that ``restic version`` prints. Raises SettingsError: another program, or too old."""
    match = _VERSION.match(text)
    if match is None:
        raise SettingsError("backup.program is not restic", hint="Install restic, or correct the setting.")
    version = int(match[1]), int(match[2]), int(match[3])
    if version < OLDEST:
        raise SettingsError(
            f"restic {match[1]}.{match[2]}.{match[3]} is too old", hint="Install restic 0.14 or newer."
        )
    return version


def features_of(version: Version) -> Features:
    """What this version can do; a newer one than is known can do all."""
    return Features(**{name: version >= since for name, since in SINCE.items()})


def failure(code: int, stderr: str, features: Features) -> VanVaultError:
    """The error that a failed command of restic stands for. Unknown codes are failures, too."""
    message = _message(stderr, features) or f"it ended with {code}"
    return _error(_kind_by_words(stderr) or _kind_by_code(code, features), message)


def _kind_by_code(code: int, features: Features) -> str:
    known = {
        3: ("partial", True),
        10: ("missing", features.missing_code),
        11: ("locked", features.locked_code),
        12: ("password", features.password_code),
    }
    kind, has = known.get(code, ("", False))
    return kind if has else ""


#: The first that fits decides. Words come before codes, and "away" before "missing": a server that cannot
#: be reached has no config file to open, either, so restic calls that repository missing, with its code.
_WORDS = (
    ("password", ("wrong password", "no key found", "an empty password", "resolving password failed")),
    ("locked", ("already locked", "unable to create lock", "failed to lock")),
    ("exists", ("config file already exists", "already initialized")),
    ("full", ("no space left", "disk quota exceeded", "storage full", "insufficient storage")),
    (
        "away",
        (
            "connection refused",
            "connection reset",
            "dial tcp",
            "no such host",
            "i/o timeout",
            "tls:",
            "x509:",
            "network is unreachable",
            "unexpected eof",
            ": eof",
            "server response unexpected",
            "access denied",
            "accessdenied",
            "invalidaccesskey",
            "signaturedoesnotmatch",
            "access key id you provided",
            "signature we calculated does not match",
            "forbidden",
            "unauthorized",
        ),
    ),
    ("unknown", ("no matching id found", "no snapshot found", "failed to find snapshot")),
    ("missing", ("unable to open config file", "repository does not exist", "is there a repository")),
    (
        "damaged",
        (
            "ciphertext verification failed",
            "hash mismatch",
            "invalid data",
            "repository contains errors",
            "does not match id",
            "pack id does not match",
            "unable to load tree",
            "id not found in repository",
            "not found in index",
            "error for tree",
            "there were",
        ),
    ),
)


def _kind_by_words(stderr: str) -> str:
    lowered = stderr.lower()
    return next((kind for kind, words in _WORDS if any(word in lowered for word in words)), "")


def _message(stderr: str, features: Features) -> str:
    """The last thing that restic said, in one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if features.json_errors:
        lines = [_said(line) for line in lines]
    fatal = [line for line in lines if line.lower().startswith("fatal")]
    chosen = fatal[0] if fatal else (lines[-1] if lines else "")
    return chosen.removeprefix("Fatal: ")[:_LONGEST_MESSAGE]


def _said(line: str) -> str:
    try:
        fields = orjson.loads(line)
        return str(fields["message"] if "message" in fields else fields["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return line


def _error(kind: str, message: str) -> VanVaultError:
    text = f"restic: {message}"
    if kind == "missing":
        return NotFound(
            "there is no backup repository at that place",
            hint="Is its disk mounted, and backup.repository right? Only the first one is made by vanvault"
            " backup init.",
        )
    if kind == "unknown":
        return NotFound("the backup repository does not hold that snapshot any more")
    if kind == "locked":
        return Busy(
            "the backup repository is locked by another restic",
            retry_after=60,
            hint="Wait until it has ended. A dead process of another host holds it for 30 minutes.",
        )
    if kind == "password":
        return KeyUnavailable(
            "the password does not open the backup repository",
            hint="Correct what backup.password_file or backup.password_command gives.",
        )
    if kind == "exists":
        return Conflict(
            "there is a backup repository at that place already; it was not touched",
            hint="Use it, or name another place in backup.repository.",
        )
    if kind == "full":
        return SiteFull(text, site=REPOSITORY, hint="Free or add space at the backup repository.")
    if kind == "damaged":
        return Damaged(
            text, site=REPOSITORY, hint="Run restic check; where it cannot be mended, begin a new repository."
        )
    if kind == "partial":
        return Damaged(
            f"restic could not read all that it had to save: {message}",
            site=REPOSITORY,
            hint="What was saved does not count as a backup; look at the disk of the stage and run it again.",
        )
    return SiteUnavailable(text, site=REPOSITORY, hint="Bring the repository back, and run it again.")
