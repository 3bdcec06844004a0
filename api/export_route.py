"""``GET /v1/export``: what a search finds, with originals and receipts, as one signed ZIP, for a person."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.exporting import MadeExport, made_export
from vanvault.api.looks import looked, reader_of, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.urls import query_of
from vanvault.archiver.export import parse_request

router = APIRouter()

#: Bytes that are read and sent at once.
_PIECE_BYTES = 256 * 1024


@router.get("/v1/export", **openapi.EXPORT)
@looked("export", "export", gateways=False, purpose=True)
async def export(request: Request) -> Response:
    """All entries that match, oldest first, as ``vanvault export --format zip`` writes them.

    Needs the permission ``export`` and a purpose, which is the reason in the signed manifest.
    """
    node, reader = node_of(request), reader_of(request)
    asked = parse_request(without_purpose(query_of(request.scope)), format="zip", reason=reader.purpose)
    made = await asyncio.get_running_loop().run_in_executor(
        node.threads.exports, lambda: made_export(node, asked, reader)
    )
    shows(request, made.survey.ids, made.survey.entries)
    return _Sent(node, made)


class _Sent(Response):
    """A file, piece by piece, as the caller reads."""

    def __init__(self, node: Node, made: MadeExport) -> None:
        report = made.report
        super().__init__(
            headers={
                "Content-Type": "application/zip",
                "Content-Length": str(report.bytes),
                "Content-Disposition": f'attachment; filename="export-{report.state.export}.zip"',
                "Vanvault-Export": report.state.export,
                "Vanvault-Sha256": report.sha256,
                "Vanvault-Unreadable": str(len(report.unreadable)),
                "X-Content-Type-Options": "nosniff",
            }
        )
        self._node = node
        self._made = made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, threads = asyncio.get_running_loop(), self._node.threads.reads
        with self._made.file as file:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            left = self._made.report.bytes
            while left:
                piece = await loop.run_in_executor(threads, file.read, min(left, _PIECE_BYTES))
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
