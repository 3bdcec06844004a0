"""Which limits of the whole node were reached lately: told by readiness, metrics and the ledger. Pure."""

from __future__ import annotations

from vanvault.archiver.core.ports import Stopwatch

#: For how long a limit counts as reached after the last refusal, in seconds.
HOLD_S = 30.0
#: Limits of the node itself: when one is reached, gateways are refused for what others do.
NODE_LIMITS = {
    "bytes": "as many bytes are in flight as intake.memory_bytes allows",
    "connections": "as many connections are open as http.connections and the limit on open files allow",
    "files": "no file can be opened: the machine's limit is reached",
    "threads": "no thread can be started: the machine's limit is reached",
    "memory": "no memory can be had: the machine's limit is reached",
}
#: Limits of one gateway or one caller, who is refused for what it does itself.
OWN_LIMITS = (
    "address",
    "answer-unread",
    "body-late",
    "gateway-bytes",
    "gateway-connections",
    "gateway-entries",
    "gateway-requests",
    "headers-late",
    "headers-too-large",
    "no-http",
    "strangers",
)


class Saturation:
    """Remembers when each limit of the node was last reached. Safe from many threads."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch
        self._last: dict[str, float] = {}

    def reached(self, limit: str) -> None:
        """A gateway was refused, or a caller ended, for this limit; one of a single caller does not count."""
        if limit in NODE_LIMITS:
            self._last[limit] = self._stopwatch.seconds()

    def now(self) -> list[str]:
        """The node's limits that were reached lately, by name."""
        since = self._stopwatch.seconds() - HOLD_S
        return sorted(limit for limit, at in dict(self._last).items() if at > since)
