"""Files of exports at a node: how one is sent."""

from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vanvault.api.node import Node
from vanvault.api.sent_file import SentFile


def test_a_file_that_became_shorter_ends_the_answer() -> None:
    """The client sees that bytes are lacking; it is not kept waiting for ever."""
    node = cast(Node, SimpleNamespace(threads=SimpleNamespace(reads=None)))
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("nothing is asked of the client")

    async def send(message: Any) -> None:
        sent.append(message)
        assert len(sent) < 5, "it goes on for ever"

    answer = SentFile(node, io.BytesIO(b"PK"), 3, "x.zip", {})
    with pytest.raises(OSError, match="shorter than it was"):
        asyncio.run(answer({"type": "http"}, receive, send))
    assert [one.get("body") for one in sent] == [None, b"PK"]
