"""What is said of an entry that was disposed of. Pure."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.core.errors import EntryDisposed
from vanvault.archiver.core.model import ResidueRow
from vanvault.archiver.core.times import from_us, rfc3339_us


def member_of(found: ResidueRow) -> dict[str, Any]:
    """The member ``disposed`` of a search item."""
    return {
        "certificate": found.disposal,
        "due": rfc3339_us(found.due_us),
        "entry": found.entry,
        "on": rfc3339_us(found.disposed_us),
        "rule": found.rule,
        "what": found.what,
    }


def check_there(item: Item) -> None:
    """Raises EntryDisposed: of this search item only its place and ids are left."""
    told = item.get("disposed")
    if told is not None and told["what"] == "entry":
        raise _error(item["id"], told["on"][:10], told["certificate"], "")


def error_of(found: ResidueRow) -> EntryDisposed:
    """The answer to who asks for it."""
    on = f"{from_us(found.disposed_us):%Y-%m-%d}"
    return _error(found.id, on, found.disposal, "" if found.is_whole else "the original of ")


def _error(id: str, on: str, certificate: str, what: str) -> EntryDisposed:
    return EntryDisposed(
        f"{what}{id} was disposed of on {on}, under certificate {certificate}",
        certificate=certificate,
        on=on,
        hint="Its time was over. The certificate says by which rule, and who approved it.",
    )
