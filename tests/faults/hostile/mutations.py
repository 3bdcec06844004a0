"""Defences switched off, one at a time: with each of them off, the checker must find what then comes in.

A switch exchanges one function of the product in this process. With it stand acts against which the defence
is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.hostile.world import exchanged
from vanvault.archiver.core.format.batches import batch
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.object_limits import ObjectSizes, SizeLimit
from vanvault.archiver.keys import Judged, ObjectTrust
from vanvault.archiver.replicas import GuardedSite, Quarantine
from vanvault.recovery.reconcile.plan import DueLocks


@dataclass(frozen=True)
class Mutation:
    """A defence that is off, and what it is there for."""

    off: Callable[[], AbstractContextManager[None]]
    acts: tuple[str, ...]
    finds: str  # the count in which the checker says so
    policy: str = "all"


def _exchange(*changes: tuple[Any, str, Any]) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def off() -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, value in changes:
                stack.enter_context(exchanged(owner, name, value))
            yield

    return off


def _every_name_is_proved(self: ObjectTrust, key: str) -> Judged:
    name = parse_key(key)
    return Judged(name, None if name else "junk")


def _everything_is_listed(self: GuardedSite, prefix: str = "", after: str = "") -> Iterator[Any]:
    return self._site.list(prefix, after)


def _any_order(self: GuardedSite, prefix: str, after: str) -> Iterator[Any]:
    return self._site.list(prefix, after)


def _any_size(self: ObjectSizes, name: ObjectName) -> SizeLimit:
    return SizeLimit(2**62, 2**62)


def _the_latest_that_is_shown(self: DueLocks, name: ObjectName, shown: Iterable[datetime]) -> datetime | None:
    return max(shown, default=None)


MUTATIONS: dict[str, Mutation] = {
    "every name counts as proved": Mutation(
        _exchange((ObjectTrust, "judge", _every_name_is_proved)),
        ("alias-of-the-first-writer",),
        "stopped",
    ),
    "what is within counts as proved": Mutation(
        _exchange((batch, "check_proof", lambda *whatever: None)),
        (
            "forged-message-under-a-signed-name",
            "forged-promotion-under-the-log-master-under-a-signed-name",
        ),
        "believed",
    ),
    "listings are not filtered": Mutation(
        _exchange((GuardedSite, "list", _everything_is_listed)),
        ("alias-of-the-first-writer", "batch-under-a-master-that-is-missing"),
        "stopped",
    ),
    "what is set aside is not named": Mutation(
        _exchange(
            (Quarantine, "found", lambda self, sites=None: ()), (Quarantine, "counts", lambda self: {})
        ),
        ("junk-name", "alias-of-another-writer"),
        "unnamed",
    ),
    "any size is read": Mutation(
        _exchange((ObjectSizes, "of", _any_size)), ("genuine-manifest-of-gigabytes",), "stopped"
    ),
    "any order of a listing is taken": Mutation(
        _exchange((GuardedSite, "_in_order", _any_order)), ("lists-backwards",), "stopped", policy="any"
    ),
    "locks are as a site shows them": Mutation(
        _exchange((DueLocks, "of", _the_latest_that_is_shown)),
        ("batch-locked-for-years",),
        "copied",
    ),
}
