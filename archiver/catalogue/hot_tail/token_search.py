"""Which entries have all of some tokens: walks and probes of runs (``runs.py``) in order of time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial

from vanvault.archiver.catalogue.hot_tail.runs import RECORD_BYTES, TOKEN_BYTES, Run, RunKind, RunReader
from vanvault.archiver.catalogue.merging import merge_opened

#: A token this many times as common as the rarest is probed instead of walked.
_PROBE_FROM = 100
#: Records that are read at once while a range is walked: some 50 rows are shown at a time.
_CHUNK = 128


class TokenSearch:
    """Asks all runs of one kind as they are in one transaction."""

    def __init__(self, connection: sqlite3.Connection, kind: RunKind = RunKind.VALUES) -> None:
        self._reader = RunReader(connection, kind)

    def count(self, token: bytes, low: bytes, high: bytes) -> int:
        """How many positions in [low, high) a token has."""
        ranges = (self._reader.range(run, token, low, high) for run in self._reader.overlapping(low, high))
        return sum(end - start for start, end in ranges)

    def has(self, token: bytes, position: bytes) -> bool:
        """Is the token at this very position?"""
        return self.count(token, position, position + b"\0") > 0

    def positions(self, token: bytes, low: bytes, high: bytes, *, newest: bool) -> Iterator[bytes]:
        """The positions of a token in [low, high), in time order; some may come twice.

        A run is opened when the walk comes to its times.
        """

        def rank(position: bytes) -> int:
            value = int.from_bytes(position)
            return -value if newest else value

        def walk(run: Run) -> Iterator[bytes]:
            return self._walk(run, *self._reader.range(run, token, low, high), newest=newest)

        runs = self._reader.overlapping(low, high)
        return merge_opened(
            ((rank(run.high if newest else run.low), partial(walk, run)) for run in runs), rank
        )

    def intersection(self, tokens: list[bytes], low: bytes, high: bytes, *, newest: bool) -> Iterator[bytes]:
        """The positions in [low, high) that all tokens have, in time order, each once.

        The rarest token leads. Tokens that are much more common are probed at its positions; the others are
        walked beside it, which costs less than probing them would.
        """
        walked, probed = tokens, []
        if len(tokens) > 1:
            counted = sorted((self.count(token, low, high), token) for token in tokens)
            rarest = counted[0][0]
            walked = [token for number, token in counted if number <= rarest * _PROBE_FROM]
            probed = [token for number, token in counted if number > rarest * _PROBE_FROM]
        streams = [self.positions(token, low, high, newest=newest) for token in walked]
        for position in _common(streams, newest=newest):
            if all(self.has(token, position) for token in probed):
                yield position

    def _walk(self, run: Run, start: int, end: int, *, newest: bool) -> Iterator[bytes]:
        """Positions of the records [start, end), chunk by chunk, from the end when ``newest``."""
        while start < end:
            low = max(start, end - _CHUNK) if newest else start
            high = end if newest else min(end, start + _CHUNK)
            data = self._reader.read(run, low, high)
            found = [data[i + TOKEN_BYTES : i + RECORD_BYTES] for i in range(0, len(data), RECORD_BYTES)]
            yield from reversed(found) if newest else found
            start, end = (start, low) if newest else (high, end)


def _common(streams: list[Iterator[bytes]], *, newest: bool) -> Iterator[bytes]:
    """What all sorted streams have, each once."""
    last = b""
    heads = [next(stream, b"") for stream in streams]
    while all(heads):
        furthest = min(heads) if newest else max(heads)
        if all(head == furthest for head in heads):
            if furthest != last:
                yield furthest
            last = furthest
            heads[0] = next(streams[0], b"")
            continue
        for index, head in enumerate(heads):
            if head != furthest:
                heads[index] = next(streams[index], b"")
