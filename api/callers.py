"""Whose token came with a request. Requests come in crowds: those of a group that was answered come again."""

from __future__ import annotations

import asyncio

from vanvault.archiver.core.ports import Clock
from vanvault.archiver.people import Caller, Gateways


class CallersOfTurn:
    """Looks each token up once in a turn of the event loop, on which alone it is used.

    Nothing outlives its turn, so a token that is taken away is refused from the next one on.
    """

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._known: dict[str, Caller] = {}

    def authenticate(self, token: str, clock: Clock) -> Caller:
        """As ``Gateways.authenticate``; what it raises is not kept."""
        caller = self._known.get(token)
        if caller is None:
            caller = self._gateways.authenticate(token, clock)
            if not self._known:
                asyncio.get_running_loop().call_soon(self._known.clear)
            self._known[token] = caller
        return caller
