"""A WORM site in memory for tests: it obeys the port, polices its callers, and fails or rots on demand.

Where a real store only stays silent, this one takes note: ``breaches`` lists what callers did
that the design forbids, whether or not they swallowed the error, and ``check`` raises for it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeVar

from vanvault.archiver.core.errors import LockRefused, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.port import Capabilities, Oversize, StoredVersion, Stray
from vanvault.archiver.stores.rules import check_digest, check_key, check_range, check_retain_until

Operation = Literal["put", "get", "get_range", "stat", "versions", "list", "extend", "delete", "now"]
Result = TypeVar("Result")


class InvariantBroken(AssertionError):
    """A caller did what no caller may ever do."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in."""

    operation: Operation
    key: str = ""
    version: str = ""


@dataclass(slots=True)
class _Held:
    facts: StoredVersion
    data: bytes
    sha256: bytes  # as given with the put: damage does not change it


@dataclass(slots=True)
class _Failure:
    when: Literal["before", "after"]
    times: int
    error: VanVaultError | None


class MemorySite:
    """``Site`` and ``Disposer`` in memory; safe to share between threads."""

    def __init__(self, site: str, *, clock: Clock, first_version: int = 1) -> None:
        """``clock`` may be exchanged later. Version ids count up from ``first_version``."""
        self._site = site
        self.clock = clock
        self._lock = threading.RLock()
        self._held: dict[str, list[_Held]] = {}  # oldest version first
        self._failures: dict[Operation, _Failure] = {}
        self._unsettled: set[str] = set()  # keys whose last put failed, so that another put is fair
        self._next_version = first_version
        self.calls: list[Call] = []
        self.breaches: list[str] = []
        self.damage = Damage(self._held)

    @property
    def site(self) -> str:
        return self._site

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(lock="none", lock_binds_administrator=False)

    def fail_next(
        self,
        operation: Operation,
        when: Literal["before", "after"] = "before",
        *,
        times: int = 1,
        error: VanVaultError | None = None,
    ) -> None:
        """Let the next calls fail: ``before`` they take effect, or ``after`` ("failed, but stored").

        ``error`` takes the place of the SiteUnavailable whose ``may_be_stored`` fits ``when``.
        """
        self._failures[operation] = _Failure(when, times, error)

    def hold(self, key: str, *, on: bool = True) -> None:
        """Lay a legal hold on the newest version of a key, or lift it, as a store's administrator may."""
        with self._lock:
            held = self._find(key, None)
            held.facts = replace(held.facts, held=on)

    def allow_put_again(self, key: str) -> None:
        """The next put of ``key`` is no breach: its bytes were damaged, so a repair may put it."""
        self._unsettled.add(key)

    def check(self) -> None:
        """Raises InvariantBroken if any caller has broken a rule so far."""
        if self.breaches:
            raise InvariantBroken("; ".join(self.breaches))

    def close(self) -> None:
        """Nothing to close; what is stored stays, as on a disk."""

    def now(self) -> datetime:
        return self.call(Call("now"), self.clock.now)

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        check_key(key)
        check_digest(sha256)
        content = bytes(data)
        if hashlib.sha256(content).digest() != sha256:
            raise InvariantBroken(f"put of {key} with a digest that is not that of its bytes")

        def store() -> StoredVersion:
            now = self.clock.now()
            until = check_retain_until(retain_until, now)
            self._police_put(key, sha256)
            facts = StoredVersion(key, f"v{self._next_version:010d}", len(content), until, now)
            self._next_version += 1
            self._held.setdefault(key, []).append(_Held(facts, content, sha256))
            return facts

        try:
            facts = self.call(Call("put", key), store)
        except SiteUnavailable:
            self._unsettled.add(key)
            raise
        self._unsettled.discard(key)
        return facts

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        def read() -> bytes:
            data = self._find(key, version).data
            if most is not None and len(data) > most:
                raise Oversize(key, site=self._site, size=len(data), most=most)
            return data

        return self.call(Call("get", key, version or ""), read)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        check_range(offset, length)
        return self.call(
            Call("get_range", key, version or ""),
            lambda: self._find(key, version).data[offset : offset + length],
        )

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self.get(key, version, most=most), self.stat(key, version)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        return self.call(Call("stat", key, version or ""), lambda: self._find(key, version).facts)

    def versions(self, key: str) -> list[StoredVersion]:
        check_key(key)
        return self.call(
            Call("versions", key), lambda: [held.facts for held in reversed(self._held.get(key, []))]
        )

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        keys = self.call(Call("list", prefix), lambda: sorted(self._held))
        for key in keys:
            if key.startswith(prefix) and key > after:
                with self._lock:
                    found = [held.facts for held in reversed(self._held.get(key, []))]
                yield from found

    def strays(self) -> Iterator[Stray]:
        """Nothing can lie beside versions in memory."""
        return iter(())

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        def move() -> StoredVersion:
            held = self._find(key, version)
            current = held.facts.retain_until
            if current is not None and retain_until < current:
                self.breaches.append(f"tried to shorten the lock of {key}")
                raise LockRefused(f"the lock until {current.isoformat()} is only ever moved later: {key}")
            if retain_until != current:
                until = check_retain_until(retain_until, self.clock.now())
                held.facts = replace(held.facts, retain_until=until)
            return held.facts

        return self.call(Call("extend", key, version), move)

    def delete(self, key: str, version: str) -> None:
        def remove() -> None:
            held = self._find(key, version)
            until = held.facts.retain_until
            if until is not None and until > self.clock.now():
                self.breaches.append(f"tried to delete {key}, which is locked")
                raise LockRefused(f"locked until {until.isoformat()}: {key}")
            self._held[key].remove(held)
            if not self._held[key]:
                del self._held[key]

        self.call(Call("delete", key, version), remove)

    def call(self, call: Call, effect: Callable[[], Result]) -> Result:
        """Record the call, then let it fail before its effect, have its effect, or fail after it."""
        with self._lock:
            self.calls.append(call)
            failure = self._due_failure(call.operation)
            if failure is not None and failure.when == "before":
                raise self._error(failure)
            result = effect()
            if failure is not None:
                raise self._error(failure)
            return result

    def _due_failure(self, operation: Operation) -> _Failure | None:
        failure = self._failures.get(operation)
        if failure is None or failure.times < 1:
            return None
        failure.times -= 1
        return failure

    def _error(self, failure: _Failure) -> VanVaultError:
        stored = failure.when == "after"
        return failure.error or SiteUnavailable(
            f"site {self._site} failed as it was told to", site=self._site, may_be_stored=stored
        )

    def _police_put(self, key: str, sha256: bytes) -> None:
        """Names carry digests and never meet, so a key comes twice only when its first put is in doubt."""
        before = self._held.get(key, [])
        if any(held.sha256 != sha256 for held in before):
            self.breaches.append(f"put other bytes under {key}")
        elif before and key not in self._unsettled:
            self.breaches.append(f"put {key} again although the first put was acknowledged")

    def _find(self, key: str, version: str | None) -> _Held:
        check_key(key)
        for held in reversed(self._held.get(key, [])):
            if version in (None, held.facts.version):
                return held
        raise NotFound(f"site {self._site} holds no such version of {key}")


