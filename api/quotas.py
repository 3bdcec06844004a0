"""The quota of each gateway: bytes in flight, requests and waiting entries.

::

    total ──┬── kept      a quarter, in equal parts: each gateway always has its own part
            └── common    who comes first; one gateway among several may have half of the total

Nobody waits for bytes: what does not fit is refused at once, and what the request had is free again. So
requests that are half received never wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.settings import GatewayLimits

#: What one request costs besides its body: headers, objects, its receipt.
OVERHEAD_BYTES = 8 * 1024
_HINT = "Send the same request again after the time in Retry-After."


@dataclass(slots=True)
class _Usage:
    """What one gateway has now."""

    bytes: int = 0
    requests: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """How much there is, and how much one gateway may have of it."""

    total_bytes: int
    largest_bytes: int  # what the largest request that the settings allow needs
    waiting_entries: int  # of one gateway
    gateways: Callable[[], int]  # how many there are
    of_gateway: Callable[[str], GatewayLimits]


class Quotas:
    """All quotas of one node. Used on the event loop; figures may be read by any thread."""

    def __init__(self, limits: QuotaLimits, *, refused: Callable[[str], None] = lambda limit: None) -> None:
        """``refused``: told the name of the limit for which a request was refused: ``gateway-bytes``,
        ``gateway-requests``, ``gateway-entries``, or ``bytes``, when the whole node has no more."""
        self._limits = limits
        self._refused = refused
        self._used = 0
        self._usage: dict[str, _Usage] = {}

    @property
    def limit(self) -> int:
        """Most bytes that may be reserved."""
        return self._limits.total_bytes

    @property
    def used(self) -> int:
        """Bytes reserved now."""
        return self._used

    def begin(self, gateway: str) -> Reservation:
        """Count one request of a gateway until its reservation ends. Raises Busy: it has too many."""
        usage = self._usage.get(gateway)
        if usage is None:
            usage = self._usage[gateway] = _Usage()
        if usage.requests >= self._limits.of_gateway(gateway).requests:
            self._refuse(
                "gateway-requests", "this gateway has as many requests in flight as its limit allows"
            )
        usage.requests += 1
        return Reservation(self, gateway, usage)

    def _reserve(self, gateway: str, usage: _Usage, size: int) -> None:
        self._check(gateway, usage, size)
        usage.bytes += size
        self._used += size

    def _check(self, gateway: str, usage: _Usage, size: int) -> None:
        """Raise Busy if ``size`` bytes more do not fit now."""
        total, after = self.limit, usage.bytes + size
        gateways = max(1, self._limits.gateways())
        most = self._limits.of_gateway(gateway).bytes
        if most is None:
            common = total - total // 4
            most = max(total // 2, min(common, self._limits.largest_bytes)) if gateways > 1 else total
        if after > most:
            self._refuse("gateway-bytes", "this gateway has as many bytes in flight as its limit allows")
        own = total // 4 // gateways
        if after <= own:
            return
        taken = sum(max(0, one.bytes - own) for one in self._usage.values() if one is not usage)
        if taken + after - own > total - own * gateways:
            self._refuse("bytes", "the node has as many bytes in flight as its settings allow")

    def _queue(self, usage: _Usage, count: int) -> None:
        if usage.entries and usage.entries + count > self._limits.waiting_entries:
            self._refuse("gateway-entries", "as many entries of this gateway wait as its quota allows")
        usage.entries += count

    def _end(self, gateway: str, usage: _Usage, size: int, entries: int) -> None:
        self._used -= size
        usage.bytes -= size
        usage.entries -= entries
        usage.requests -= 1
        if not usage.requests:
            del self._usage[gateway]

    def _refuse(self, limit: str, text: str) -> NoReturn:
        self._refused(limit)
        raise Busy(text, retry_after=1, hint=_HINT)


class Reservation:
    """What one request has; all of it is free again when the request ends."""

    __slots__ = ("_bytes", "_ended", "_entries", "_gateway", "_quotas", "_usage")

    def __init__(self, quotas: Quotas, gateway: str, usage: _Usage) -> None:
        self._quotas, self._gateway, self._usage = quotas, gateway, usage
        self._bytes, self._entries = 0, 0
        self._ended = False

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes more, or raise Busy at once."""
        self._quotas._reserve(self._gateway, self._usage, size)
        self._bytes += size

    def check(self, size: int) -> None:
        """Raise Busy if ``size`` bytes more do not fit now; nothing is taken."""
        self._quotas._check(self._gateway, self._usage, size)

    def release(self, size: int) -> None:
        """Give ``size`` bytes back before the end."""
        self._bytes -= size
        self._usage.bytes -= size
        self._quotas._used -= size

    def queue(self, count: int) -> None:
        """Count entries that wait for a group commit. Raises Busy: too many of this gateway wait."""
        self._quotas._queue(self._usage, count)
        self._entries += count

    def end(self) -> None:
        """The request is answered. May be called again."""
        if not self._ended:
            self._ended = True
            self._quotas._end(self._gateway, self._usage, self._bytes, self._entries)
            self._bytes = self._entries = 0
