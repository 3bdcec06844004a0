"""What verbs share: the home, the archive in it, and where its server listens.

A verb takes the home with ``@click.pass_obj`` (a Path). Archive code is imported when it is used, so
that ``--help`` and the verbs that need no archive are fast.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.cli.output import warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive

DEFAULT_HOME = Path("var")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8420
DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"


@contextmanager
def open_archive(home: Path) -> Iterator[Archive]:
    """The archive of a home, closed at the end. Raises SettingsError, KeyUnavailable."""
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.coverage import count_verifications

    with Archive.open(home) as archive:
        count_verifications(archive)
        yield archive


def catch_up(archive: Archive) -> bool:
    """Bring the hot tail level with the sites; False, and a warning, when it may lack something.

    A site that is away is no reason to refuse a search: what was folded before is still found. Raises
    KeyUnavailable.
    """
    try:
        report = archive.refresh()
    except SiteUnavailable as error:
        warn(f"the site {error.site} is away ({error.message}); results may be incomplete")
        return False
    if report.unreadable:
        warn(f"{len(report.unreadable)} batches are damaged at every site; run: vanvault verify")
    for site in report.away:
        warn(f"the site {site} is away; what only it holds is not found")
    return not report.unreadable and not report.away


def put_on_record(archive: Archive, type: str, detail: dict[str, object]) -> None:
    """Archive what an operator just did, with the account that did it; a warning when that fails.

    What was done stands either way. Raises KeyUnavailable.
    """
    try:
        archive.record(type, {**detail, "who": account()})
    except SiteUnavailable as error:
        warn(f"this could not be put on record in the archive: {error.message}")


def account() -> str:
    """The operating system's account of this process: by its id, not by what the environment says."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"  # a container may run under an id that no account has


def keys_folder(home: Path) -> Path:
    """Where the key files of a home lie."""
    from vanvault.archiver.appliance import KEYS_FOLDER

    return home / KEYS_FOLDER
