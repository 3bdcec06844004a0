"""Loggers that load their library with the first line that they write.

structlog takes a tenth of a second to load, and a command that only reads writes no line.
"""

from __future__ import annotations

from typing import Any


class Logger:
    """What ``structlog.get_logger(name)`` is, once a line is written. Safe to share between threads."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger: Any = None

    def __getattr__(self, verb: str) -> Any:
        if self._logger is None:
            import structlog

            self._logger = structlog.get_logger(self._name)
        return getattr(self._logger, verb)
