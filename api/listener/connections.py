"""Who holds a connection, and which one ends when there is no room for the next. Pure: no sockets.

::

    total ──┬── strangers        no valid token was sent on this connection; the oldest ends for a new one
            └── callers          each belongs to one gateway; at most ``total - lane`` together

A new connection always finds room: strangers end for it, the oldest first, and callers never fill the
*lane*, which is kept for strangers, such as the health checks of a load balancer. A connection on which a
request is under way is never ended for another one, unless it is a stranger that does not read; nor is one
that just came: it has a quarter of a second to say whose it is, however many come behind it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from vanvault.archiver.core.errors import Busy

#: Connections that may be told to end and not yet be gone, beyond the total.
_ENDING = 64
#: Seconds that they have for it, where others wait for their room.
_PATIENCE_S = 0.25
#: Most strangers that are looked at for one that may end.
_LOOKED_AT = 64
#: Seconds that a stranger has before it may end for a new connection.
_YOUTH_S = 0.25


class Connection(Protocol):
    """One open connection, as the registry sees it."""

    address: str  # of the caller; "" when it says nothing
    since: float  # when it came, on the registry's clock

    @property
    def at_rest(self) -> bool:
        """Is no request under way?"""
        ...

    @property
    def is_unread(self) -> bool:
        """Does the node wait until the caller reads what it was answered?"""
        ...

    def give_way(self) -> None:
        """End now, because another connection needs the room; when told again, without a last word."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be."""

    total: int
    for_address: int | None = None  # strangers of one address; None: behind a proxy, where all have one
    for_gateway: Callable[[str], int] = lambda gateway: 2**31

    @property
    def lane(self) -> int:
        """Connections that callers never take."""
        return max(1, self.total // 8)

    @property
    def callers(self) -> int:
        """Most connections of all gateways together."""
        return self.total - self.lane

    def of_gateway(self, gateway: str) -> int:
        """Most connections of one gateway: never more than half of what all may have."""
        return min(self.for_gateway(gateway), max(1, self.callers // 2))


class Connections:
    """The open connections of one listener. Used on the event loop only."""

    def __init__(
        self,
        limits: ConnectionLimits,
        clock: Callable[[], float],
        *,
        refused: Callable[[str], None] = lambda limit: None,
    ) -> None:
        """``clock``: seconds, as of an event loop. ``refused``: told the name of the limit for which a
        connection ended or a request was refused."""
        self.limits = limits
        self._clock = clock
        self.arriving = 0  # accepted, not yet added
        self._refused = refused
        self._strangers: OrderedDict[Connection, None] = OrderedDict()
        self._by_address: dict[str, OrderedDict[Connection, None]] = {}
        self._gateway: dict[Connection, str] = {}
        self._by_gateway: dict[str, OrderedDict[Connection, None]] = {}
        self._ending: dict[Connection, float] = {}  # since when, the longest first

    def __len__(self) -> int:
        """All that are open or on their way to it."""
        return self.arriving + len(self._strangers) + len(self._gateway) + len(self._ending)

    def all(self) -> list[Connection]:
        """Every open connection."""
        return [*self._strangers, *self._gateway, *self._ending]

    @property
    def callers(self) -> int:
        """Connections that belong to a gateway."""
        return len(self._gateway)

    def make_room(self) -> bool:
        """May one more be accepted now? Ends the oldest stranger at rest where the total is reached.

        False: wait until one that ends is gone, or a request is answered.
        """
        if len(self) < self.limits.total:
            return True
        if len(self) >= self.limits.total + _ENDING:
            self._press()
            return False
        if self._end_oldest(self._strangers, strangers=True):
            self._refused("strangers")
            return True
        if not self._ending and not self.arriving and not any(map(_may_end, self._strangers)):
            self._refused("connections")
        return False

    def add(self, connection: Connection) -> None:
        """One that was accepted; its address's oldest stranger ends when that has too many."""
        self.arriving -= 1
        self._strangers[connection] = None
        if self.limits.for_address is None:
            return
        same = self._by_address.setdefault(connection.address, OrderedDict())
        if len(same) >= self.limits.for_address and self._end_oldest(same, strangers=True):
            self._refused("address")
        # Ending the last of them may have removed the dictionary.
        self._by_address.setdefault(connection.address, same)[connection] = None

    def remove(self, connection: Connection) -> None:
        """One that is closed."""
        self._ending.pop(connection, None)
        self._forget(connection)

    def identify(self, connection: Connection, gateway: str) -> None:
        """A valid token of this gateway came on the connection. Raises Busy: the gateway has too many.

        An idle connection of the gateway ends first, and where all gateways together have too many, an idle
        one of the gateway that has most.
        """
        if self._gateway.get(connection) == gateway or connection in self._ending:
            return
        own = self._by_gateway.get(gateway)
        if own is not None and len(own) >= self.limits.of_gateway(gateway) and not self._end_oldest(own):
            self._refused("gateway-connections")
            raise Busy(
                "this gateway has as many connections as its limit allows",
                retry_after=1,
                hint="Use fewer connections at once, and keep them open.",
            )
        if connection not in self._gateway and len(self._gateway) >= self.limits.callers:
            most = max(self._by_gateway.values(), key=len)
            if not (own and self._end_oldest(own)) and not self._end_oldest(most):
                self._refused("connections")
                raise Busy("the node has as many connections as it can serve", retry_after=1)
        self._forget(connection)
        self._gateway[connection] = gateway
        self._by_gateway.setdefault(gateway, OrderedDict())[connection] = None

    def _end_oldest(self, among: OrderedDict[Connection, None], *, strangers: bool = False) -> bool:
        found = _stranger_to_end(among) if strangers else next(filter(_is_at_rest, among), None)
        if found is None or (strangers and self._clock() - found.since < _YOUTH_S):
            return False
        self._forget(found)
        self._ending[found] = self._clock()
        found.give_way()
        return True

    def _press(self) -> None:
        """Cut off those that were told to end and stay, such as who does not read its last answer."""
        until = self._clock() - _PATIENCE_S
        late = takewhile(lambda told: told[1] <= until, self._ending.items())
        for connection, _ in list(late):
            connection.give_way()

    def _forget(self, connection: Connection) -> None:
        gateway = self._gateway.pop(connection, None)
        if gateway is not None:
            _drop(self._by_gateway, gateway, connection)
        elif connection in self._strangers:
            del self._strangers[connection]
            if self.limits.for_address is not None:
                _drop(self._by_address, connection.address, connection)


def _may_end(stranger: Connection) -> bool:
    return stranger.at_rest or stranger.is_unread


def _stranger_to_end(among: OrderedDict[Connection, None]) -> Connection | None:
    """The first that may end. Those before it are busy and go behind the last, and only some are looked at:
    else a crowd of busy ones would be looked at whole for each new connection."""
    for _ in range(min(_LOOKED_AT, len(among))):
        first = next(iter(among))
        if _may_end(first):
            return first
        among.move_to_end(first)
    return None


def _is_at_rest(caller: Connection) -> bool:
    return caller.at_rest


def _drop(groups: dict[str, OrderedDict[Connection, None]], name: str, connection: Connection) -> None:
    group = groups.get(name)
    if group is not None:
        group.pop(connection, None)
        if not group:
            del groups[name]
