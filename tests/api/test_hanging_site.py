"""Sites that hang while a request waits for them: every other request is answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

from tests.support.archives import GATEWAY, PATIENCE_S, Home
from tests.support.gated import ReadGate
from tests.upkeep.compaction.homes import drafts, fill
from vanvault.api.app import create_app
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways
from vanvault.archiver.upkeep.periodic import Maintenance

#: A message that lies in a segment, as it was pushed.
ID, BODY = "m-0-0", b"<hs n='0'/>" * 20


@contextmanager
def gated(home: Home) -> Iterator[ReadGate]:
    gate, sites = ReadGate(), dict(home.sites)
    home.sites.update({name: gate.before(site) for name, site in sites.items()})
    try:
        yield gate
    finally:
        gate.open()
        home.sites.update(sites)


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[httpx.AsyncClient]:
    """A node of the home within this process, on this event loop."""
    gateways = Gateways(home.path)
    token = gateways.add_token(GATEWAY, SystemEntropy(), SystemClock()).secret
    app = create_app(home.archive)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        app.fastapi.router.lifespan_context(app.fastapi),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://node", headers=headers, timeout=None
        ) as client,
    ):
        async with asyncio.timeout(PATIENCE_S):
            while (await client.get("/v1/health/ready")).status_code != 200:
                await asyncio.sleep(0.02)
        yield client


async def push(client: httpx.AsyncClient, message_id: str, body: bytes) -> httpx.Response:
    return await client.post("/v1/messages", content=body, headers={"Vanvault-Message-Id": message_id})


async def reached(gate: ReadGate) -> None:
    assert await asyncio.to_thread(gate.reached.wait, PATIENCE_S)


async def others_are_answered(client: httpx.AsyncClient, retry: asyncio.Task[Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        assert (await client.get("/v1/health/live")).status_code == 200
        assert (await client.get("/v1/health/ready")).status_code == 200
        assert (await client.get("/metrics")).status_code == 401  # answered, to who may not read it
        for n in range(4):  # of a hundred new ids, less than one seems known to a filter and is looked up
            new = asyncio.create_task(push(client, f"new-{n}", b"<new/>"))
            done, _ = await asyncio.wait([new], timeout=PATIENCE_S / 4)
            if done:
                break
        assert new.result().status_code == 201
        batch = await client.post(
            "/v1/events",
            json=[
                {"event_id": f"while-{n}", "occurred_at": "2026-11-22T08:00:00Z", "type": "x"} for n in (0,)
            ],
        )
        assert batch.status_code == 200
    assert not retry.done()


@pytest.mark.timeout(300)
def test_a_retry_of_a_compacted_message_waits_alone(home: Home) -> None:
    archive = home.archive()
    fill(home, archive)
    Maintenance(archive).look()
    assert drafts(0)[0].client_id == ID

    async def run(gate: ReadGate) -> None:
        async with serving(home) as client:
            gate.shut()
            retry = asyncio.create_task(push(client, ID, BODY))
            await reached(gate)
            await others_are_answered(client, retry)
            gate.open()
            answer = await retry
            assert answer.status_code == 200
            assert answer.json()["message_id"] == ID

    with gated(home) as gate:
        asyncio.run(run(gate))


@pytest.mark.timeout(300)
def test_reads_that_hang_keep_no_push_waiting(home: Home) -> None:
    """As many reads as there are threads for them, and more."""
    archive = home.archive()
    fill(home, archive)
    Maintenance(archive).look()
    entry = next(
        item["id"] for item in archive.search.timeline("t-0", GATEWAY).items if item["entry"] == "message"
    )

    async def run(gate: ReadGate) -> None:
        async with serving(home) as client:
            gate.shut()
            reads = [asyncio.create_task(client.get(f"/v1/messages/{entry}/original")) for _ in range(12)]
            await reached(gate)
            await others_are_answered(client, reads[0])
            gate.open()
            assert {(await read).status_code for read in reads} == {200}

    with gated(home) as gate:
        asyncio.run(run(gate))
