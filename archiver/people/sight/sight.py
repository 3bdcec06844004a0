"""Which fields and rows of an answer are left out for want of a permission, and the words that say so. Pure.

Who may search across gateways sees entries; where copies of them lie is a matter of receipts, when they were
verified one of verifications, and who has looked at what is the record of looks, whichever way one asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.people.accounts import PERMISSIONS, Permission

#: Fields of an entry -> what one must be permitted to see them.
_FIELDS: Mapping[str, Permission] = {
    "held": "receipts",
    "large_object": "receipts",
    "object": "receipts",
    "placements": "receipts",
    "row": "receipts",
    "segment": "receipts",
    "verified_at": "verify-results",
}
#: How types of the archive's own events begin -> what one must be permitted to see such events: all that tell
#: who asked for what of whom, and who signed on.
_TYPES: Mapping[str, Permission] = {
    "vanvault.access.": "see-access",
    "vanvault.account.authenticator-used": "see-access",
    "vanvault.approval.": "see-access",
    "vanvault.break-glass.": "see-access",
    "vanvault.export.": "see-access",
    "vanvault.extraction.": "see-access",
    "vanvault.hold.": "see-access",
    "vanvault.keys.unwrapped": "see-access",
    "vanvault.session.": "see-access",
}
#: Kinds of the archive's own messages that tell the same -> what one must be permitted to see them.
_KINDS: Mapping[str, Permission] = {
    "extraction-letter": "see-access",
    "report-evidence": "see-access",
}


@dataclass(frozen=True, slots=True)
class Withheld:
    """A field, or rows of one type or kind, that an answer lacks because its reader may not see them."""

    by: Literal["field", "type", "kind"]
    what: str  # the name of the field, how the type of the events begins, or the kind of the messages
    needs: Permission
    rows: int | None = None  # that were left out; None: a field, or not counted

    def as_json(self) -> dict[str, Any]:
        """As JSON values: ``field``, ``type`` or ``kind``, ``needs``, and ``rows`` where they are counted."""
        told: dict[str, Any] = {self.by: self.what, "needs": self.needs}
        return told if self.rows is None else {**told, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of entries; by default everything, as on the host itself."""

    permissions: frozenset[Permission] = field(default_factory=lambda: frozenset(PERMISSIONS))

    @classmethod
    def of(cls, may: Callable[[Permission], bool]) -> Self:
        """The sight of somebody who has the permissions for which ``may`` is true."""
        return cls(frozenset(one for one in PERMISSIONS if may(one)))

    @property
    def fields(self) -> tuple[Withheld, ...]:
        """Fields that this sight lacks."""
        return tuple(Withheld("field", name, needs) for name, needs in self._lacking(_FIELDS))

    @property
    def rows(self) -> tuple[Withheld, ...]:
        """Types of events and kinds of messages that this sight lacks."""
        return (
            *(Withheld("type", name, needs) for name, needs in self._lacking(_TYPES)),
            *(Withheld("kind", name, needs) for name, needs in self._lacking(_KINDS)),
        )

    def _lacking(self, table: Mapping[str, Permission]) -> Iterator[tuple[str, Permission]]:
        return ((name, needs) for name, needs in table.items() if needs not in self.permissions)

    def lacks(self, item: Mapping[str, Any]) -> Withheld | None:
        """Why this entry may not be seen at all; None: it may."""
        if item["gateway"] != SYSTEM_GATEWAY:
            return None
        if item["entry"] == "event":
            found = (one for one in self.rows if one.by == "type" and item["type"].startswith(one.what))
        else:
            found = (one for one in self.rows if one.by == "kind" and item["kind"] == one.what)
        return next(found, None)

    def check(self, item: Mapping[str, Any]) -> None:
        """Raises AccessDenied: this entry may not be seen."""
        lacking = self.lacks(item)
        if lacking is not None:
            raise AccessDenied(
                f"entries of the {lacking.by} {lacking.what} are shown only to who has the permission"
                f" {lacking.needs}",
                authenticated=True,
                hint="Which role permits what: vanvault account roles.",
            )

    def shown(self, items: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[Withheld]]:
        """The entries as this sight has them, and all that is left out of them."""
        without, rows, seen = self.fields, Counter[Withheld](), []
        names = frozenset(one.what for one in without)
        for item in items:
            lacking = self.lacks(item)
            if lacking is None:
                seen.append({name: value for name, value in item.items() if name not in names})
            else:
                rows[lacking] += 1
        left_out = [replace(one, rows=count) for one, count in rows.items()]
        return seen, [*without, *left_out]
