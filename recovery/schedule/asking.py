"""Jobs that persons start at a node: each is a process of its own, as the scheduler starts them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, Conflict
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.journal import EventType
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.schedule.asked import AskedJob, JobWish
from vanvault.recovery.schedule.in_serve import opened_log
from vanvault.recovery.schedule.lease import FOLDER, home_lock
from vanvault.recovery.schedule.program import asked_process
from vanvault.recovery.schedule.run import GRACE_S
from vanvault.recovery.work import record_aside

_log = Logger("vanvault.schedule")
_POLL_S = 0.25
_LAST_WORDS_S = 10.0


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that somebody asked for, and whether it runs already since somebody asked before."""

    asked: AskedJob
    already: bool


class AskedJobs:
    """Those of one node. Used from many threads."""

    def __init__(
        self,
        archive: Archive,
        draining: Signal,
        *,
        command: Callable[[AskedJob], Sequence[str]] | None = None,
    ) -> None:
        self._archive = archive
        self._draining = draining
        self._command = command or (lambda one: asked_process(archive.home, one.id, one.wish.verb))
        self._lock = threading.Lock()
        self._running: dict[str, tuple[AskedJob, subprocess.Popen[bytes]]] = {}

    @property
    def task(self) -> Task:
        """Sees to the end of processes; when the node stops, it ends those that run."""
        return Task("asked-jobs", self._watch, ask=self._draining.set, stop_s=GRACE_S + _LAST_WORDS_S + 5)

    def start(self, wish: JobWish, who: str, said: Mapping[str, object]) -> StartedJob:
        """Put on record who asked for what, and start it; what runs here already is not started again.

        ``said``: how who asks proved who they are. Raises Conflict: this node runs no jobs; Busy: it
        stops, or the home runs such a job; SiteUnavailable, KeyUnavailable: it cannot be put on record.
        """
        if not self._archive.settings.schedule.in_serve:
            raise Conflict(
                "this node starts no jobs (schedule.in_serve is off)",
                hint="Ask at another node, or run the verb on the host.",
            )
        with self._lock:
            if self._draining.is_set():
                raise Busy("this node is stopping", retry_after=5)
            self._reap()
            known = self._running.get(wish.verb)
            if known is not None:
                return StartedJob(known[0], already=True)
            with home_lock(self._archive.home, wish.verb):
                pass  # nothing of this home holds it now; the process takes it, and a lease
            asked = AskedJob(self._archive.entropy.token(8).hex(), wish, who)
            detail = {**wish.as_json(), **said, "asked": asked.id, "who": who}
            record_aside(self._archive, EventType.JOB_ASKED, detail)
            self._running[wish.verb] = asked, self._process(asked)
            _log.info("job started", job=wish.verb, asked=asked.id)
            return StartedJob(asked, already=False)

    def _process(self, asked: AskedJob) -> subprocess.Popen[bytes]:
        with opened_log(self._archive.home / FOLDER / f"asked-{asked.wish.verb}.log") as log:
            return subprocess.Popen(
                self._command(asked),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _watch(self, stop: Signal) -> None:
        while not stop.wait(_POLL_S) and not self._draining.is_set():
            with self._lock:
                self._reap()
        with self._lock:
            left = [process for _, process in self._running.values()]
        for process in left:
            process.terminate()
        for process in left:
            try:
                process.wait(GRACE_S + _LAST_WORDS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _reap(self) -> None:
        for verb, (asked, process) in list(self._running.items()):
            code = process.poll()
            if code is not None:
                _log.info("job ended", job=verb, asked=asked.id, exit_code=code)
                del self._running[verb]
