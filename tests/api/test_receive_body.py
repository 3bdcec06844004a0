"""A body that is not received whole has nothing reserved any more, whatever ended it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from vanvault.api.quotas import OVERHEAD_BYTES, QuotaLimits, Quotas
from vanvault.api.receive_body import received
from vanvault.archiver.core.errors import Busy, InvalidInput, TooLarge, TooSlow, VanVaultError
from vanvault.archiver.core.settings import GatewayLimits

TOTAL = 4 * OVERHEAD_BYTES
PIECE = b"x" * 1000


class Pace:
    """The time is over as soon as nothing more comes."""

    def deadline(self, began: float, now: float, size: int) -> float:
        return now


class Pool:
    """Counts bodies that are on their way."""

    def __init__(self) -> None:
        self.coming = 0

    def arriving(self, number: int) -> None:
        self.coming += number


class Bench:
    """What the reader of bodies needs of a node."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.pool, self.limited = Pool(), list[str]()
        self.quotas = Quotas(
            QuotaLimits(
                total_bytes=TOTAL,
                largest_bytes=TOTAL,
                waiting_entries=10,
                gateways=lambda: 1,
                of_gateway=lambda _: GatewayLimits(requests=10),
            )
        )
        self.reservation = self.quotas.begin("gateway-1")
        self.node: Any = SimpleNamespace(
            intake=SimpleNamespace(pool=self.pool),
            metrics=SimpleNamespace(limited=self.limited.append),
            body_pace=Pace(),
            threads=SimpleNamespace(compute=threads),
        )

    def take(self, *messages: dict[str, Any], limit: int = 10_000, length: str = "") -> bytes:
        """Receive these messages, and nothing after them."""
        left = iter(messages)

        async def receive() -> dict[str, Any]:
            message = next(left, None)
            if message is None:
                await asyncio.Event().wait()  # for ever
            assert message is not None
            return message

        headers = [(b"content-length", length.encode())] if length else []
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)

        async def run() -> bytes:
            async with received(request, self.node, self.reservation, limit=limit) as body:
                assert body.sha256 == hashlib.sha256(body.data).digest()
                assert body.sha512 == hashlib.sha512(body.data).digest()
                assert self.quotas.used == OVERHEAD_BYTES + len(body.data)
                return body.data

        return asyncio.run(run())


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ThreadPoolExecutor(1) as threads:
        yield Bench(threads)


def piece(data: bytes = PIECE, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


GONE = {"type": "http.disconnect"}


def test_a_body_that_came_whole_is_free_again_after_its_block(bench: Bench) -> None:
    assert bench.take(piece(), piece(b"end", more=False)) == PIECE + b"end"
    assert (bench.quotas.used, bench.pool.coming) == (0, 0)


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([], TooSlow),
        ([piece(), piece()], TooSlow),
        ([piece(), GONE], InvalidInput),
        ([piece()] * 11, TooLarge),
    ],
    ids=["nothing", "stalled", "cut off", "too long"],
)
def test_a_body_that_ends_early_gives_back_what_it_had(
    bench: Bench, messages: list[dict[str, Any]], error: type[VanVaultError]
) -> None:
    """Its request may still be answered, slowly: until then the bytes would be nobody's."""
    with pytest.raises(error):
        bench.take(*messages)
    assert (bench.quotas.used, bench.pool.coming) == (0, 0)
    assert bench.limited == (["body-late"] if error is TooSlow else [])
    assert bench.take(piece(more=False)) == PIECE


def test_a_body_for_which_there_is_no_room_takes_none(bench: Bench) -> None:
    with pytest.raises(Busy):
        bench.take(*[piece(bytes(OVERHEAD_BYTES))] * 4, limit=TOTAL)
    assert (bench.quotas.used, bench.pool.coming) == (0, 0)


@pytest.mark.parametrize(
    ("length", "error"),
    [("10001", TooLarge), ("1e3", InvalidInput), ("-1", InvalidInput), ("٣", InvalidInput)],
)
def test_a_length_that_is_none_or_too_much_is_refused_before_a_byte_is_read(
    bench: Bench, length: str, error: type[VanVaultError]
) -> None:
    with pytest.raises(error):
        bench.take(length=length)
    assert (bench.quotas.used, bench.pool.coming) == (0, 0)
