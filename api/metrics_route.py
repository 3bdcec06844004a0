"""``GET /metrics``: at an address of its own, for who has the token, or for all if a setting says so."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.context import has_scraper_token, is_own_address
from vanvault.api.metrics import CONTENT_TYPE, Metrics
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.settings import MetricsSettings


async def metrics(request: Request) -> Response:
    """The node's metrics in the Prometheus text format. Raises AccessDenied, SettingsError."""
    node = getattr(request.app.state, "node", None)
    settings = node.archive.settings.metrics if node is not None else MetricsSettings()
    home = node.archive.home if node is not None else Path()
    if not (settings.public or is_own_address(request) or has_scraper_token(request, settings, home)):
        raise AccessDenied(
            "metrics ask for a token",
            hint="Send the token of metrics.token_file as a bearer token, or set metrics.address.",
        )
    found: Metrics = request.app.state.metrics
    return Response(await run_in_threadpool(found.text), headers={"Content-Type": CONTENT_TYPE})
