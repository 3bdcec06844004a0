"""Which profiles ask for something now: the one on record, and the one of this node's settings.

What is on record holds until a later change on record, whatever the settings say since: who edits a file
shortens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.retention import Profile, profile, profiles_between
from vanvault.archiver.journal import EventType, newest_event


@dataclass(frozen=True, slots=True)
class ProfileInForce:
    """What is on record: by name, and the years that it asks for."""

    name: str
    log_years: int
    originals_years: int
    at: datetime
    who: str


def known_profile(archive: Archive) -> ProfileInForce | None:
    """The profile that is on record; None: none was put in force, and the settings decide.

    Raises SiteUnavailable, Damaged (the record).
    """
    last = newest_event(archive.search, EventType.RETENTION_PROFILE_CHANGED)
    if last is None:
        return None
    told = last.detail
    return ProfileInForce(
        str(told.get("profile", "")),
        int(told.get("log_years", 0)),
        int(told.get("originals_years", 0)),
        last.at,
        str(told.get("who", "")),
    )


def owed_profiles(archive: Archive) -> tuple[Profile, ...]:
    """That of the settings, and the one on record where it is another: the longer period of them counts.

    Raises SiteUnavailable, Damaged (the record).
    """
    own, known = archive.profile, known_profile(archive)
    if known is None or (known.name, known.log_years, known.originals_years) == (
        own.name,
        own.log.years,
        own.originals.years,
    ):
        return (own,)
    try:
        base = profile(known.name)
    except SettingsError:  # a later version put it on record: its years are known at least
        base = replace(own, name=known.name)
    log = replace(base.log, years=known.log_years)
    originals = replace(base.originals, years=known.originals_years)
    return own, replace(base, log=log, originals=originals)


def all_between(first: date, last: date, chosen: Sequence[Profile]) -> list[Profile]:
    """``profiles_between`` for each of ``chosen``; at least one."""
    return [found for one in chosen for found in profiles_between(first, last, chosen=one)]
