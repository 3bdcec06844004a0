"""Worker processes of this machine, and the port through which work reaches workers wherever they are."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vanvault.archiver.core_dumps import forbid_core_dumps

_ORIGIN = "vanvault.archiver.worker_origin"

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class Jobs(Protocol):
    """Where the items of a job are done (``recovery/work/jobs.py``)."""

    @property
    def ready(self) -> bool:
        """Are the workers there already, so that little work is worth sending, too?"""
        ...

    def start(self, function: Callable[[Path, Any], object]) -> None:
        """Begin to start the workers for a job of this function, and return at once: see ``ready``."""
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


def spawn_workers(workers: int, *loaded: str) -> ProcessPoolExecutor:
    """Processes that end with this one.

    They are forked from a process that Python starts for it, and that loads the modules ``loaded`` once for
    all of them. A fork of this process would share its connections and copy the locks of its threads.
    Whatever that process was started with, a worker has this process's environment as it is now.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_ORIGIN, *loaded])
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin_worker, initargs=(dict(os.environ),)
    )


def fork_workers(workers: int) -> ProcessPoolExecutor | None:
    """The same, forked from this process as it is now, so that they are there in some milliseconds.

    For a program at its beginning, which has loaded what they need and opened nothing. None: it has more than
    one thread, so a fork of it would copy their locks.
    """
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return None
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("fork"),
        initializer=_begin_worker,
        initargs=(dict(os.environ),),
    )
    pool.submit(os.getpid)  # forks all of them, and begins the thread that gives them work after that
    return pool


def _begin_worker(environment: Mapping[str, str]) -> None:
    forbid_core_dumps()
    os.environ.clear()
    os.environ.update(environment)
    _die_with_parent()
    gc.freeze()  # what was loaded before the fork stays: it need not be looked through again and again


def _die_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
