"""Reading a request's body: bounded, hashed while it arrives, and given up when it stalls."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from vanvault.api.context import Node
from vanvault.archiver.errors import InvalidInput, TooLarge

#: What one request costs besides its body: headers, objects, its receipt.
_OVERHEAD = 8 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was received whole."""

    data: bytes
    sha256: bytes
    sha512: bytes


@asynccontextmanager
async def received(request: Request, node: Node, *, limit: int, hashed: bool = True) -> AsyncIterator[Body]:
    """The request's body, its bytes counted against the node's budget until the block ends.

    A declared length is reserved at once: half-received bodies never wait for each other's memory.

    Raises TooLarge (over ``limit``), Busy (no budget), InvalidInput (stalled or cut off).
    """
    length = _declared(request, limit)
    reserved = _OVERHEAD + length
    node.budget.reserve(reserved)
    node.intake.pool.arriving(1)
    arriving = True
    try:
        chunks: list[bytes] = []
        size = 0
        sha256, sha512 = hashlib.sha256(), hashlib.sha512()
        stream = request.stream()
        async with asyncio.timeout(node.archive.settings.intake.body_timeout_s) as silence:
            async for chunk in stream:
                silence.reschedule(_later(node))
                size += len(chunk)
                if size > limit:
                    raise TooLarge("the body is too large", limit=limit, field="body")
                if size > reserved - _OVERHEAD:
                    node.budget.reserve(len(chunk))
                    reserved += len(chunk)
                if hashed:
                    sha256.update(chunk)
                    sha512.update(chunk)
                chunks.append(chunk)
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        node.intake.pool.arriving(-1)
        arriving = False
        yield Body(data, sha256.digest(), sha512.digest())
    except TimeoutError as error:
        raise InvalidInput("the body stalled", field="body", hint="Send it again, without pauses.") from error
    except ClientDisconnect as error:
        raise InvalidInput("the connection ended before the body did", field="body") from error
    finally:
        if arriving:
            node.intake.pool.arriving(-1)
        node.budget.release(reserved)


def _declared(request: Request, limit: int) -> int:
    text = request.headers.get("content-length")
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("Content-Length is no number", field="Content-Length")
    if int(text) > limit:
        raise TooLarge("the body is too large", limit=limit, field="Content-Length")
    return int(text)


def _later(node: Node) -> float:
    return asyncio.get_running_loop().time() + node.archive.settings.intake.body_timeout_s
