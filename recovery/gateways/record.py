"""Changes of gateways as events of the archive.

::

    vanvault.gateway.added          gateway, id, policy, token, and the terms of the token
    vanvault.gateway.brought-back   the same
    vanvault.gateway.removed        gateway, id
    vanvault.gateway.policy-set     gateway, id, policy ("settings": as the appliance's)
    vanvault.gateway.token-added    gateway, id, token, its terms, and maybe others_end
    vanvault.gateway.token-removed  gateway, id, token

``gateway`` is the name, ``who`` the account that did it. Terms: scopes, not_before, not_after, networks.
A token is told by its id, never by itself or its digest.

A change waits in ``gateways.json`` from the moment at which it holds good until its event is archived. Who
writes it, the verb, a later verb or a running node, makes the same event, with the same id: twice is once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query, Search
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.intake import system_event
from vanvault.archiver.journal import own_events
from vanvault.archiver.people import RosterChange

_PREFIX = "gateway."


def event_of(change: RosterChange, received: datetime) -> EventDraft:
    """The event of a change; ``received`` now, and the same in everything else whoever makes it."""
    draft = system_event(f"{_PREFIX}{change.kind}", change.detail, now=change.at, nonce=change.nonce)
    return replace(draft, received_us=to_us(received))


def record_changes(archive: Archive) -> None:
    """Archive every change of the home's gateways that is not on record, through a short-lived writer.

    Waits for another process that does the same. Raises SiteUnavailable, KeyUnavailable, SettingsError; then
    the changes still wait.
    """
    gateways = archive.gateways
    if not gateways.unrecorded():
        return
    lock = gateways.recording(wait=True)
    assert lock is not None  # noqa: S101 - whoever waits gets it
    with lock:
        changes = gateways.unrecorded()  # another process may have archived them meanwhile
        if changes:
            now = archive.clock.now
            archive.record_events(lambda: [event_of(change, now()) for change in changes])
            gateways.recorded([change.nonce for change in changes])


def ids_on_record(search: Search, name: str) -> set[str]:
    """Ids under which the archive knows a gateway of this name, as far as it is folded here.

    Raises Damaged, SiteUnavailable (index).
    """
    return {str(detail["id"]) for detail in _additions(search) if detail.get("gateway") == name}


def account_on_record(search: Search, name: str) -> str | None:
    """The id of an account to which this name was given, or None. Raises Damaged, SiteUnavailable (index)."""
    claims = own_events(search, "account.added")
    return next((str(one.detail["id"]) for one in claims if one.detail.get("account") == name), None)


def removed_on_record(search: Search) -> tuple[set[str], dict[str, datetime]]:
    """Ids of removed tokens, and when each gateway, by its id, was last removed, as far as it is folded here.

    Raises Damaged, SiteUnavailable (index).
    """
    tokens = {str(event.detail["token"]) for event in own_events(search, f"{_PREFIX}token-removed")}
    removals = {
        str(event.detail["id"]): parse_rfc3339(event.occurred_at)
        for event in own_events(search, f"{_PREFIX}removed", order="oldest")
    }
    return tokens, removals


def tokens_removed(search: Search) -> set[tuple[str, str]]:
    """Names of gateways with the ids of tokens that they lost, as far as it is folded here.

    Raises Damaged, SiteUnavailable (index).
    """
    removed = own_events(search, f"{_PREFIX}token-removed")
    return {(str(event.detail["gateway"]), str(event.detail["token"])) for event in removed}


def has_entries(search: Search, name: str) -> bool:
    """Did anybody archive anything under this name? Raises Damaged, SiteUnavailable (index)."""
    return bool(search.page(Query(filters={"gateway": name}, limit=1), bare=True).items)


def _additions(search: Search) -> Iterator[dict[str, object]]:
    for kind in ("added", "brought-back"):
        yield from (event.detail for event in own_events(search, f"{_PREFIX}{kind}"))
