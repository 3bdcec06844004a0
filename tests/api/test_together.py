"""What is asked for in one turn of the event loop goes to intake at once, and each is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.archives import message
from vanvault.api.together import Asked, EntriesOfTurn
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.outcome import Done


class Intake:
    """Takes note of what it is asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[list[str], int]] = []
        self._error = error

    def submit_all(self, asked: Sequence[tuple[Draft, Done]], *, requests: int) -> None:
        self.calls.append(([draft.client_id for draft, _ in asked], requests))
        if self._error is not None:
            raise self._error


def run(intake: Any, turns: Sequence[Sequence[str]]) -> list[Exception]:
    """Submit the messages of each turn; what went wrong, for each."""
    failed: list[Exception] = []

    async def main() -> None:
        together = EntriesOfTurn(intake)
        for names in turns:
            for name in names:
                asked = Asked(message(name, b"<one/>"), lambda *_: None, failed.append)
                together.submit(asked, requests=1)
            await asyncio.sleep(0)

    asyncio.run(main())
    return failed


def test_a_turn_is_one_call() -> None:
    intake = Intake()
    assert not run(intake, [("a", "b"), ("c",), (), ("d",)])
    assert intake.calls == [(["a", "b"], 2), (["c"], 1), (["d"], 1)]


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("a disk")])
def test_everybody_is_told_of_a_bug_and_the_next_turn_is_another(error: Exception) -> None:
    intake = Intake(error)
    assert run(intake, [("a", "b"), ("c",)]) == [error] * 3
    assert len(intake.calls) == 2
