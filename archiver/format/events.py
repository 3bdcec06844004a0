"""The canonical bytes of a transaction-log line, which its digests are taken over. Pure."""

from __future__ import annotations

from vanvault.archiver.format.canonical import canonical
from vanvault.archiver.model.metadata import BUSINESS_FIELDS, Metadata
from vanvault.archiver.model.times import rfc3339_us


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
