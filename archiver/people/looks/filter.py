"""Which looks somebody asks for: by viewer, act, outcome, and the entries that were seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from vanvault.archiver.core.search_form import search_form
from vanvault.archiver.people.looks.look import Look


@dataclass(frozen=True, slots=True)
class LookFilter:
    """Every part that is given must match; entries are given by all that leads to them."""

    who: str = ""
    act: str = ""
    outcome: str = ""
    entries: Collection[str] | None = None  # ids of the archive; None: whatever was seen
    asked: Collection[tuple[str, str]] = ()  # fields of a question that name such an entry as well
    held: Callable[[Look, str], bool] | None = (
        None  # of a look that names not all: was such an entry among it?
    )

    def matches(self, look: Look, at: str = "") -> bool:
        """Is this look, put on record at that time (RFC 3339), one of those that are asked for?

        One that was refused, or found nothing, is about the entry that its question named.
        """
        if self.who not in ("", look.viewer.name) or self.act not in ("", look.act):
            return False
        if self.outcome not in ("", look.outcome):
            return False
        if self.entries is None:
            return True
        if any(id in self.entries for id in look.shown) or look.asked.get("id", "") in self.entries:
            return True
        if any(("object", key) in self.asked for key in look.objects):
            return True
        if any(
            name in look.asked and search_form(name, look.asked[name]) == search_form(name, value)
            for name, value in self.asked
        ):
            return True
        return self.held is not None and look.names_not_all and self.held(look, at)
