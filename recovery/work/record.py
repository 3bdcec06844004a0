"""What verbs do at their begin and end: fold what is new, and put on record what was done and by whom."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import replace

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.recovery.work.observer import Observer

_SHOWN = 5  # of what is missing


def account() -> str:
    """The operating system's account of this process: by its id, not by what the environment says."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"  # a container may run under an id that no account has


def catch_up(archive: Archive, warn: Callable[[str], None]) -> bool:
    """Bring the hot tail level with the sites; False, and a warning, when it may lack something.

    A site that is away is no reason to refuse a look: what was folded before is still found. Raises
    KeyUnavailable.
    """
    try:
        report = archive.refresh()
    except SiteUnavailable as error:
        warn(f"the site {error.site} is away ({error.message}); results may be incomplete")
        return False
    if report.unreadable:
        warn(f"{len(report.unreadable)} batches are damaged at every site; run: vanvault verify")
    for name in report.missing[:_SHOWN]:
        warn(f"no site has {name}, which must exist; run: vanvault verify")
    for site in report.away:
        warn(f"the site {site} is away; what only it holds is not found")
    return not report.unreadable and not report.missing and not report.away


def record_aside(archive: Archive, type: str, detail: Mapping[str, object]) -> None:
    """Where one site takes it is enough; later than all that is known here, so it is judged by that.

    Raises SiteUnavailable (none takes it), KeyUnavailable.
    """
    event, after = archive.system_event(type, dict(detail)), archive.tail.last_received_us()
    archive.record_aside([replace(event, received_us=max(event.received_us, after + 1))])


def put_set_aside_on_record(archive: Archive, observer: Observer) -> None:
    """Put on record, once a day, what the gates of the sites did not let through; a failure is a warning."""
    from vanvault.archiver.upkeep import record_set_aside  # much, for verbs that only read

    for (site, reason), count in archive.quarantine.counts().items():
        if count:
            observer.warn(f"{count} objects at {site} are set aside ({reason}); run: vanvault verify")
    try:
        record_set_aside(archive)
    except VanVaultError as error:
        observer.warn(f"what is set aside could not be put on record: {error.message}")


def put_on_record(
    archive: Archive, type: str, detail: Mapping[str, object], *, who: str, observer: Observer
) -> bool:
    """Archive what was just done as an event, with who did it; False, and a warning, when a site is away.

    What was done stands either way. Raises KeyUnavailable.
    """
    try:
        archive.record(type, {**detail, "who": who})
    except SiteUnavailable as error:
        observer.warn(f"this could not be put on record in the archive: {error.message}")
        return False
    return True
