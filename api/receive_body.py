"""Reading a request's body: bounded in size and time, and hashed while it arrives."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from types import TracebackType

from starlette.requests import Request

from vanvault.api.node import Node
from vanvault.api.quotas import OVERHEAD_BYTES, Reservation
from vanvault.archiver.core.digests import Digests
from vanvault.archiver.core.errors import EncodedBody, InvalidInput, TooLarge, TooSlow

#: Pieces of more bytes than this are joined in a thread.
_JOINED_INLINE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was received whole."""

    data: bytes
    sha256: bytes
    sha512: bytes


class received:
    """The request's body, its bytes counted in the request's reservation until the block ends.

    Bytes are reserved as they come: who announces a body and does not send it takes nothing from others.
    Entering raises EncodedBody, TooLarge (over ``limit``), Busy (no room), TooSlow, InvalidInput (cut off).
    """

    __slots__ = ("_arriving", "_hashed", "_limit", "_node", "_request", "_reservation", "_reserved")

    def __init__(
        self, request: Request, node: Node, reservation: Reservation, *, limit: int, hashed: bool = True
    ) -> None:
        self._request = request
        self._node = node
        self._reservation = reservation
        self._limit = limit
        self._hashed = hashed
        self._reserved = 0
        self._arriving = 0

    async def __aenter__(self) -> Body:
        _check_plain(self._request)
        declared = _declared(self._request, self._limit)
        self._reservation.check(OVERHEAD_BYTES + declared)  # who would be refused in the end is refused now
        self._reserve(OVERHEAD_BYTES)
        self._node.intake.pool.arriving(1)
        self._arriving = 1
        try:
            return await self._read()
        except TimeoutError as error:
            self._release()
            self._node.metrics.limited("body-late")
            raise TooSlow(
                "the body came too slowly", field="body", hint="Send it again, without pauses."
            ) from error
        except BaseException:
            self._release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def hand_over(self) -> int:
        """How many requests the pool expects because of this one; from now on the caller tells the pool."""
        arriving, self._arriving = self._arriving, 0
        return arriving

    async def _read(self) -> Body:
        chunks: list[bytes] = []
        size = 0
        digests = Digests()
        pace, time = self._node.body_pace, asyncio.get_running_loop().time
        began = time()
        more = True
        async with asyncio.timeout_at(pace.deadline(began, began, 0)) as late:
            while more:
                message = await self._request.receive()
                if message["type"] == "http.disconnect":
                    raise InvalidInput("the connection ended before the body did", field="body")
                chunk: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(chunk)
                if size > self._limit:
                    raise TooLarge("the body is too large", limit=self._limit, field="body")
                self._reserve(len(chunk))
                if self._hashed:
                    digests.update(chunk)
                chunks.append(chunk)
                if more:
                    late.reschedule(pace.deadline(began, time(), size))
        data = chunks[0] if len(chunks) == 1 else await _joined(chunks, size, self._node.threads.compute)
        return Body(data, digests.sha256, digests.sha512)

    def _reserve(self, size: int) -> None:
        self._reservation.reserve(size)
        self._reserved += size

    def _release(self) -> None:
        if self.hand_over():
            self._node.intake.pool.arriving(-1)
        self._reservation.release(self._reserved)
        self._reserved = 0


async def _joined(chunks: list[bytes], size: int, threads: Executor) -> bytes:
    if size <= _JOINED_INLINE:
        return b"".join(chunks)
    return await asyncio.get_running_loop().run_in_executor(threads, b"".join, chunks)


def _check_plain(request: Request) -> None:
    """Is the body the original itself? Decoded or not, the archive would keep other bytes than were meant."""
    for name, plain in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        codings = ",".join(request.headers.getlist(name)).lower().split(",")
        if any(coding.strip() not in ("", plain) for coding in codings):
            raise EncodedBody(
                f"the body is encoded: {name} is not {plain}",
                field=name,
                hint="Send the bytes of the original, without a coding.",
            )


def _declared(request: Request, limit: int) -> int:
    text = request.headers.get("content-length")
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("Content-Length is no number", field="Content-Length")
    if int(text) > limit:
        raise TooLarge("the body is too large", limit=limit, field="Content-Length")
    return int(text)
