"""Reading a request's body: bounded, hashed while it arrives, and given up when it stalls."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from types import TracebackType

from starlette.requests import Request

from vanvault.api.node import Node
from vanvault.archiver.core.errors import InvalidInput, TooLarge

#: What one request costs besides its body: headers, objects, its receipt.
_OVERHEAD = 8 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was received whole."""

    data: bytes
    sha256: bytes
    sha512: bytes


class received:
    """The request's body, its bytes counted against the node's budget until the block ends.

    A declared length is reserved at once: half-received bodies never wait for each other's memory.
    Entering raises TooLarge (over ``limit``), Busy (no budget), InvalidInput (stalled or cut off).
    """

    __slots__ = ("_hashed", "_limit", "_node", "_request", "_reserved")

    def __init__(self, request: Request, node: Node, *, limit: int, hashed: bool = True) -> None:
        self._request = request
        self._node = node
        self._limit = limit
        self._hashed = hashed
        self._reserved = 0

    async def __aenter__(self) -> Body:
        declared = _declared(self._request, self._limit)
        self._reserve(_OVERHEAD + declared)
        pool = self._node.intake.pool
        pool.arriving(1)
        try:
            return await self._read()
        except TimeoutError as error:
            self._release()
            raise InvalidInput(
                "the body stalled", field="body", hint="Send it again, without pauses."
            ) from error
        except BaseException:
            self._release()
            raise
        finally:
            pool.arriving(-1)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    async def _read(self) -> Body:
        chunks: list[bytes] = []
        size = 0
        sha256, sha512 = hashlib.sha256(), hashlib.sha512()
        silence_s = self._node.archive.settings.intake.body_timeout_s
        more = True
        async with asyncio.timeout(silence_s) as silence:
            while more:
                message = await self._request.receive()
                if message["type"] == "http.disconnect":
                    raise InvalidInput("the connection ended before the body did", field="body")
                chunk: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(chunk)
                if size > self._limit:
                    raise TooLarge("the body is too large", limit=self._limit, field="body")
                if size > self._reserved - _OVERHEAD:
                    self._reserve(size - (self._reserved - _OVERHEAD))
                if self._hashed:
                    sha256.update(chunk)
                    sha512.update(chunk)
                chunks.append(chunk)
                if more:
                    silence.reschedule(asyncio.get_running_loop().time() + silence_s)
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Body(data, sha256.digest(), sha512.digest())

    def _reserve(self, size: int) -> None:
        self._node.budget.reserve(size)
        self._reserved += size

    def _release(self) -> None:
        self._node.budget.release(self._reserved)
        self._reserved = 0


def _declared(request: Request, limit: int) -> int:
    text = request.headers.get("content-length")
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("Content-Length is no number", field="Content-Length")
    if int(text) > limit:
        raise TooLarge("the body is too large", limit=limit, field="Content-Length")
    return int(text)
