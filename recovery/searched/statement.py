"""The statement beside an answer: what was searched, over which time, and what that does not cover. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.asked_times import CalendarZone
from vanvault.archiver.core.times import from_us, rfc3339_us

SearchedBy = Literal["receipt", "occurrence"]

#: What a search by each time looks at.
COVERS: dict[SearchedBy, str] = {
    "receipt": "messages and events, by the time at which the archive received them",
    "occurrence": "events, by the time of occurrence that their gateway told; messages have none",
}


@dataclass(frozen=True, slots=True)
class Searched:
    """What one search asked; times in microseconds, None where there is no bound."""

    fields: dict[str, str]
    by: SearchedBy
    from_us: int | None
    to_us: int | None
    zone: CalendarZone

    def as_json(self) -> dict[str, Any]:
        """As JSON values: times in UTC, and again in the zone with its offset."""
        return {
            "fields": dict(self.fields),
            "by": self.by,
            "covers": COVERS[self.by],
            "from": None if self.from_us is None else rfc3339_us(self.from_us),
            "to": None if self.to_us is None else rfc3339_us(self.to_us),
            "from_local": self._local(self.from_us),
            "to_local": self._local(self.to_us),
            "time_zone": self.zone.name,
        }

    def line(self) -> str:
        """The same as one line of text; times in the zone, with UTC beside."""
        fields = ", ".join(f"{name} = {value}" for name, value in self.fields.items()) or "every entry"
        verb = "received" if self.by == "receipt" else "occurred"
        return f"searched: {fields}; {verb} {self._span()}; zone {self.zone.name}; {COVERS[self.by]}"

    def _span(self) -> str:
        if self.from_us is None and self.to_us is None:
            return "at any time"
        since = "" if self.from_us is None else f"from {self._both(self.from_us)}"
        until = "" if self.to_us is None else f"before {self._both(self.to_us)}"
        return ", ".join(part for part in (since, until) if part)

    def _both(self, us: int) -> str:
        return f"{self._local(us)} ({rfc3339_us(us)})"

    def _local(self, us: int | None) -> str | None:
        return None if us is None else self.zone.told(from_us(us))


def searched_of(query: Query, zone: CalendarZone) -> Searched:
    """What a query asks, to be told beside its answer."""
    begin, end = (query.from_us, query.to_us) if query.occurred is None else query.occurred
    return Searched(
        dict(query.filters),
        "receipt" if query.occurred is None else "occurrence",
        begin or None,
        None if end >= Query.NO_END_US else end,
        zone,
    )
