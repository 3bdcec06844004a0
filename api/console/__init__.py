"""The console: web pages for people, served by every node under ``/console``."""

from __future__ import annotations

from vanvault.api.console.all_routes import console_router

__all__ = ["console_router"]
