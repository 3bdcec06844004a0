"""What a run found, and the time and memory that each of its steps may take."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from vanvault.archiver.core.errors import VanVaultError

#: A step that takes longer has stopped: far beyond what any needs, also on a loaded machine.
STUCK_S = 90.0
#: A step that takes more memory than this, in bytes, would stop a small machine.
MEMORY = 600 * 2**20


class Stuck(Exception):
    """A step took longer than ``STUCK_S``."""


@dataclass
class Verdict:
    """Good when all five are empty. Each entry is one line for people."""

    believed: list[str] = field(default_factory=list)  # what nobody sent, or nobody wrote
    copied: list[str] = field(
        default_factory=list
    )  # copies and locks that the attack caused at the other site
    stopped: list[str] = field(default_factory=list)  # steps that failed, hung, or took too much memory
    unnamed: list[str] = field(default_factory=list)  # acts of which nothing was said
    lost: list[str] = field(default_factory=list)  # acknowledged, and gone or changed

    @property
    def good(self) -> bool:
        return not any(self.counts().values())

    def counts(self) -> dict[str, int]:
        return {
            name: len(getattr(self, name)) for name in ("believed", "copied", "stopped", "unnamed", "lost")
        }

    def lines(self) -> list[str]:
        return [f"{name}: {line}" for name in self.counts() for line in getattr(self, name)]

    @contextmanager
    def step(
        self, name: str, *, excused: Callable[[VanVaultError], bool] = lambda error: False
    ) -> Iterator[None]:
        """One step of a run; what it raises is noted, and the run goes on.

        ``excused``: an error that is the right answer to what was done.
        """
        _forget_peak()
        before = _peak()
        try:
            with _limited():
                yield
        except VanVaultError as error:
            if not excused(error):
                self.stopped.append(f"{name}: {type(error).__name__}: {error.message}")
        except Stuck:
            self.stopped.append(f"{name}: not ended in {STUCK_S:g} s")
        except Exception as error:  # noqa: BLE001 - a crash is what a run looks for
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            self.stopped.append(f"{name}: {type(error).__name__} at {place}: {error}"[:1000])
        grown = _peak() - before
        if grown > MEMORY:
            self.stopped.append(f"{name}: took {grown / 2**20:.0f} MiB of memory")


@contextmanager
def _limited() -> Iterator[None]:
    """Raises Stuck in the main thread; elsewhere nothing limits the step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stuck

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, STUCK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _forget_peak() -> None:
    """Let the process's greatest memory count from now on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Greatest resident memory of this process, in bytes."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
