"""Commands of the operator that move an address to the site that leads: no shell, and a limit of time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

#: Characters of the command's last words that are shown; they are never archived.
_SHOWN = 500


@dataclass(frozen=True, slots=True)
class HookResult:
    """How a hook ended: ``exit`` is its code, negative for a signal, None when it never ran."""

    exit: int | None
    timed_out: bool
    output: str

    @property
    def ok(self) -> bool:
        return self.exit == 0 and not self.timed_out

    @property
    def summary(self) -> str:
        """One word or two, for people and the record."""
        if self.timed_out:
            return "timed out"
        return "could not be run" if self.exit is None else f"exit {self.exit}"


def run_hook(
    command: Sequence[str], *, action: str, epoch: int, leader: str, url: str, timeout_s: float
) -> HookResult:
    """Run the command and wait for its end; with everything it started, it is killed after ``timeout_s``.

    Its environment has VANVAULT_FAILOVER_ACTION, _EPOCH, _LEADER and _URL (of the site that leads).
    """
    environment = {
        **os.environ,
        "VANVAULT_FAILOVER_ACTION": action,
        "VANVAULT_FAILOVER_EPOCH": str(epoch),
        "VANVAULT_FAILOVER_LEADER": leader,
        "VANVAULT_FAILOVER_URL": url,
    }
    # A file, not a pipe: what the command left running may hold it open, and nobody waits for that.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            return HookResult(None, False, str(error))
        try:
            process.wait(timeout_s)
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace").strip()[-_SHOWN:]
    return HookResult(process.returncode, timed_out, said)
