"""Guessing is slowed down by account and network together, never by the account alone.

So strangers cannot lock anybody out from elsewhere, the last approver least of all: who waits is the network
that the guesses come from. A network that tries many accounts waits as a whole. Proofs by an authenticator
cannot be guessed, and are not slowed down.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

_MOST_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """After so many failures, each one more doubles the wait, up to ``longest_s``."""

    free_of_account: int = 5
    free_of_network: int = 50
    first_s: float = 1.0
    longest_s: float = 900.0
    forget_s: float = 3600.0  # without an attempt


@dataclass(slots=True)
class _Count:
    failures: int
    last: float


class Throttle:
    """Counts failures in memory, for this node. Many threads may call. Times are seconds of a stopwatch."""

    def __init__(self, rules: ThrottleRules | None = None) -> None:
        self._rules = rules or ThrottleRules()
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def admit(self, account: str, address: IPv4Address | IPv6Address | None, now: float) -> float:
        """May this attempt be made? 0.0: yes, and it counts as failed until ``passed``; else seconds to wait.

        Args:
            account: the name as it was given; it need not exist. "": the network alone counts.
            address: where the attempt comes from; None: nobody knows, which counts as one network.
        """
        pair, whole = self._keys(account, address)
        with self._lock:
            self._forget(now)
            wait = max(
                self._wait(pair, self._rules.free_of_account, now),
                self._wait(whole, self._rules.free_of_network, now),
            )
            if wait > 0:
                return wait
            for key in {pair, whole}:
                count = self._counts.pop(key, None) or _Count(0, now)
                count.failures, count.last = count.failures + 1, now
                self._counts[key] = count
            return 0.0

    def passed(self, account: str, address: IPv4Address | IPv6Address | None) -> None:
        """The last attempt was good: it is taken back, and what the account failed before is forgotten."""
        pair, whole = self._keys(account, address)
        with self._lock:
            self._counts.pop(pair, None)
            count = self._counts.get(whole)
            if count is not None:
                count.failures = max(0, count.failures - 1)

    def _keys(
        self, account: str, address: IPv4Address | IPv6Address | None
    ) -> tuple[tuple[str, str], tuple[str, str]]:
        network = network_of(address)
        return (account[:128], network), ("", network)

    def _wait(self, key: tuple[str, str], free: int, now: float) -> float:
        count = self._counts.get(key)
        if count is None or count.failures < free:
            return 0.0
        pause = self._rules.first_s * 2.0 ** min(count.failures - free, 30)
        return max(0.0, count.last + min(pause, self._rules.longest_s) - now)

    def _forget(self, now: float) -> None:
        """Those without an attempt for long go, and the oldest where there are too many."""
        while self._counts and (
            now - next(iter(self._counts.values())).last > self._rules.forget_s
            or len(self._counts) >= _MOST_KEYS
        ):
            self._counts.popitem(last=False)


def network_of(address: IPv4Address | IPv6Address | None) -> str:
    """What one guesser can easily change its address within: /24 of IPv4, /48 of IPv6; "" for no address."""
    if address is None:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))
