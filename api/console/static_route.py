"""Files that pages use: style and scripts. They are fixed, few, and read once."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.pages import PREFIX
from vanvault.api.console.routing import ConsoleRoute
from vanvault.archiver.core.errors import NotFound

router = APIRouter(route_class=ConsoleRoute)

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "authenticators.js": "text/javascript",
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "hx-csp.min.js": "text/javascript",
}
#: A browser asks each time whether the file is still the same: it is new with each version of the program.
_KEEP = "private, no-cache"


@router.get(f"{PREFIX}/static/{{name}}")
async def static(request: Request, name: str) -> Response:
    """One file. Raises NotFound."""
    if name not in _TYPES:
        raise NotFound("the console has no such file")
    data, tag = _read(name)
    headers = {"Cache-Control": _KEEP, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_TYPES[name], headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    data = (_FOLDER / name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'
