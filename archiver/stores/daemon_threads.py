"""Threads for calls that may never return.

A call into a file system that hangs (a hard NFS mount whose server is gone) cannot be ended, only left alone.
So it is made on a thread that nobody waits for longer than he wants to, and that does not keep the process
from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")
_Job = Callable[[], None]


class _Here(threading.local):
    expendable = False


_HERE = _Here()


def is_expendable() -> bool:
    """Is this thread one of ``DaemonThreads``, whose caller does not wait for ever?"""
    return _HERE.expendable


class DaemonThreads:
    """Makes a thread when none is idle, up to ``most``; safe to use from many threads."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0  # threads that wait for a job, less jobs that wait for a thread
        self._closed = False

    def submit(self, work: Callable[[], _T]) -> Future[_T]:
        """Begin ``work`` now, or as soon as a thread is free. Raises RuntimeError once closed."""
        future: Future[_T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._closed:
                raise RuntimeError("these threads were stopped")
            if self._free <= 0 and self._threads < self._most:
                self._threads += 1
                number = self._threads
                threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()
            else:
                self._free -= 1
            self._jobs.put(job)
        return future

    def close(self) -> None:
        """Let idle threads end; one that hangs ends when its call does, or with the process."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _run(self) -> None:
        _HERE.expendable = True
        while (job := self._jobs.get()) is not None:
            job()
            del job
            with self._lock:
                self._free += 1
