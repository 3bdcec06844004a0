"""The node's own address (``metrics.address``): health and metrics, and nothing else."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from vanvault.api.context import OWN_ADDRESS
from vanvault.api.problems import http_problem, problem_response

_PATHS = frozenset(("/metrics", "/v1/health/live", "/v1/health/ready"))


class OwnAddress:
    """An ASGI application around the node's: what comes here is of the node's own network."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in _PATHS:
            refusal = problem_response(http_problem(404, "There is only health and metrics at this address."))
            await refusal(scope, receive, send)
            return
        scope[OWN_ADDRESS] = True
        await self._app(scope, receive, send)
