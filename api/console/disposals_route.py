"""``/console/disposals``: what was disposed of or is to be, as ``/v1/disposals`` tells it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.answers import page_answer
from vanvault.api.console.pages import DISPOSAL, DISPOSALS
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.views.disposals import DisposalsView, DisposalView, disposal_line, left_copies
from vanvault.api.console.visits import visit_of
from vanvault.api.context import node_of
from vanvault.api.disposal_routes import certificate_answer, read_disposal, read_disposals
from vanvault.api.looks import looked, shows
from vanvault.api.node import Node
from vanvault.api.reading import run_read
from vanvault.archiver.core.errors import VanVaultError
from vanvault.recovery.disposal import signed_certificate
from vanvault.recovery.disposal_record import KnownDisposal

router = APIRouter(route_class=ConsoleRoute)


@router.get(DISPOSALS.path)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposals(request: Request) -> Response:
    """All of them, the newest first."""
    node = node_of(request)
    await visit_of(request, node)
    known, partial = await run_read(node, lambda: read_disposals(node))
    lines = tuple(disposal_line(one.as_json()) for one in known)
    shows(request, (), len(lines))
    return page_answer(request, DISPOSALS, view=DisposalsView(lines, complete=not partial))


@router.get(DISPOSAL.path)
@looked("results", "verify-results", of="disposals", gateways=False)
async def disposal(request: Request, disposal_id: str) -> Response:
    """One of them: who decided it, what was done, and what is left."""
    node = node_of(request)
    visit = await visit_of(request, node)
    known = await run_read(node, lambda: read_disposal(node, disposal_id))
    report, trouble = await run_read(node, lambda: _certificate(node, known))
    shows(request, (), 1)
    told = known.as_json()
    view = DisposalView(
        disposal_line(told), told, left_copies(report), trouble, approves=visit.may("approve")
    )
    return page_answer(request, DISPOSAL, view=view)


@router.get(f"{DISPOSAL.path}/certificate/{{file}}")
@looked("results", "verify-results", of="disposals", gateways=False)
async def certificate(request: Request, disposal_id: str, file: str) -> Response:
    """A file of its newest certificate."""
    await visit_of(request, node_of(request))
    return await certificate_answer(request, disposal_id, file)


def _certificate(node: Node, known: KnownDisposal) -> tuple[dict[str, Any] | None, str]:
    """The newest certificate, and why it cannot be read now."""
    if known.record.certificate is None:
        return None, ""
    try:
        return signed_certificate(node.archive, known, node.archive.signing.public), ""
    except VanVaultError as error:  # the page says so; what is on record is shown all the same
        return None, error.message
