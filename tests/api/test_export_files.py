"""Files of exports at a node: how one is sent, and what is left of nodes that were killed."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vanvault.api.exporting import sweep_exports
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


def test_what_an_earlier_process_of_the_same_number_left_is_removed(tmp_path: Path) -> None:
    """After the machine or its container started anew, a node often has the number it had before."""
    folder = tmp_path / "cache" / "exports"
    own, running = folder / f"{os.getpid()}-left", folder / f"{os.getppid()}-works"
    for one in (own, running):
        one.mkdir(parents=True)
    sweep_exports(tmp_path)
    assert (own.exists(), running.exists()) == (False, True)
