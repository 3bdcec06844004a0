"""An observer that tells whoever started a verb, and notes for the nodes of this home how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from vanvault.archiver.core.ports import Clock, Stopwatch, SystemStopwatch
from vanvault.recovery.running.model import RunningJob, RunningVerb, cut, kept_seconds, kept_verb
from vanvault.recovery.running.notes import ProgressNote, this_host
from vanvault.recovery.work import Extent, Observer, Step

#: Seconds from one writing of a note to the next.
_EVERY_S = 2.0


@contextmanager
def watched(
    observer: Observer,
    home: Path,
    verb: RunningVerb,
    *,
    clock: Clock,
    id: str,
    watch: Stopwatch | None = None,
    counts: bool = False,
) -> Iterator[WatchedObserver]:
    """Within, the verb is a running job of this home.

    Args:
        id: tells it from others of the home: random.
        counts: is it worth an extra pass over listings to know how much work there is, whoever started it?

    Raises InvalidInput: ``lost_at`` of the verb is no time.
    """
    now = clock.now()
    job = RunningJob(id, kept_verb(verb), this_host(), now, now)
    with ProgressNote(home, id) as note:
        yield WatchedObserver(observer, note, job, clock, watch or SystemStopwatch(), counts=counts)


def phase_of(observer: Observer) -> Callable[[str], None]:
    """What hears of a phase in which nothing is counted; of an observer that notes nothing, nobody."""
    return observer.phase if isinstance(observer, WatchedObserver) else lambda label: None


def expectation_of(observer: Observer) -> Callable[[float | None], None]:
    """What hears how many seconds the recovery of everything should take; None: nothing was measured."""
    return observer.expects if isinstance(observer, WatchedObserver) else lambda seconds: None


class WatchedObserver:
    """Passes all on, and notes progress. Used on the verb's thread; a Step on one thread at a time."""

    def __init__(
        self,
        inner: Observer,
        note: ProgressNote,
        job: RunningJob,
        clock: Clock,
        watch: Stopwatch,
        *,
        counts: bool,
    ) -> None:
        self._inner = inner
        self._note = note
        self._job = job
        self._clock = clock
        self._watch = watch
        self._counts = counts
        self._written_at = 0.0
        self._write()

    @property
    def shows_progress(self) -> bool:
        return self._counts or self._inner.shows_progress

    def warn(self, message: str) -> None:
        self._inner.warn(message)

    def alarm(self, message: str) -> None:
        self._inner.alarm(message)

    def expects(self, seconds: float | None) -> None:
        """What the recovery of everything takes at the last measured rate; None: nothing was measured."""
        self._job = replace(self._job, expected_s=kept_seconds(seconds))
        self._write()

    def phase(self, label: str) -> None:
        """A phase begins in which nothing is counted."""
        self._begin(label, None)

    def progress(self, label: str, total: Extent | None = None) -> AbstractContextManager[Step]:
        return self._progress(label, total)

    @contextmanager
    def _progress(self, label: str, total: Extent | None) -> Iterator[Step]:
        self._begin(label, total)
        with self._inner.progress(label, total) as step:

            def both(items: int = 1, size: int = 0) -> None:
                step(items, size)
                self._step(items, size)

            yield both
        self._write()

    def _begin(self, label: str, total: Extent | None) -> None:
        self._job = replace(
            self._job,
            phase=cut(label),
            phase_at=self._clock.now(),
            objects=0,
            bytes=0,
            of_objects=total.objects if total else None,
            of_bytes=total.bytes if total else None,
        )
        self._write()

    def _step(self, items: int, size: int) -> None:
        job = self._job
        self._job = replace(job, objects=job.objects + items, bytes=job.bytes + size)
        if self._watch.seconds() - self._written_at >= _EVERY_S:
            self._write()

    def _write(self) -> None:
        self._written_at = self._watch.seconds()
        self._job = replace(self._job, updated_at=self._clock.now())
        self._note.write(self._job)
