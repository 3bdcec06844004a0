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
from typing import Any, Generic, TypeVar

from vanvault.archiver.core.machine import raise_limit

_T = TypeVar("_T")


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
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._free = 0  # threads that wait for a job, less jobs that wait for a thread
        self._closed = False

    def submit(self, work: Callable[[], _T]) -> Future[_T]:
        """Begin ``work`` now, or as soon as a thread is free.

        Raises MachineLimit (no more threads can be started), RuntimeError once closed.
        """
        job = _Job(work, self._is_free)
        with self._lock:
            if self._closed:
                raise RuntimeError("these threads were stopped")
            if self._free <= 0 and self._threads < self._most:
                number = self._threads + 1
                try:
                    threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()
                except RuntimeError as error:
                    raise_limit(error)
                    raise
                self._threads = number
            else:
                self._free -= 1
            self._jobs.put(job)
        return job.future

    @property
    def closed(self) -> bool:
        """Does it take no more work?"""
        return self._closed

    def close(self) -> None:
        """Let idle threads end; one that hangs ends when its call does, or with the process."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _run(self) -> None:
        _HERE.expendable = True
        while (job := self._jobs.get()) is not None:
            job.run()
            del job

    def _is_free(self) -> None:
        with self._lock:
            self._free += 1


class _Job(Generic[_T]):
    def __init__(self, work: Callable[[], _T], done: Callable[[], None]) -> None:
        self._work = work
        self._done = done
        self.future: Future[_T] = Future()

    def run(self) -> None:
        """Do it; the thread is free before the caller knows, who may come with the next job at once."""
        future, work, done = self.future, self._work, self._done
        del self
        if not future.set_running_or_notify_cancel():
            return done()
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            done()
            future.set_exception(error)
        else:
            done()
            future.set_result(result)
        finally:
            del future  # an error, its frames and the future would keep each other, and what they use, alive
