"""The tokens under which an entry is found: what ``keys_of`` names, made quickly."""

from __future__ import annotations

from operator import attrgetter

from vanvault.archiver.catalogue.hot_tail.file import SearchSecrets
from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry, Event

#: Fields whose values repeat from entry to entry, so that their tokens are kept.
_REPEATED = frozenset(
    ("gateway", "type", "kind", "ivan", "employer_code", "tax_code", "procedure", "period", "state", "agency")
)
#: Tokens of one field that are kept; all of them are dropped when there are more.
_KEPT = 20_000

_METADATA = tuple(name for name in BUSINESS_FIELDS if name != "insurance_numbers")
_VALUES = attrgetter(*_METADATA)


class EntryTokens:
    """Makes tokens under one set of secrets. For one thread at a time: whoever writes."""

    def __init__(self, secrets: SearchSecrets) -> None:
        self._secrets = secrets
        self._kept: dict[str, dict[str, bytes]] = {name: {} for name in _REPEATED}
        self._metadata = [(name, self._kept.get(name)) for name in _METADATA]

    def add(self, entry: Entry, tokens: list[bytes]) -> int:
        """Append an entry's tokens; how many there were."""
        before, token, metadata = len(tokens), self._secrets.token, entry.metadata
        tokens.append(self._repeated("gateway", entry.gateway))
        if isinstance(entry, Event):
            tokens.append(token("event_id", entry.event_id))
            tokens.append(self._repeated("type", entry.type))
        tokens.append(token("sha256", entry.sha256.hex()))
        if entry.message_id:
            tokens.append(token("message_id", entry.message_id))
        for (name, kept), value in zip(self._metadata, _VALUES(metadata), strict=True):
            if not value:
                continue
            found = kept.get(value) if kept is not None else token(name, value)
            tokens.append(found or self._repeated(name, value))
        tokens.extend(token("insurance_number", number) for number in metadata.insurance_numbers)
        return len(tokens) - before

    def _repeated(self, name: str, value: str) -> bytes:
        kept = self._kept[name]
        found = kept.get(value)
        if found is None:
            if len(kept) >= _KEPT:
                kept.clear()
            found = kept[value] = self._secrets.token(name, value)
        return found
