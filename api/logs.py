"""The log of a node: structured lines on stderr, those of the web server among them."""

from __future__ import annotations

import logging
import re
import sys
from typing import Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["json", "console"]

#: Texts that are written as they are, without quotes.
_SIMPLE = re.compile(r"[A-Za-z0-9_.:/{}+-]*").fullmatch
_APART = frozenset(("timestamp", "level", "event"))


def configure(form: LogFormat) -> None:
    """Every later line of this process goes to stderr in this form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end = _end(form)
    structlog.configure(
        processors=[*shared, *end],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _end(form: LogFormat) -> list[Processor]:
    if form == "json":
        return [structlog.processors.format_exc_info, _render]
    # Plain tracebacks: the rich ones show local variables, which hold messages.
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [console if sys.stderr.isatty() else PlainText(console)]


class PlainText:
    """What the console's renderer writes without colours, at a quarter of its price where values are simple.

    Every request writes a line.
    """

    def __init__(self, console: structlog.dev.ConsoleRenderer) -> None:
        self._console = console

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        parts = []
        for name in sorted(event):
            value = event[name]
            kind = type(value)
            if name in _APART and kind is str:
                continue
            if kind is not int and kind is not float and (kind is not str or not _SIMPLE(value)):
                return str(self._console(logger, method, event))
            parts.append(f"{name}={value}")
        try:
            begin = f"{event['timestamp']} [{event['level']:<9}] "
            return begin + (f"{event['event']:<30} {' '.join(parts)}" if parts else event["event"])
        except KeyError:
            return str(self._console(logger, method, event))


def _render(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()
