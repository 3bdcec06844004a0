"""Entries of the archive: original messages and lines of the transaction log.

Times are whole microseconds since 1970-01-01T00:00:00Z (``_us``): one number sorts, stores and
compares the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.core.model.metadata import Metadata

#: Gateway name under which VanVault writes its own events (writer opened, repaired, promoted, ...).
SYSTEM_GATEWAY = "vanvault"


@dataclass(frozen=True, slots=True)
class Message:
    """One original message as a row of a batch."""

    id: str  # the archive's own id: <writer>-<sequence>-<row>
    gateway: str  # who pushed it, from the bearer token
    message_id: str  # the gateway's id; (gateway, message_id) is unique in the archive
    received_us: int
    content_type: str
    size: int  # bytes of the original
    sha256: bytes  # 32, of the original
    sha512: bytes  # 64, of the original: kept beside it so that hashes can be renewed (RFC 4998)
    metadata: Metadata
    metadata_note: str  # why the metadata is not (all) from the message; "" when it is
    large_object: str  # key of the framed object that holds the body; "" when the row does
    body: bytes | None  # None when in a large object, or when the reader did not ask for it

    @property
    def client_id(self) -> str:
        """The id that the gateway chose."""
        return self.message_id


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the transaction log: what happened to a transaction, when, by whom."""

    id: str
    gateway: str
    event_id: str  # the gateway's id; (gateway, event_id) is unique among events
    received_us: int
    occurred_us: int  # when it happened, by the gateway's clock
    type: str  # such as "dossier.received", "receipt.accepted"
    actor: str  # who did it: an account, a system, an agency
    message_id: str  # the message that it is about; "" for none
    metadata: Metadata
    detail: str  # canonical JSON object with whatever else the gateway tells; "{}" for nothing
    size: int  # bytes of the canonical event
    sha256: bytes  # of the canonical event (core/format/batches/events.py)
    sha512: bytes

    @property
    def client_id(self) -> str:
        """The id that the gateway chose."""
        return self.event_id


Entry = Message | Event
