"""What intake accepted and no object holds yet."""

from __future__ import annotations

from dataclasses import dataclass

from vanvault.archiver.core.model.batch import Placement
from vanvault.archiver.core.model.metadata import Metadata


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message that was received whole and hashed."""

    gateway: str
    message_id: str
    received_us: int
    content_type: str
    size: int
    sha256: bytes
    sha512: bytes
    metadata: Metadata
    metadata_note: str
    body: bytes | None  # None when ``large`` holds the copies of its own object
    large: tuple[Placement, ...] = ()

    @property
    def entry(self) -> str:
        return "message"

    @property
    def client_id(self) -> str:
        return self.message_id


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A line of the transaction log that was received and hashed over its canonical form."""

    gateway: str
    event_id: str
    received_us: int
    occurred_us: int
    type: str
    actor: str
    message_id: str
    metadata: Metadata
    detail: str
    size: int
    sha256: bytes
    sha512: bytes

    @property
    def entry(self) -> str:
        return "event"

    @property
    def client_id(self) -> str:
        return self.event_id


Draft = MessageDraft | EventDraft
