"""``GET /metrics``: for this host, for who has the token, or for everybody if a setting says so."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.metrics import CONTENT_TYPE, Metrics
from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.settings import MetricsSettings

#: What a proxy adds: behind one on this host, every caller seems to be local.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


async def metrics(request: Request) -> Response:
    """The node's metrics in the Prometheus text format. Raises AccessDenied, SettingsError."""
    node = getattr(request.app.state, "node", None)
    settings = node.archive.settings.metrics if node is not None else MetricsSettings()
    home = node.archive.home if node is not None else Path()
    if not (settings.public or _is_local(request) or _has_token(request, settings, home)):
        raise AccessDenied(
            "metrics are for this host only",
            hint="Send the token of metrics.token_file as a bearer token, or set metrics.public.",
        )
    found: Metrics = request.app.state.metrics
    return Response(await run_in_threadpool(found.text), headers={"Content-Type": CONTENT_TYPE})


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _has_token(request: Request, settings: MetricsSettings, home: Path) -> bool:
    if settings.token_file is None:
        return False
    try:
        token = (home / settings.token_file).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"metrics.token_file cannot be read: {error.strerror}") from error
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token) and hmac.compare_digest(given.strip().encode(), token)
