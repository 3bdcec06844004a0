"""What gateways were promised: the ids they pushed, and the receipts they got. It survives the run."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Literal

Kind = Literal["message", "event"]
LARGE_BYTES = 8 * 1024  # the nodes of a run make larger originals objects of their own
_LARGE_EVERY = 12


def body_of(message_id: str, variant: int = 0) -> bytes:
    """The bytes of a message, known from its id alone, so that nothing but the ledger must be kept.

    ``variant``: other bytes, which a careless gateway sends under the same id.
    """
    choice = Random(f"{message_id}#{variant}" if variant else message_id)
    size = 2 * LARGE_BYTES if choice.randrange(_LARGE_EVERY) == 0 else choice.randrange(1, 3000)
    return choice.randbytes(size)


def event_of(event_id: str) -> dict[str, str]:
    """The line of the log with this id: ``<transaction>/<number>``."""
    transaction, number = event_id.rsplit("/", 1)
    hours, rest = divmod(int(number), 3600)
    return {
        "event_id": event_id,
        "occurred_at": f"2026-11-22T{8 + hours:02}:{rest // 60:02}:{rest % 60:02}+07:00",
        "type": "dossier.moved",
        "transaction_id": transaction,
    }


@dataclass(frozen=True, slots=True)
class Promise:
    """One acknowledged entry, with the first receipt that its gateway got."""

    kind: Kind
    gateway: str
    id: str
    receipt: dict[str, Any]
    variant: int = 0

    @property
    def body(self) -> bytes:
        """Of a message."""
        return body_of(self.id, self.variant)

    @property
    def sha256(self) -> str:
        """Of what was pushed; of an event the archive alone knows the canonical bytes."""
        if self.kind == "event":
            return str(self.receipt["sha256"])
        return hashlib.sha256(self.body).hexdigest()


def _key(promise: Promise) -> tuple[str, str, str]:
    id = f"{promise.id}#{promise.variant}" if promise.variant else promise.id
    return promise.kind, promise.gateway, id


@dataclass(frozen=True, slots=True)
class Times:
    """When an entry was first sent and when it was acknowledged, in turns of the ledger."""

    sent: int
    promised: int


class Ledger:
    """Promises by (kind, gateway, id), in the order in which they came; each is on disk before it counts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._promises: dict[tuple[str, str, str], Promise] = {}
        self._disputed: list[Promise] = []
        self._pending: dict[tuple[Kind, str, str], None] = {}
        self._turn = itertools.count()
        self._first_sent: dict[tuple[str, str, str], int] = {}
        self._kept: dict[tuple[str, str, str], int] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)  # a clock that is always right
        self._began: dict[tuple[str, str, str], datetime] = {}
        self._ended: dict[tuple[str, str, str], datetime] = {}

    def sent(self, kind: Kind, gateway: str, id: str) -> None:
        """It was pushed at least once, so that it may be archived."""
        with self._lock:
            self._first_sent.setdefault((kind, gateway, id), next(self._turn))
            self._began.setdefault((kind, gateway, id), self.now())
            if (kind, gateway, id) not in self._promises:
                self._pending[kind, gateway, id] = None

    def acknowledged(self, promise: Promise) -> Promise:
        """Keep the first receipt; returns what was promised first."""
        key = _key(promise)
        with self._lock:
            self._pending.pop((promise.kind, promise.gateway, promise.id), None)
            first = self._promises.setdefault(key, promise)
            if first is promise:
                self._kept[key] = next(self._turn)
                self._ended[key] = self.now()
                self._write(promise)
            return first

    def _write(self, promise: Promise) -> None:
        line = {
            "kind": promise.kind,
            "gateway": promise.gateway,
            "id": promise.id,
            "sha256": promise.sha256,
            "receipt": promise.receipt,
        }
        self._file.write(json.dumps(line) + "\n")

    def disputed(self, promise: Promise, began: datetime) -> None:
        """Keep the receipt of one variant of an id that was sent, from ``began`` on, with two contents."""
        key = _key(promise)
        with self._lock:
            self._disputed.append(promise)
            self._began[key], self._ended[key] = began, self.now()
            self._write(promise)

    def disputes(self) -> list[Promise]:
        """Receipts of ids that were sent with two contents: of one, or of both."""
        with self._lock:
            return list(self._disputed)

    def contents(self) -> dict[str, frozenset[str]]:
        """The archive's ids of what was acknowledged under each disputed id: one, or both."""
        found: dict[str, frozenset[str]] = {}
        for promise in self.disputes():
            found[promise.id] = found.get(promise.id, frozenset()) | {promise.receipt["id"]}
        return found

    def pending(self) -> list[tuple[Kind, str, str]]:
        """What was pushed and never acknowledged."""
        with self._lock:
            return list(self._pending)

    def promises(self) -> list[Promise]:
        with self._lock:
            return list(self._promises.values())

    def taken_between(self, promise: Promise) -> tuple[datetime, datetime]:
        """When it was first sent and when it was acknowledged: it was received in between."""
        key = _key(promise)
        return self._began[key], self._ended[key]

    def transactions(self) -> dict[tuple[str, str], dict[str, Times]]:
        """By (gateway, transaction): when each of its acknowledged events was sent and promised."""
        found: dict[tuple[str, str], dict[str, Times]] = {}
        for key in self._kept:
            kind, gateway, id = key
            if kind == "event":
                events = found.setdefault((gateway, id.rsplit("/", 1)[0]), {})
                events[id] = Times(self._first_sent[key], self._kept[key])
        return found

    def __len__(self) -> int:
        return len(self._promises)

    def close(self) -> None:
        self._file.close()
