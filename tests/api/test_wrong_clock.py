"""One site's clock is off: the node says so in readiness and metrics, and takes what its policy allows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from tests.api.test_hanging_site import push, serving
from tests.support.archives import Home
from tests.support.clocks import ManualClock
from tests.support.waiting import PATIENCE_S


class Ahead:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + timedelta(hours=1)


async def barred(client: httpx.AsyncClient, value: str) -> None:
    line = f'vanvault_site_barred{{cause="clock",site="standby"}} {value}'
    async with asyncio.timeout(PATIENCE_S):
        while line not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.02)


@pytest.mark.timeout(300)
def test_readiness_and_metrics_tell_of_a_clock_that_is_off(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    monkeypatch.setenv("VANVAULT_CLOCK__CHECK_INTERVAL_S", "0.1")
    monkeypatch.setenv("VANVAULT_METRICS__PUBLIC", "true")

    async def run() -> None:
        async with serving(home) as client:
            await barred(client, "0.0")
            home.standby.clock = Ahead(home.clock)
            await barred(client, "1.0")
            ready = await client.get("/v1/health/ready")
            assert ready.status_code == 200
            assert ready.json()["state"] == "degraded"
            assert any("its clock is off" in note for note in ready.json()["notes"])
            assert (await push(client, "m-1", b"<taken/>")).status_code == 201
            home.standby.clock = home.clock
            await barred(client, "0.0")

    asyncio.run(run())
