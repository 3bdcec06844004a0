"""``GET /v1/export``: what a search finds, with originals and receipts, as one signed ZIP, for a person."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.asked import exactly_asked
from vanvault.api.context import node_of
from vanvault.api.exporting import made_export
from vanvault.api.looks import looked, parsed, reader_of, shows
from vanvault.api.purpose import without_purpose
from vanvault.api.sent_file import SentFile
from vanvault.api.urls import query_of
from vanvault.archiver.export import parse_request

router = APIRouter()


@router.get("/v1/export", **openapi.EXPORT)
@looked("export", "export", gateways=False, purpose=True)
async def export(request: Request) -> Response:
    """All entries that match, oldest first, as ``vanvault export --format zip`` writes them.

    Needs the permission ``export`` and a purpose, which is the reason in the signed manifest.
    """
    node, reader = node_of(request), reader_of(request)
    given = exactly_asked(request, without_purpose(query_of(request.scope)))
    asked = parsed(request, lambda: parse_request(given, format="zip", reason=reader.purpose))
    made = await asyncio.get_running_loop().run_in_executor(
        node.threads.exports, lambda: made_export(node, asked, reader)
    )
    shows(request, made.survey.ids, made.survey.entries)
    report = made.report
    headers = {
        "Vanvault-Export": report.state.export,
        "Vanvault-Sha256": report.sha256,
        "Vanvault-Unreadable": str(len(report.unreadable)),
    }
    return SentFile(node, made.file, report.bytes, f"export-{report.state.export}.zip", headers)
