"""What the gateways sent and what they were answered: the harness's own memory, and its own questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.archives import GATEWAY, event, message
from vanvault.archiver.core.model import Draft

Kind = Literal["message", "event"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One acknowledged entry, with its first receipt."""

    kind: Kind
    id: str
    body: bytes  # of an event: empty
    receipt: dict[str, Any]


@dataclass
class Model:
    """Everything that was sent in one run."""

    promises: dict[str, Promise] = field(default_factory=dict)
    sent: dict[str, tuple[Kind, bytes]] = field(default_factory=dict)

    def draft(self, id: str, now_us: int) -> Draft:
        """What a gateway sends under this id, now or again; always the same bytes."""
        kind, body = self.sent[id]
        return event(id) if kind == "event" else message(id, body, gateway=GATEWAY, received_us=now_us)

    def acknowledged(self, id: str, receipt: dict[str, Any]) -> None:
        kind, body = self.sent[id]
        self.promises[id] = Promise(kind, id, body, receipt)
