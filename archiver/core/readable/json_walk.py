"""One JSON document as lines, within limits. Pure."""

from __future__ import annotations

import orjson

from vanvault.archiver.core.readable.limits import MOST_DEPTH
from vanvault.archiver.core.readable.xml_walk import LinesFull, TooDeep, WalkedLine


def json_lines(content: bytes, room: int) -> list[WalkedLine]:
    """Members in their order. Raises orjson.JSONDecodeError, TooDeep, LinesFull."""
    lines: list[WalkedLine] = []
    _add(lines, orjson.loads(content), 0, "", room)
    return lines


def _add(lines: list[WalkedLine], value: object, level: int, name: str, room: int) -> None:
    if level >= MOST_DEPTH:
        raise TooDeep
    if len(lines) >= room:
        raise LinesFull
    if isinstance(value, dict | list):
        if name:
            lines.append(WalkedLine(level, name))
        members = (
            value.items() if isinstance(value, dict) else ((str(n), one) for n, one in enumerate(value, 1))
        )
        for key, one in members:
            _add(lines, one, level + bool(name), key, room)
        return
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    lines.append(WalkedLine(level, name, text))
