"""The plain alternative: a program that stores each message by itself, in so many threads.

How one message is stored, at two sites, is the matter of the sites (``file_sites.py``, ``minio_sites.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common import Original


@dataclass(frozen=True, slots=True)
class PlainRun:
    """What came of a run; latencies in seconds, CPU of this process."""

    latencies: list[float]
    seconds: float
    cpu_s: float


def store_plainly(
    originals: Sequence[Original], store: Callable[[Original], None], *, threads: int, deadline_s: float
) -> PlainRun:
    """``store`` each original, ``threads`` at a time. None is begun after ``deadline_s``.

    Raises the first error of ``store``.
    """
    latencies: list[float] = []
    errors: list[Exception] = []
    queue = iter(originals)
    cpu, begun = time.process_time(), time.perf_counter()

    def work() -> None:
        while not errors and (sent := time.perf_counter()) < begun + deadline_s:
            original = next(queue, None)
            if original is None:
                return
            try:
                store(original)
            except Exception as error:  # noqa: BLE001 (raised by the caller's thread)
                errors.append(error)
                return
            latencies.append(time.perf_counter() - sent)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return PlainRun(latencies, time.perf_counter() - begun, time.process_time() - cpu)
