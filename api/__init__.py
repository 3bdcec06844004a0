"""The HTTP interface of one node."""

from __future__ import annotations

from vanvault.api.server import run

__all__ = ["run"]
