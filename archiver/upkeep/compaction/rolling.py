"""Locks of residue segments, which are rolled for as long as the archive is kept. Pure.

A residue segment holds what is kept of segments whose time was over, so no class says for how long: some of
it may be due next year, some of it is kept for ever. So it is locked for some years from now on, again and
again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

#: A lock that ends sooner than this is extended.
ROLLED_AHEAD = timedelta(days=2 * 366)
#: So much more it is extended, so that not every round of the keeper moves it.
_MORE = timedelta(days=90)


def residue_until(now: datetime) -> datetime:
    """The lock of a residue segment's objects that is set now, whole seconds."""
    return (now + ROLLED_AHEAD + _MORE).replace(microsecond=0)
