"""The secret without which nobody removes anything at a file site through this program.

At the site lies its digest only. It is given once, to whoever starts the process that removes; a node never
has it. Whoever may write in the folder can of course remove files past this program (LAYOUT.md).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.disk import create_file
from vanvault.archiver.stores.files.root import DISPOSER

_FORMAT = "vanvault-disposer/1"
_MOST_BYTES = 4096


def give_secret(root: Path, secret: str) -> None:
    """Write the digest of the secret at a site that has none yet. Raises SettingsError."""
    fields = {"format": _FORMAT, "sha256": _digest(secret)}
    try:
        create_file(root / DISPOSER, (json.dumps(fields, indent=2) + "\n").encode(), mode=0o440)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{root / DISPOSER} cannot be written: {error.strerror}") from error


def has_secret(root: Path) -> bool:
    """Was one given?"""
    return (root / DISPOSER).is_file()


def is_secret(root: Path, secret: str) -> bool:
    """Is it this site's? False where none was given. Raises SiteUnavailable: the folder does not tell."""
    try:
        with (root / DISPOSER).open("rb") as file:
            fields = json.loads(file.read(_MOST_BYTES))
        known = str(fields["sha256"]) if fields["format"] == _FORMAT else ""
    except FileNotFoundError:
        return False
    except OSError as error:
        raise_limit(error)
        message = f"{root / DISPOSER} cannot be read: {error.strerror}"
        raise SiteUnavailable(message, site=root.name, may_be_stored=False) from error
    except (ValueError, KeyError, TypeError, RecursionError):
        return False  # not what ``site init`` wrote: nobody's secret
    return hmac.compare_digest(known.encode(), _digest(secret).encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
