"""Looks as events of the archive, and the errors of those that cannot be put on record.

::

    vanvault.access.looked    one look: ``archiver/people/looks/look.py`` has its fields
    vanvault.access.counted   the reads of one gateway in one minute: ``archiver/people/looks/counted.py``

The event of a look is made of the look alone and of the minute: who sends a request again within it makes the
same event, with the same id, on whichever node. The archive's time of receipt tells the moment.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vanvault.archiver.core.errors import Busy, KeyUnavailable, MachineLimit, SiteUnavailable, VanVaultError
from vanvault.archiver.core.times import to_us
from vanvault.archiver.people.looks import Look

if TYPE_CHECKING:
    from vanvault.archiver.core.model import EventDraft

LOOKED = "access.looked"
COUNTED = "access.counted"

_HINT = "Nothing is shown that is not on record first: see vanvault status, and try again."

_HINT_AWAY = (
    "Nothing is shown that is not on record first, at one site at least: vanvault status says which are away,"
    " and why. What must be seen before one is back: vanvault access emergency --reason TEXT."
)


def look_event(look: Look, now: datetime) -> EventDraft:
    """The event of a look that is received now."""
    from vanvault.archiver.intake import system_event  # much, for a verb that hands the look to a node

    minute = now.replace(second=0, microsecond=0)
    draft = system_event(LOOKED, look.as_detail(), now=minute, nonce=look.identity(now))
    return replace(draft, received_us=to_us(now))


def counted_event(detail: dict[str, Any], now: datetime, nonce: str) -> EventDraft:
    """The event of a gateway's minute."""
    from vanvault.archiver.intake import system_event

    return system_event(COUNTED, detail, now=now, nonce=nonce)


def not_on_record(error: VanVaultError) -> VanVaultError:
    """What a viewer is told when the look cannot be put on record: an error of the same kind."""
    said = f"nothing is shown, because this look cannot be put on record: {error.message}"
    hint = f"{error.hint} {_HINT}".strip()
    if isinstance(error, SiteUnavailable):
        return SiteUnavailable(said, site=error.site, may_be_stored=error.may_be_stored, hint=_HINT_AWAY)
    if isinstance(error, KeyUnavailable):
        return KeyUnavailable(
            said,
            hint="A home without its keys shows nothing by itself; ask a node that has them, or bring them"
            " back: vanvault keys escrow restore.",
        )
    if isinstance(error, MachineLimit):
        return MachineLimit(said, resource=error.resource, hint=hint)
    if isinstance(error, Busy):
        return Busy(said, retry_after=error.retry_after, hint=hint)
    return SiteUnavailable(said, site="", may_be_stored=False, hint=hint)
