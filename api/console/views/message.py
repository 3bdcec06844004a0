"""The page of one entry: facts, its transaction, receipt, copies and locks, and who looked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import KeyUnavailable, VanVaultError
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.people.sight import Withheld
from vanvault.recovery.access import SeenLook

#: Facts in their order; what an entry does not have is left out.
_FACTS = (
    *(
        "id",
        "entry",
        "gateway",
        "message_id",
        "event_id",
        "kind",
        "type",
        "received_at",
        "occurred_at",
        "actor",
    ),
    *("transaction_id", "dossier_number", "procedure", "period", "state", "agency", "ivan"),
    *("employer_code", "tax_code", "insurance_numbers", "content_type", "size", "sha256", "metadata_note"),
    *("detail", "verified_at", "held"),
)
_TIMES = frozenset(("received_at", "occurred_at", "verified_at"))
_MOST_NUMBERS = 100
#: What a receipt and the entry on record both have; ``sha512`` is not at hand with each.
_SHARED = ("id", "size", "sha256", "sha512", "received_at")
_ENDS = ("", "{}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; ``name`` is a field of entries."""

    name: str
    value: str
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """One entry of the transaction."""

    id: str
    at: str  # of an event its occurrence, of a message its receipt
    entry: str
    what: str
    state: str
    here: bool  # is it the entry of this page?


@dataclass(frozen=True, slots=True)
class CopyShown:
    """One copy of an object, with its lock of this moment."""

    site: str
    key: str
    locked_until: datetime | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CaseShown:
    """The transaction of the entry, and what is owed for it."""

    steps: tuple[TransactionStep, ...] = ()
    sentences: tuple[str, ...] = ()  # what is owed, in the language of the page
    copies: tuple[CopyShown, ...] | None = None  # None: this person may not see where copies lie
    unread: int = 0  # objects that could not be read


@dataclass(frozen=True, slots=True)
class ReceiptShown:
    """The receipt, and what its check came to."""

    good: bool
    why: str = ""  # why it is not, in the program's words
    unclear: bool = False  # neither genuine nor not: it could not be checked
    received_at: str = ""
    sha256: str = ""
    key: str = ""  # id of the key that signed
    policy: str = ""
    degraded: bool = False
    text: str = ""  # the receipt itself, as JSON


@dataclass(frozen=True, slots=True)
class LookGap:
    """A time of which looks may be missing: those at other nodes, or what this node has not folded yet."""

    others: bool
    first: str  # RFC 3339
    last: str


@dataclass(frozen=True, slots=True)
class LooksShown:
    """Who has looked at the entry, the newest first, as far as this node knows it."""

    looks: tuple[SeenLook, ...]
    more: bool
    at: datetime  # looks at this node are known until then
    others: datetime  # those at other nodes until then
    missing: tuple[LookGap, ...] = ()  # none: nothing is missing for all that is known


@dataclass(frozen=True, slots=True)
class PartShown:
    """A part of the page: there, not for this person, or not to be read now."""

    needs: str = ""  # the permission that it takes, where this person lacks it
    roles: tuple[str, ...] = ()  # which have it
    trouble: str = ""  # why it cannot be read now, in the program's words
    case: CaseShown | None = None
    receipt: ReceiptShown | None = None
    looks: LooksShown | None = None


@dataclass(frozen=True, slots=True)
class MessageView:
    """The page."""

    id: str
    is_message: bool
    facts: tuple[Fact, ...]
    withheld: tuple[Withheld, ...]
    case: PartShown
    receipt: PartShown
    looks: PartShown
    original: PartShown
    holds: tuple[str, ...] = ()  # ids of the archive's holds over it, where this person may read them
    extract: str = ""  # address of the form for an extraction of this entry; "": not for this person


def look_gaps(unread: Sequence[Unread], others: str) -> tuple[LookGap, ...]:
    """What a read of the record may lack. ``others``: how what other nodes archived is named there."""
    return tuple(LookGap(one.object == others, one.first, one.last) for one in unread)


def facts_of(item: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What is known of an entry, as texts."""
    found = ((name, _text(item.get(name))) for name in _FACTS)
    return tuple(Fact(name, text, name in _TIMES) for name, text in found if text not in _ENDS)


def steps_of(items: Sequence[Mapping[str, Any]], entry_id: str) -> tuple[TransactionStep, ...]:
    """The entries of a transaction, in their order."""
    return tuple(
        TransactionStep(
            item["id"],
            item["occurred_at"] if item["entry"] == "event" else item["received_at"],
            item["entry"],
            item["type"] if item["entry"] == "event" else item["kind"],
            item["state"],
            item["id"] == entry_id,
        )
        for item in items
    )


def receipt_shown(
    receipt: Mapping[str, Any], item: Mapping[str, Any], public_key: Callable[[str], Ed25519PublicKey]
) -> ReceiptShown:
    """The receipt, checked against the entry on record; ``public_key`` raises KeyUnavailable."""
    why, unclear = "", False
    try:
        verify_receipt(receipt, public_key)
        apart = [name for name in _SHARED if name in item and receipt.get(name) != item[name]]
        if apart:
            why = f"the receipt is of another entry than the archive has on record: {', '.join(apart)}"
    except KeyUnavailable as error:
        why, unclear = error.message, True  # nothing is known against it
    except VanVaultError as error:
        why = error.message
    return ReceiptShown(
        good=not why,
        why=why,
        unclear=unclear,
        received_at=receipt["received_at"],
        sha256=receipt["sha256"],
        key=receipt["signing_key"],
        policy=receipt["policy"],
        degraded=bool(receipt.get("degraded")),
        text=orjson.dumps(receipt, option=orjson.OPT_INDENT_2).decode(),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        some = ", ".join(map(str, value[:_MOST_NUMBERS]))
        return some + (f" … (+{len(value) - _MOST_NUMBERS})" if len(value) > _MOST_NUMBERS else "")
    return str(value)
