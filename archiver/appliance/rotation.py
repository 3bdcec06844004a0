"""A new version of a master key: on record first, made then, so that no id is ever taken twice."""

from __future__ import annotations

from vanvault.archiver.appliance.archive import Archive
from vanvault.archiver.appliance.keys_on_record import (
    ESCROWED,
    ROTATED,
    highest_on_record,
    next_key_id,
    sealed_on_record,
)
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import KeyUnavailable, SettingsError
from vanvault.archiver.core.key_port import PURPOSES, Purpose, key_id, newest_version, parse_key_id
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.journal import own_events
from vanvault.archiver.keys import EscrowOrder, make_in_escrow, token_of

_CREDENTIALS: Purpose = "credentials"


def take_next_id(archive: Archive, purpose: Purpose, who: str) -> str:
    """Archive that the next id of a purpose is taken, and return it; no key is made yet.

    Raises SiteUnavailable when the archive cannot be read or written whole, KeyUnavailable when a key that
    the archive used is missing.
    """
    archive.catch_up()
    taken = next_key_id(archive.keys, purpose, _highest(archive, purpose))
    archive.record(ROTATED, {"key_id": taken, "purpose": purpose, "who": who})
    return taken


def rotate_master(archive: Archive, purpose: Purpose, who: str) -> str:
    """Make the next version of a purpose and return its id. An id that is on record is never made again.

    An interrupted rotation leaves at most an id without a key. Raises SiteUnavailable, KeyUnavailable.
    """
    taken = take_next_id(archive, purpose, who)
    return archive.keys.rotate(purpose, above=parse_key_id(taken)[1] - 1)


def credentials_master(archive: Archive, who: str) -> str:
    """The id of the master that seals credentials now; made here in a home from before there were any.

    Raises KeyUnavailable (the archive has used one that this home lacks: another under its id would open
    nothing; a token whose masters are made with their escrow), SiteUnavailable.
    """
    if newest_version(archive.keys, _CREDENTIALS):
        return archive.keys.active(_CREDENTIALS)
    archive.catch_up()
    used = _highest(archive, _CREDENTIALS)
    if used:
        raise KeyUnavailable(
            f"The archive has used {key_id(_CREDENTIALS, used)}, and this home does not hold it.",
            hint="Restore it from escrow, or copy it from another home of this archive. If nobody has it:"
            " vanvault keys rotate credentials, and set all credentials anew.",
        )
    if token_of(archive.keys) is not None and archive.settings.keys.pkcs11.escrowable:
        raise KeyUnavailable(
            "This archive has no master key for credentials, and its masters are made with their escrow.",
            hint="Run: vanvault keys rotate all --escrow DIR --threshold K --shares N",
        )
    return rotate_master(archive, _CREDENTIALS, who)


def rotate_in_escrow(archive: Archive, order: EscrowOrder, who: str) -> list[str]:
    """Make the next version of every purpose on the token, together with their escrow; returns the ids.

    Raises SiteUnavailable, KeyUnavailable, InvalidInput (order), SettingsError.
    """
    token = token_of(archive.keys)
    if token is None:
        raise SettingsError("Key files are put in escrow afterwards.", hint="vanvault keys escrow split")
    ids = [take_next_id(archive, purpose, who) for purpose in PURPOSES]
    made = make_in_escrow(
        token,
        archive.home / KEYS_FOLDER,
        ids,
        order,
        archive=archive.settings.archive,
        clock=archive.clock,
        entropy=archive.entropy,
    )
    detail = {"set": made.of.set_id, "threshold": order.threshold, "shares": order.shares}
    archive.record(ESCROWED, {**detail, "keys": list(made.key_ids), "who": who})
    return ids


def _highest(archive: Archive, purpose: Purpose) -> int:
    # Versions only grow, so the newest events name the highest.
    events = (own_events(archive.search, type, most=Query.MAX_LIMIT) for type in (ROTATED, ESCROWED))
    highest = highest_on_record((event.text for found in events for event in found), purpose)
    if purpose != "credentials":
        return highest
    # The first one of a home is on record only by what was sealed under it.
    used = [parse_key_id(sealed.key_id)[1] for _, sealed in sealed_on_record(archive)]
    return max([highest, *used])
