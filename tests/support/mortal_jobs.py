"""Workers one of which is killed with SIGKILL midway through the job, each time it is asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from vanvault.archiver.upkeep import Jobs

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class Mortal:
    """Does as other ``jobs``; once, the worker that comes to the ``nth`` item dies when it has done it."""

    ready = True

    def __init__(self, jobs: Jobs, *, nth: int) -> None:
        self._jobs = jobs
        self._nth = nth

    def start(self, function: Callable[[Path, Any], object]) -> None:
        self._jobs.start(function)

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        return self._jobs.map(partial(die_once, function, self._nth), enumerate(arguments))


def die_once(
    function: Callable[[Path, _Argument], _Result], nth: int, home: Path, item: tuple[int, _Argument]
) -> _Result:
    """In a worker: it tells nobody what it did when it dies."""
    number, argument = item
    result = function(home, argument)
    if number == nth:
        try:
            grave(home, function.__name__).touch(exist_ok=False)
        except FileExistsError:
            return result
        os.kill(os.getpid(), signal.SIGKILL)
    return result


def grave(home: Path, function: str) -> Path:
    """The file that is there once a worker died over this function."""
    return home / f"died-in-{function}"
