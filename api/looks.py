"""Every read of a route is counted before its answer leaves, by whom, and what it came to.

Gateways read their own entries only, so their reads are counted by the minute. A caller whose token is not
known is counted by address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.caller_address import caller_address
from vanvault.api.context import TOKEN, node_of
from vanvault.api.node import Node
from vanvault.api.observe import GATEWAY
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.people.looks import Look, LookAct, LookOutcome, TalliedReads, outcome_of

#: Entries that the answer to a request shows.
_SHOWN = "vanvault.shown"

Route = Callable[..., Awaitable[Response]]


def counted(act: LookAct) -> Callable[[Route], Route]:
    """Count each request of a route; the route says by ``shows`` how many entries its answer shows.

    While reads could not be put on record for too long, nothing is shown: the route raises SiteUnavailable.
    """

    def around(route: Route) -> Route:
        @wraps(route)
        async def counting(request: Request, **path: Any) -> Response:
            node = node_of(request)
            node.duties.reads.check()
            try:
                answer = await route(request, **path)
            except VanVaultError as error:
                _count(request, node, act, outcome_of(error))
                raise
            _count(request, node, act, "shown")
            return answer

        return counting

    return around


async def on_record(node: Node, look: Look) -> None:
    """Put the look of a person on record; nothing of it may be sent before this returns.

    Raises SiteUnavailable, KeyUnavailable, MachineLimit, Busy: it is not on record.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[VanVaultError | None] = loop.create_future()

    def settle(error: VanVaultError | None) -> None:
        if not answered.done():  # the caller may have gone away
            answered.set_result(error)

    def told(error: VanVaultError | None) -> None:
        loop.call_soon_threadsafe(settle, error)

    node.duties.looks.record(look, told)
    error = await answered
    if error is not None:
        raise error


def shows(request: Request, entries: int) -> None:
    """So many entries are in the answer."""
    request.scope[_SHOWN] = entries


def _count(request: Request, node: Node, act: LookAct, outcome: LookOutcome) -> None:
    address = caller_address(request, node.proxies)
    gateway, token = request.scope.get(GATEWAY, ""), request.scope.get(TOKEN, "")
    reads = TalliedReads(gateway, act, outcome, token, "" if address is None else str(address))
    node.duties.reads.count(reads, request.scope.get(_SHOWN, 0) if outcome == "shown" else 0)
