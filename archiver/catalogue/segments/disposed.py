"""What is said of an entry that was disposed of. Pure."""

from __future__ import annotations

from typing import Any

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


def error_of(found: ResidueRow) -> EntryDisposed:
    """The answer to who asks for it."""
    on = f"{from_us(found.disposed_us):%Y-%m-%d}"
    what = "" if found.is_whole else "the original of "
    return EntryDisposed(
        f"{what}{found.id} was disposed of on {on}, under certificate {found.disposal}",
        certificate=found.disposal,
        on=on,
        hint="Its time was over. The certificate says by which rule, and who approved it.",
    )
