"""Loaded first in a process from which workers are forked (``upkeep/processes.py``), and nowhere else.

A fork copies one thread, and the locks of all others as they are at that moment: so this process must have no
other threads. Two libraries start some when they are loaded, unless they are told not to: the linear algebra
under numpy, which nothing of ours uses, and jemalloc, which pyarrow has.

Workers use jemalloc because it gives back what a thread no longer needs, if it is told to. It and the C
library keep heaps for each thread, and in each what was freed: with their own settings a compaction held four
times what it used. Both keep one heap here: workers have few threads, which hash, pack and wait for sites
much longer than they allocate. A compaction was measured to hold little more than half as much, for a
fiftieth more of CPU.
"""

from __future__ import annotations

import ctypes
import os

#: Of jemalloc: what is free is given back within half a second.
_ARROW = "background_thread:false,narenas:1,dirty_decay_ms:500,muzzy_decay_ms:0"
#: Of the C library (mallopt(3), malloc.h): parameter -> value. Heaps, and bytes from which on what is freed
#: at the end of a heap, or had a mapping of its own, goes back at once. Below a megabyte lie the contexts of
#: zstd, which are made for each page of Parquet.
_MALLOC = {-8: 1, -1: 2**20, -3: 2**20}


def load_without_threads() -> None:
    """What is loaded from now on starts no threads, and gives memory back. Once is enough."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["JE_ARROW_MALLOC_CONF"] = _ARROW
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    tune = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
    if tune is not None:
        for parameter, value in _MALLOC.items():
            tune(parameter, value)


load_without_threads()  # Python's fork server only loads modules
