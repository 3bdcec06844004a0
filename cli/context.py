"""What verbs share: the home, the archive in it, and where its server listens.

A verb takes the home with ``@click.pass_obj`` (a Path). Archive code is imported when it is used, so
that ``--help`` and the verbs that need no archive are fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.cli.loading import loading
from vanvault.cli.output import warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.archiver.people.looks import LookAct
    from vanvault.recovery.access import Looking

DEFAULT_HOME = Path("var")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8420
DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"


@contextmanager
def open_archive(home: Path) -> Iterator[Archive]:
    """The archive of a home, closed at the end. Raises SettingsError, KeyUnavailable."""
    with loading():
        from vanvault.archiver.appliance import Archive
        from vanvault.recovery.verified import count_verifications

        opened = Archive.open(home)
    with opened as archive:
        count_verifications(archive)
        yield archive


def looking(
    archive: Archive, act: LookAct, asked: Mapping[str, object], *, purpose: str = ""
) -> AbstractContextManager[Looking]:
    """A look of this verb, which is on record before anything is printed: see ``recovery.access.looking``.

    The viewer is the person who signed on here, else the account of the operating system.
    """
    from vanvault.cli.person import viewer_of
    from vanvault.recovery.access import looking

    warn_of_emergency(archive)
    return looking(archive, act, asked, purpose=purpose, viewer=viewer_of(archive))


def warn_of_emergency(archive: Archive) -> None:
    """Tell whoever is shown something that an emergency of the record of looks is in force."""
    from vanvault.recovery.access import EmergencyFiles

    try:
        declared = EmergencyFiles(archive.home, archive.clock).now()
    except SettingsError as error:
        warn(f"whether an emergency is in force is not known: {error.message}")
        return
    if declared is not None:
        until = rfc3339_seconds(declared.until)
        warn(f"an emergency is in force until {until}: looks may wait for the record ({declared.reason})")


def catch_up(archive: Archive) -> bool:
    """Bring the hot tail level with the sites; False, and a warning, when it may lack something."""
    from vanvault.recovery.work import catch_up

    return catch_up(archive, warn)


def keys_folder(home: Path) -> Path:
    """Where the key files of a home lie."""
    from vanvault.archiver.home_files import KEYS_FOLDER

    return home / KEYS_FOLDER
