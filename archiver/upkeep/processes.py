"""Worker processes of this machine, and the port through which work reaches workers wherever they are."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from vanvault.archiver.core_dumps import forbid_core_dumps

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class Jobs(Protocol):
    """Where the items of a job are done (``recovery/work/jobs.py``)."""

    @property
    def ready(self) -> bool:
        """Are the workers there already, so that little work is worth sending, too?"""
        ...

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Iterable[_Argument]
    ) -> Generator[_Result, None, None]:
        """``function(home, argument)`` of every argument; results in the order of the arguments.

        ``function`` is one of the top level of a module, and safe to run twice: a worker that dies is
        replaced and its item is done again. Arguments are taken only as far ahead as workers need.
        Close the generator where it may be left before its end.

        Raises what the function raised; SiteUnavailable when workers are lost again and again.
        """
        ...


def spawn_workers(workers: int) -> ProcessPoolExecutor:
    """Processes that end with this one. They are spawned: a fork would share this process's connections."""
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
    )


def _begin_worker() -> None:
    forbid_core_dumps()
    _die_with_parent()


def _die_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
