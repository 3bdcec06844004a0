"""Tokens of people out of events: in whatever order and however often, the same tokens. Pure.

::

    account.token-added    id and account (of whom), token, permissions, not_after (RFC 3339), networks, and
                           kind, nonce, sealed: the digest of the secret
    account.token-removed  id, account, token

``who`` did it is in each. Types are written without ``vanvault.``. A token that was removed is gone,
whichever of both events comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.people.credentials import sealed_in
from vanvault.archiver.people.terms import parse_network
from vanvault.archiver.people.tokens.model import TOKEN_PERMISSIONS, PersonToken, PersonTokens

_ADDED, _REMOVED = "account.token-added", "account.token-removed"
#: Every type that ``fold_tokens`` looks at, without ``vanvault.``.
TOKEN_EVENTS = (_ADDED, _REMOVED)


def fold_tokens(events: Iterable[RecordedEvent], *, lacking: Iterable[str] = ()) -> PersonTokens:
    """All tokens that these events tell of; what this version cannot read is named, and good for nothing.

    ``lacking``: what of the record could not be read.
    """
    ordered = sorted({event.id: event for event in events}.values(), key=lambda one: (one.at, one.id))
    found: dict[str, PersonToken] = {}
    removed: dict[tuple[str, str], datetime] = {}
    strange: list[str] = []
    for event in ordered:
        try:
            if event.type == _ADDED:
                token = _added(event)
                found.setdefault(token.id, token)
            elif event.type == _REMOVED:
                key = _text(event.detail, "id"), _text(event.detail, "token")
                removed.setdefault(key, event.at)
        except (KeyError, TypeError, ValueError, VanVaultError):
            strange.append(event.id)
    ended = {id: replace(token, removed_at=removed.get((token.account, id))) for id, token in found.items()}
    return PersonTokens(ended, tuple(strange), tuple(lacking))


def _added(event: RecordedEvent) -> PersonToken:
    detail = event.detail
    permissions, networks = detail["permissions"], detail.get("networks", [])
    if not isinstance(permissions, list) or not isinstance(networks, list):
        raise ValueError("another version's form")
    sealed = sealed_in(detail)
    if sealed.place.kind != "token":
        raise ValueError("this is no digest of a token")
    return PersonToken(
        id=_text(detail, "token"),
        account=sealed.place.account,
        permissions=frozenset(one for one in TOKEN_PERMISSIONS if one in permissions),
        added_at=event.at,
        not_after=parse_rfc3339(_text(detail, "not_after")),
        networks=tuple(parse_network(_text({"network": one}, "network")) for one in networks),
        who=_text(detail, "who"),
        sealed=sealed,
    )


def _text(detail: Mapping[str, object], name: str) -> str:
    value = detail.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value
