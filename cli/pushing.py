"""Many messages at once through one client, with bounded memory, results in the order of the messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.machine import machine_limit
from vanvault.cli.client import ApiClient

_T = TypeVar("_T")
_R = TypeVar("_R")

#: Work that is begun or done before the oldest result is asked for, for each job.
_WINDOW = 4


def in_parallel(
    client: ApiClient, work: Callable[[_T], _R], items: Iterable[_T], *, jobs: int
) -> Iterator[tuple[_T, _R | VanVaultError]]:
    """Each item with its result or error, in order; at most ``jobs`` at once. One that fails stops no other.

    An interruption stops the client's retries and drops what was not begun.
    """

    def attempt(item: _T) -> _R | VanVaultError:
        try:
            return work(item)
        except VanVaultError as error:
            return error
        except OSError as error:
            return machine_limit(error) or InvalidInput(f"it cannot be read: {error.strerror}", field="file")
        except UnicodeError:
            return InvalidInput("a value is not UTF-8", field="file", hint="Only names of files may be so.")

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="push")
    waiting: deque[tuple[_T, Future[_R | VanVaultError]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(attempt, item)))
            if len(waiting) >= jobs * _WINDOW:
                oldest, future = waiting.popleft()
                yield oldest, future.result()
        while waiting:
            oldest, future = waiting.popleft()
            yield oldest, future.result()
    except BaseException:
        client.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
