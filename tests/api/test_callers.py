"""A token is looked up once in a turn of the event loop, and anew in the next one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.clocks import ManualClock
from vanvault.api.callers import CallersOfTurn
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.people import Gateways


def test_a_token_that_is_taken_away_is_refused_in_the_next_turn(tmp_path: Path) -> None:
    clock, entropy = ManualClock(), SystemEntropy()
    gateways = Gateways(tmp_path)
    secret = gateways.add("gateway-1", entropy, clock).secret
    other = gateways.add("gateway-2", entropy, clock).secret
    callers = CallersOfTurn(gateways)

    async def main() -> None:
        first = callers.authenticate(secret, clock)
        assert callers.authenticate(secret, clock) is first
        assert callers.authenticate(other, clock).gateway == "gateway-2"
        with pytest.raises(AccessDenied):
            callers.authenticate(f"{secret}x", clock)
        gateways.remove("gateway-1", entropy, clock)
        assert callers.authenticate(secret, clock) is first
        await asyncio.sleep(0)
        with pytest.raises(AccessDenied):
            callers.authenticate(secret, clock)
        assert callers.authenticate(other, clock).gateway == "gateway-2"

    asyncio.run(main())
