"""The tokens under which an entry is found: of each of its known values, and of its claim.

Every entry that is archived comes through here, so hashers that begin alike are copied.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Callable
from operator import attrgetter

from vanvault.archiver.catalogue.hot_tail.file import SearchSecrets
from vanvault.archiver.core.model import BUSINESS_FIELDS, Entry, Event
from vanvault.archiver.core.search_form import FOLDED_FIELDS, search_form

#: Fields whose values repeat from entry to entry, so that their tokens are kept.
_REPEATED = frozenset(
    ("gateway", "type", "kind", "ivan", "employer_code", "tax_code", "procedure", "period", "state", "agency")
)
#: Tokens of one field that are kept; all of them are dropped when there are more.
_KEPT = 50_000
_KEPT_GATEWAYS = 1_000

_METADATA = tuple(name for name in BUSINESS_FIELDS if name != "insurance_numbers")
_VALUES = attrgetter(*_METADATA)

_TokenOf = Callable[[str], bytes]


class EntryTokens:
    """Makes tokens under one set of secrets. For one thread at a time: whoever writes."""

    def __init__(self, secrets: SearchSecrets) -> None:
        self._secrets = secrets
        self._gateway, self._type = self._of("gateway"), self._of("type")
        self._event_id, self._message_id = self._of("event_id"), self._of("message_id")
        self._insurance_number = self._of("insurance_number")
        self._metadata = [self._of(name) for name in _METADATA]
        self._sha256 = secrets.hasher("sha256").copy
        self._claims: dict[tuple[str, str], Callable[[], hashlib.blake2b]] = {}

    def _of(self, field: str) -> _TokenOf:
        """What makes the tokens of one field."""
        copy, folded = self._secrets.hasher(field).copy, field in FOLDED_FIELDS

        def make(value: str) -> bytes:
            hasher = copy()
            hasher.update((search_form(field, value) if folded else value).encode())
            return hasher.digest()

        return _Kept(make).__getitem__ if field in _REPEATED else make

    def add(self, entry: Entry, tokens: list[bytes]) -> int:
        """Append an entry's tokens; how many there were."""
        before, metadata = len(tokens), entry.metadata
        hasher = self._sha256()
        hasher.update(hexlify(entry.sha256))
        tokens += (self._gateway(entry.gateway), hasher.digest())
        if isinstance(entry, Event):
            tokens += (self._event_id(entry.event_id), self._type(entry.type))
        if entry.message_id:
            tokens.append(self._message_id(entry.message_id))
        tokens += [
            token_of(value)
            for token_of, value in zip(self._metadata, _VALUES(metadata), strict=True)
            if value
        ]
        tokens += map(self._insurance_number, metadata.insurance_numbers)
        return len(tokens) - before

    def claim(self, entry: Entry) -> bytes:
        """The token of its claim."""
        kind = "event" if isinstance(entry, Event) else "message"
        copy = self._claims.get((kind, entry.gateway))
        if copy is None:
            if len(self._claims) >= _KEPT_GATEWAYS:
                self._claims.clear()
            copy = self._claims[kind, entry.gateway] = self._secrets.claim_hasher(kind, entry.gateway).copy
        hasher = copy()
        hasher.update(entry.client_id.encode())
        return hasher.digest()


class _Kept(dict[str, bytes]):
    """Tokens by value; one that is not there is made."""

    def __init__(self, make: _TokenOf) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: str) -> bytes:
        if len(self) >= _KEPT:
            self.clear()
        made = self[value] = self._make(value)
        return made
