"""The canonical bytes of a transaction-log line, which its digests are taken over. Pure."""

from __future__ import annotations

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.model import BUSINESS_FIELDS, Event, Metadata
from vanvault.archiver.core.times import rfc3339_us


def canonical_event(
    *,
    gateway: str,
    event_id: str,
    occurred_us: int,
    type: str,
    actor: str,
    message_id: str,
    metadata: Metadata,
    detail: str,
) -> bytes:
    """Canonical JSON (RFC 8785) of what the gateway said; ``detail`` is canonical JSON as a text."""
    fields: dict[str, object] = {
        "actor": actor,
        "detail": detail,
        "event_id": event_id,
        "gateway": gateway,
        "message_id": message_id,
        "occurred_at": rfc3339_us(occurred_us),
        "type": type,
    }
    for name in BUSINESS_FIELDS:
        value = getattr(metadata, name)
        fields[name] = list(value) if isinstance(value, tuple) else value
    return canonical(fields)


def canonical_of(event: Event) -> bytes:
    """The canonical form of an archived event. Raises InvalidInput, ValueError: values that no event has."""
    return canonical_event(
        gateway=event.gateway,
        event_id=event.event_id,
        occurred_us=event.occurred_us,
        type=event.type,
        actor=event.actor,
        message_id=event.message_id,
        metadata=event.metadata,
        detail=event.detail,
    )
