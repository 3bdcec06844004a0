"""Progress of a long verb on stderr: a bar on a terminal, sparse lines in a log, nothing with ``--json``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from vanvault.cli.output import human_duration, human_size, warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.running import RunningVerb, WatchedObserver
    from vanvault.recovery.work import Extent, Step

#: A log gets a line after this many seconds, or sooner at each tenth of the work (never two in a second).
LOG_SECONDS = 10.0


class Terminal:
    """The ``Observer`` of verbs that a person or a script started: warnings and progress on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        """``quiet`` (the verb has ``--json``): no progress; warnings are told all the same."""
        self._quiet = quiet

    @property
    def shows_progress(self) -> bool:
        return not self._quiet

    def warn(self, message: str) -> None:
        """One ``warning:`` line."""
        warn(message)

    def alarm(self, message: str) -> None:
        """One ``LATE:`` line; red where stderr is a terminal."""
        click.secho(f"LATE: {message}", fg="red", bold=True, err=True)

    def progress(self, label: str, total: Extent | None = None) -> AbstractContextManager[Step]:
        """The progress of one phase; nothing where there is nothing to do."""
        nothing = total is not None and not total.objects
        return progress(
            label,
            total=total.objects if total else None,
            total_bytes=total.bytes or None if total else None,
            quiet=nothing or self._quiet,
        )


@contextmanager
def watched_terminal(archive: Archive, verb: RunningVerb, *, quiet: bool) -> Iterator[WatchedObserver]:
    """As ``Terminal``, of a verb whose progress the nodes of this home can show as well."""
    from vanvault.recovery.running import watched

    id = archive.entropy.token(8).hex()
    with watched(Terminal(quiet=quiet), archive.home, verb, clock=archive.clock, id=id) as observer:
        yield observer


@contextmanager
def progress(
    label: str, *, total: int | None = None, total_bytes: int | None = None, quiet: bool = False
) -> Iterator[Step]:
    """Show the progress of ``total`` items (None: unknown), or of ``total_bytes`` when that is given.

    The Step may be called from many threads. ``quiet`` (the verb has ``--json``) shows nothing.
    """
    if quiet:
        yield _silent
    elif sys.stderr.isatty():
        with _bar(label, total, total_bytes) as step:
            yield step
    else:
        log = LogProgress(label, total, total_bytes, echo=lambda line: click.echo(line, err=True))
        yield log.step
        log.end()


def _silent(items: int = 1, size: int = 0) -> None:
    """Shows nothing."""


class LogProgress:
    """Sparse lines such as ``restoring: 40% (400 of 1000), 1.2 GB, 12.5 MB/s, 3m 20s left``."""

    def __init__(
        self,
        label: str,
        total: int | None,
        total_bytes: int | None,
        *,
        echo: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._total_bytes = total_bytes
        self._echo = echo
        self._now = now
        self._began = self._shown_at = now()
        self._shown_tenths = 0
        self._items = self._size = 0
        self._said_all = False
        self._lock = threading.Lock()

    def step(self, items: int = 1, size: int = 0) -> None:
        """Count, and say a line when one is due."""
        with self._lock:
            self._items += items
            self._size += size
            now = self._now()
            since = now - self._shown_at
            if since >= LOG_SECONDS or (since >= 1 and self._tenths() > self._shown_tenths):
                self._say(now)

    def end(self) -> None:
        """The last line, unless it was said."""
        if not self._said_all:
            self._say(self._now())

    def _share(self) -> Fraction | None:
        if self._total_bytes:
            return Fraction(self._size, self._total_bytes)
        return Fraction(self._items, self._total) if self._total else None

    def _tenths(self) -> int:
        return int(10 * (self._share() or 0))

    def _say(self, now: float) -> None:
        share = self._share()
        elapsed = now - self._began
        parts = [f"{self._items} of {self._total}" if self._total is not None else f"{self._items}"]
        if self._size:
            parts.append(human_size(self._size))
            if elapsed >= 1:
                parts.append(f"{human_size(round(self._size / elapsed))}/s")
        self._said_all = share is not None and share >= 1
        if self._said_all or share is None:
            parts.append(human_duration(elapsed))
        elif share > 0:
            parts.append(f"{human_duration(elapsed / float(share) - elapsed)} left")
        percent = f"{float(share):.0%}, " if share is not None else ""
        self._echo(f"{self._label}: {percent}{', '.join(parts)}")
        self._shown_at, self._shown_tenths = now, self._tenths()


@contextmanager
def _bar(label: str, total: int | None, total_bytes: int | None) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    by_bytes = bool(total_bytes)
    counted: list[ProgressColumn] = (
        [DownloadColumn(), TransferSpeedColumn()] if by_bytes else [MofNCompleteColumn()]
    )
    columns = [TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn()]
    # Lines on stdout go around the bar where both are one terminal; elsewhere stdout is left alone.
    shared = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=shared) as bar:
        task = bar.add_task(label, total=total_bytes if by_bytes else total)

        def step(items: int = 1, size: int = 0) -> None:
            bar.advance(task, size if by_bytes else items)

        yield step
