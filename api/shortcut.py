"""Intake requests skip the framework's layers: they are most of the traffic and need none of them.

The routes stay registered with FastAPI, for the OpenAPI document and for every other way in; what is
skipped is routing, dependency solving and five middlewares, about as much work as hashing the message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vanvault.api.urls import check_url
from vanvault.archiver.core.errors import VanVaultError

Handler = Callable[[Request], Awaitable[Response]]
OnError = Callable[[Request, Exception], Awaitable[Response]]


class Shortcut:
    """An ASGI application: POSTs to the given paths go straight to their handlers, the rest to ``app``."""

    def __init__(self, app: FastAPI, handlers: dict[str, Handler], refused: OnError, bug: OnError) -> None:
        self.app = app
        self._handlers = handlers
        self._refused = refused
        self._bug = bug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        handler = self._handlers.get(scope["path"]) if scope["method"] == "POST" else None
        scope["app"] = self.app
        request = Request(scope, receive, send)
        try:
            check_url(scope)
            response = await handler(request) if handler is not None else None
        except VanVaultError as error:
            response = await self._refused(request, error)
        except Exception as error:  # noqa: BLE001 - the edge: it becomes a problem, and a line in the log
            response = await self._bug(request, error)
        await (response or self.app)(scope, receive, send)
