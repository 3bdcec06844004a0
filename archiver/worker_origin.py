"""Loaded first in a process from which workers are forked (``upkeep/processes.py``), and nowhere else.

A fork copies one thread, and the locks of all others as they are at that moment: so this process must have no
other threads. Two libraries start some when they are loaded, unless they are told not to: the linear algebra
under numpy, which nothing of ours uses, and jemalloc, which pyarrow has. Workers use that one, because it
gives back what a thread no longer needs: a compaction was measured to hold a sixth less than with pyarrow's
own choice.
"""

from __future__ import annotations

import os


def load_without_threads() -> None:
    """What is loaded from now on starts no threads. Once is enough."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


load_without_threads()  # Python's fork server only loads modules
