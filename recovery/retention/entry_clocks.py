"""The entrance to the clocks of whole segments, which ``bulk.py`` reads.

That one works with columns of Arrow, whose functions take 50 ms to load: it comes with the first question, as
most commands only ask whether such clocks are due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment, Unread
from vanvault.recovery.retention.entry_clock import EntryClock


def clocks_of_segments(
    archive: Archive, segments: Sequence[KnownSegment], note: Callable[[Unread], None]
) -> Iterator[EntryClock]:
    """The clock of every entry of these segments, segment by segment, in the order of their rows.

    ``note`` is told, maybe more than once, what could not be read; a segment that is one of the given ones
    then has no entries here. Raises KeyUnavailable, SettingsError, SiteUnavailable, Damaged (the index).
    """
    from vanvault.recovery.retention.bulk import read_clocks

    yield from read_clocks(archive, segments, note)
