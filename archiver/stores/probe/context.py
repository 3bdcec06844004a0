"""What every check works with: planted versions, attempts, and the question whether a lock still holds.

A check never judges by the answer to an attack, only by the state afterwards: an error that deleted is a
failure, and a success that changed nothing is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.probe.clients import Attacker
from vanvault.archiver.stores.verdict import rfc3339


class StoreUnreachable(Exception):
    """No answer from the store: network, TLS or time-out."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A version that the probe put, and what the store was told about it."""

    bucket: str
    key: str
    version: str
    body: bytes
    until: datetime | None  # None: no retention
    mode: str = "COMPLIANCE"


@dataclass(frozen=True, slots=True)
class AttackOutcome:
    """How the store answered an attempt."""

    accepted: bool
    code: str  # "accepted", or S3's error code
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Buckets:
    """The disposable buckets: attacks on settings stay away from attacks on versions."""

    main: str
    default: str  # its default retention is changed
    settings: str  # its versioning, lifecycle and existence are attacked

    def all(self) -> tuple[str, str, str]:
        return (self.main, self.default, self.settings)


@dataclass
class ProbeContext:
    """One run of the probe against one store."""

    owner: Any  # client that owns the disposable buckets
    attackers: tuple[Attacker, ...]
    buckets: Buckets
    clock: Clock
    sleep: Callable[[float], None]  # seconds
    offset: timedelta  # the store's clock minus the host's
    lock: timedelta  # how long the versions under attack are locked
    short: timedelta  # how long the versions that must expire are locked
    max_skew: timedelta
    _last_expiry: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def store_now(self) -> datetime:
        """The store's time, to about a second."""
        return self.clock.now() + self.offset

    def until(self, span: timedelta) -> datetime:
        """The whole second that is at least ``span`` from now by the store's clock."""
        moment = (self.store_now() + span + timedelta(seconds=1)).replace(microsecond=0)
        with self._mutex:
            self._last_expiry = max(self._last_expiry, moment)
        return moment

    def wait_past(self, moment: datetime | None) -> None:
        """Return once ``moment`` is surely past by the store's clock; at once for None."""
        if moment is not None:
            seconds = (moment - self.store_now()).total_seconds() + 1.5
            self.sleep(max(seconds, 0))

    @property
    def last_expiry(self) -> datetime:
        """When the last of the short locks ends, by the store's clock."""
        return self._last_expiry

    def plant(self, key: str, *, span: timedelta | None = None, bucket: str = "", **extra: Any) -> Planted:
        """PUT a small version under COMPLIANCE for ``span`` (default: the attack lock)."""
        where, until = bucket or self.buckets.main, self.until(span or self.lock)
        return self.plant_until(key, until, "COMPLIANCE", bucket=where, **extra)

    def plant_until(self, key: str, until: datetime, mode: str, *, bucket: str = "", **extra: Any) -> Planted:
        """PUT a small version locked to an exact date."""
        where, body = bucket or self.buckets.main, f"probe {key}".encode()
        answer = self.owner.put_object(
            Bucket=where, Key=key, Body=body, ObjectLockMode=mode, ObjectLockRetainUntilDate=until, **extra
        )
        return Planted(where, key, str(answer.get("VersionId", "")), body, until, mode)

    def plant_unlocked(self, key: str, *, bucket: str = "", **extra: Any) -> Planted:
        """PUT a small version without a lock."""
        where, body = bucket or self.buckets.main, f"probe {key}".encode()
        answer = self.owner.put_object(Bucket=where, Key=key, Body=body, **extra)
        return Planted(where, key, str(answer.get("VersionId", "")), body, None, "")

    def head(self, planted: Planted) -> Mapping[str, Any]:
        """HEAD of the version, as the owner."""
        answer: Mapping[str, Any] = self.owner.head_object(
            Bucket=planted.bucket, Key=planted.key, VersionId=planted.version
        )
        return answer

    def broken(self, planted: Planted) -> str:
        """Why the version is no longer as it was planted; "" while its bytes and lock are whole.

        A version whose lock has ended meanwhile proves nothing, which counts as broken, too.
        """
        try:
            answer = self.owner.get_object(Bucket=planted.bucket, Key=planted.key, VersionId=planted.version)
            body = answer["Body"].read()
        except ClientError as error:
            return f"the locked version is gone ({error_code(error)})"
        if body != planted.body:
            return "the bytes of the locked version changed"
        if planted.until is None:
            return ""
        until = answer.get("ObjectLockRetainUntilDate")
        if until is None:
            return "the version lost its lock"
        if until < planted.until:
            return f"the lock was shortened from {rfc3339(planted.until)} to {rfc3339(until)}"
        if answer.get("ObjectLockMode") != planted.mode:
            return f"the mode went from {planted.mode} to {answer.get('ObjectLockMode')}"
        if self.store_now() >= planted.until - timedelta(seconds=1):
            return "the store answered too slowly to judge before the lock ended; use a longer lock"
        return ""


def error_code(error: ClientError) -> str:
    """S3's error code, such as ``AccessDenied``, or the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", "")) or "unknown error"


def attempt(call: Callable[..., Any], **arguments: Any) -> AttackOutcome:
    """Make one request that the store may refuse.

    Raises StoreUnreachable where there was no answer; an answer that boto3 cannot read is an Outcome.
    """
    try:
        response = call(**arguments)
    except ClientError as error:
        return AttackOutcome(False, error_code(error), error.response)
    except BotoCoreError as error:
        if isinstance(error, unreachable_errors()):
            raise StoreUnreachable(str(error)) from error
        return AttackOutcome(False, type(error).__name__, {})
    return AttackOutcome(True, "accepted", response or {})


def unreachable_errors() -> tuple[type[Exception], ...]:
    """The botocore errors that mean: no answer came."""
    from botocore import exceptions

    return (exceptions.HTTPClientError, exceptions.ConnectionError)