class Damage:
    """What disks, software and people do to stored bytes; each verb harms the newest version of a key."""

    def __init__(self, held: dict[str, list[_Held]]) -> None:
        self._held = held
        self._hidden: dict[str, list[_Held]] = {}

    def flip(self, key: str, bit: int = 0) -> None:
        """Turn one bit, counted from the start of the object."""
        newest = self._held[key][-1]
        rotten = bytearray(newest.data)
        rotten[bit // 8] ^= 1 << (bit % 8)
        newest.data = bytes(rotten)

    def truncate(self, key: str, size: int) -> None:
        """Keep the first ``size`` bytes only."""
        newest = self._held[key][-1]
        newest.data = newest.data[:size]
        newest.facts = replace(newest.facts, size=size)

    def drop(self, key: str) -> None:
        """Lose all versions of the key."""
        del self._held[key]

    def hide(self, key: str) -> None:
        """Show no version of the key until ``show``."""
        self._hidden[key] = self._held.pop(key)

    def show(self, key: str) -> None:
        """Show again what was hidden."""
        self._held[key] = self._hidden.pop(key)

    def shorten(self, key: str, retain_until: datetime) -> None:
        """Let the lock end earlier, as no store may."""
        newest = self._held[key][-1]
        newest.facts = replace(newest.facts, retain_until=retain_until)

    def swap(self, key: str, other: str) -> None:
        """Let two keys hold each other's bytes."""
        one, two = self._held[key][-1], self._held[other][-1]
        one.data, two.data = two.data, one.data
        one.facts = replace(one.facts, size=len(one.data))
        two.facts = replace(two.facts, size=len(two.data))

    def add(self, key: str, data: bytes) -> None:
        """Slip in an object that no writer made."""
        facts = StoredVersion(key, "v-extra", len(data), None, datetime(2026, 1, 1, tzinfo=UTC))
        self._held[key] = [*self._held.get(key, []), _Held(facts, data, hashlib.sha256(data).digest())]
