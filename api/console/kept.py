"""What takes too long to read with each page: read once a minute at most, and shown with its time.

What was read is shown for a minute. Then the next page shows it once more, while it is read again; so only
the first page after the start of a node waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from vanvault.api.node import Node
from vanvault.api.remembered import LongRead, remembered

_SHOWN_S = 60.0
_E = TypeVar("_E")


async def kept_evidence(request: Request, node: Node, read: Callable[[Node], _E]) -> _E:
    """What ``read`` read last for pages of this node. Raises as ``read``."""
    kept = await remembered(request, node, LongRead("what this page shows", read, _SHOWN_S, None))
    return kept.value
