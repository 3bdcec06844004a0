"""A file as the body of an answer, piece by piece, as the caller reads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import IO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vanvault.api.node import Node

#: Bytes that are read and sent at once.
_PIECE_BYTES = 256 * 1024


class SentFile(Response):
    """A ZIP to be saved; the file is closed at the end."""

    def __init__(self, node: Node, file: IO[bytes], size: int, name: str, headers: Mapping[str, str]) -> None:
        """``name``: made of ids alone; nothing of a caller's text reaches a header."""
        super().__init__(
            headers={
                "Content-Type": "application/zip",
                "Content-Length": str(size),
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                **headers,
            }
        )
        self._node = node
        self._file = file
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, threads = asyncio.get_running_loop(), self._node.threads.reads
        with self._file as file:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            left = self._size
            while left:
                piece = await loop.run_in_executor(threads, file.read, min(left, _PIECE_BYTES))
                if not piece:
                    raise OSError("the file is shorter than it was")
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
