"""No search for garbage while modules are loaded and the archive is opened: it takes a tenth of a short verb.

What is there afterwards stays until the end, so later searches for garbage pass it by (``gc.freeze``). Only
the program does so: whoever calls a verb within a process of their own may hold garbage by then.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_programs: list[bool] = []


#: So many more objects than were given up begin a search for garbage. With Python's 700 a node that takes
#: messages looks through those on their way, none of which is garbage, several times a second.
_OBJECTS = 20_000


def this_is_the_program() -> None:
    """To be called once, by the program ``vanvault`` itself."""
    _programs.append(True)
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


def is_the_program() -> bool:
    """Is this process that program, and nobody else's?"""
    return bool(_programs)


@contextmanager
def loading() -> Iterator[None]:
    """In the block, modules are loaded and an archive is opened."""
    if not _programs or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
