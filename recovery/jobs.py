"""Whole-archive jobs, cut into independent items: in this process, on a process pool, or on Dask.

A job is a function of the top level of a module, ``function(home, argument)``: its worker is another process,
maybe on another machine, which opens the home by its path and sends back what it returns. It must be safe to
run twice, because a worker that dies is replaced and its item is done again.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vanvault.archiver.errors import SettingsError, SiteUnavailable
from vanvault.archiver.settings_sections import JobsSettings

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")

#: Times that one item may take its worker down with it before the job is given up.
_ATTEMPTS = 3


class Jobs(Protocol):
    """Where the items of a job are done."""

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Sequence[_Argument]
    ) -> Iterator[_Result]:
        """``function(home, argument)`` of every argument; results in the order of the arguments.

        Raises what the function raised; SiteUnavailable when workers are lost again and again.
        """
        ...


class InProcess:
    """One after the other, here: for one item, for small machines, and to compare with."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Sequence[_Argument]
    ) -> Iterator[_Result]:
        return (function(self._home, argument) for argument in arguments)


class ProcessPool:
    """On processes of this machine. They are spawned: a fork would share this process's connections."""

    def __init__(self, home: Path, workers: int) -> None:
        self._home = home
        self._workers = workers

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Sequence[_Argument]
    ) -> Iterator[_Result]:
        done, attempts = 0, 0
        while done < len(arguments):
            before = done
            try:
                with self._pool() as pool:
                    futures = [pool.submit(function, self._home, argument) for argument in arguments[done:]]
                    try:
                        for future in futures:
                            result = future.result()
                            done += 1
                            yield result
                    finally:
                        pool.shutdown(wait=True, cancel_futures=True)
            except BrokenProcessPool as error:
                attempts = 1 if done > before else attempts + 1
                if attempts == _ATTEMPTS:
                    raise SiteUnavailable(
                        f"worker processes died {_ATTEMPTS} times over the same item",
                        site="this machine",
                        hint="Look at the machine's log: it may have run out of memory.",
                    ) from error

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("spawn"))


class Dask:
    """On the workers of a Dask scheduler, each of which has the home under the same path."""

    def __init__(self, home: Path, client: Any) -> None:
        self._home = home
        self._client = client

    def map(
        self, function: Callable[[Path, _Argument], _Result], arguments: Sequence[_Argument]
    ) -> Iterator[_Result]:
        # Not pure: the same call again, after a repair for instance, must be made again.
        futures = [
            self._client.submit(function, self._home, argument, pure=False, retries=_ATTEMPTS)
            for argument in arguments
        ]
        try:
            for future in futures:
                yield future.result()
        finally:
            self._client.cancel(futures)


@contextmanager
def open_jobs(home: Path, settings: JobsSettings) -> Iterator[Jobs]:
    """Where the settings say. Raises SettingsError (no Dask here), SiteUnavailable (no scheduler)."""
    workers = settings.workers or os.cpu_count() or 1
    if settings.dask:
        with _client(settings.dask) as client:
            yield Dask(home.resolve(), client)
    elif workers == 1:
        yield InProcess(home)
    else:
        yield ProcessPool(home.resolve(), workers)


def _client(address: str) -> AbstractContextManager[Any]:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise SettingsError(
            "jobs.dask is set, but Dask is not installed", hint="Install vanvault[dask], or unset jobs.dask."
        ) from error
    try:
        return closing(distributed.Client(address, timeout="10s", set_as_default=False))
    except (OSError, ValueError) as error:
        raise SiteUnavailable(
            f"no Dask scheduler answers at {address}",
            site="dask",
            may_be_stored=False,
            hint="Start it, or unset jobs.dask.",
        ) from error
