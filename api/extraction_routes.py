"""``/v1/extractions``: data for an authority by form, for persons with ``extract``; others approve it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi
from vanvault.api.context import node_of
from vanvault.api.extracting import asked_at_node, run_at_node
from vanvault.api.looks import Reader, asks, looked, parsed, reader_of, shows
from vanvault.api.node import Node
from vanvault.api.purpose import without_purpose
from vanvault.api.sent_file import SentFile
from vanvault.api.session_routes import json_object, short_body
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import Busy, InvalidInput, NotFound
from vanvault.archiver.people.extraction import Extraction, Extractions
from vanvault.recovery.extraction import AskedExtraction, known_extractions

router = APIRouter()

#: Bytes of a body: a scan of 8 MiB in base64, and its form.
_MOST_BODY = 11 * 2**20

_T = TypeVar("_T")


@router.get("/v1/extractions", **openapi.EXTRACTIONS)
@looked("access", "extract", of="extractions", gateways=False)
async def extractions(request: Request) -> Response:
    """One's own extractions on record, the newest first; those of others for who may approve or see looks."""
    parsed(request, lambda: _check_none(request))
    seen, partial = await shown_extractions(request)
    now = node_of(request).archive.clock.now()
    return _json({"extractions": [one.as_json(now) for one in seen], "partial": partial})


@router.get("/v1/extractions/{extraction_id}", **openapi.EXTRACTION)
@looked("access", "extract", of="extractions", gateways=False)
async def extraction(request: Request, extraction_id: str) -> Response:
    """One extraction that the list shows: its form, its approval, and what was given out."""
    parsed(request, lambda: _check_none(request))
    found = await shown_extraction(request, extraction_id)
    return _json(found.as_json(node_of(request).archive.clock.now()))


@router.post("/v1/extractions", **openapi.ASK_EXTRACTION)
@looked("count", "extract", gateways=False)
async def ask(request: Request) -> Response:
    """Put a form on record with the scan of its letter; how many entries it finds is what others approve."""
    node = node_of(request)
    body = await short_body(request, node, "application/json", most=_MOST_BODY)
    form, scan = await _in_exports(node, lambda: parsed(request, lambda: _asked(body)))
    done, approval = await asked_extraction(request, form, scan)
    told = done.extraction.as_json(node.archive.clock.now())
    answer = _json({**told, "already": done.already, "approval_request": approval})
    answer.status_code = 200 if done.already else 201
    return answer


@router.post("/v1/extractions/{extraction_id}/run", **openapi.RUN_EXTRACTION)
@looked("extract", "extract", gateways=False)
async def run(request: Request, extraction_id: str) -> Response:
    """The file of an approved extraction, by who asked for it; again until it is handed over."""
    return await extraction_file(request, extraction_id)


async def shown_extractions(request: Request) -> tuple[list[Extraction], bool]:
    """Those that the reader may see, for a route that is ``looked``, and whether some may be missing.

    Raises Busy, Damaged, SiteUnavailable.
    """
    reader = reader_of(request)
    known = await _read(node_of(request))
    seen = [one for one in known if _sees(reader, one)]
    shows(request, (), len(seen))
    return seen, bool(known.lacking)


async def shown_extraction(request: Request, extraction_id: str) -> Extraction:
    """One of them. Raises NotFound, Busy, Damaged, SiteUnavailable."""
    found = (await _read(node_of(request))).by_id.get(extraction_id)
    if found is None or not _sees(reader_of(request), found):
        raise NotFound(
            f"there is no extraction {extraction_id[:40]!r} that you may see", hint="GET /v1/extractions"
        )
    shows(request, (), 1)
    return found


async def asked_extraction(
    request: Request, form: Mapping[str, Any], scan: bytes
) -> tuple[AskedExtraction, str]:
    """A form put on record for a route that is ``looked``, and the request for its approval.

    Raises as ``asked_at_node``.
    """
    node, reader = node_of(request), reader_of(request)
    asks(request, _texts(form.get("filter")))
    done, approval = await _in_exports(node, lambda: asked_at_node(node, reader, form, scan))
    shows(request, (), done.extraction.count)
    return done, approval


async def extraction_file(request: Request, extraction_id: str) -> Response:
    """The file of an approved extraction, for a route that is ``looked``. Raises as ``run_at_node``."""
    node, reader = node_of(request), reader_of(request)
    asks(request, {"extraction": extraction_id})
    sent = await _in_exports(node, lambda: run_at_node(node, reader, extraction_id))
    shows(request, sent.ids)
    result = sent.run.extraction.result
    assert result is not None  # noqa: S101 - it has run
    headers = {
        "Vanvault-Export": result.export,
        "Vanvault-Sha256": result.sha256,
        "Vanvault-Unreadable": str(len(sent.run.unreadable)),
    }
    return SentFile(node, sent.file, result.bytes, f"{sent.run.extraction.id}.zip", headers)


def _check_none(request: Request) -> None:
    """Raises InvalidInput."""
    given = without_purpose(query_of(request.scope))
    if given:
        raise InvalidInput("there are no parameters here", field=given[0][0][:40])


def _sees(reader: Reader, one: Extraction) -> bool:
    """A form names people and a letter: it is for who asked, who approves and who sees all looks."""
    return one.who == reader.person or not reader.sight.permissions.isdisjoint(("approve", "see-access"))


async def _read(node: Node) -> Extractions:
    """Raises Busy: this node does not know all of them; as ``known_extractions``."""

    def read() -> Extractions:
        if node.archive.behind:
            raise Busy(node.archive.behind, retry_after=2)
        return known_extractions(node.archive)

    return await asyncio.get_running_loop().run_in_executor(node.threads.reads, read)


async def _in_exports(node: Node, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(node.threads.exports, work)


def _asked(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Form and scan. Raises InvalidInput."""
    asked = json_object(body)
    form, scan = asked.get("form"), asked.get("scan")
    if set(asked) != {"form", "scan"} or not isinstance(form, dict) or not isinstance(scan, str):
        raise InvalidInput("the body is an object of form and scan", field="body")
    try:
        return form, base64.b64decode(scan, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("the scan is not in base64", field="scan") from error


def _texts(filter: object) -> Mapping[str, str]:
    """What a look says of it; whether it is a filter is found out later."""
    if not isinstance(filter, dict):
        return {}
    return {str(name): str(value) for name, value in filter.items()}


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers={"Cache-Control": "no-store"})
