"""The task that checks again and again whether a running node may go on locking.

Before each check it folds what the quick look at other nodes (``peer_sync.py``) cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vanvault.archiver.core.errors import Busy, NotFound, SettingsError, SiteUnavailable, VanVaultError
from vanvault.archiver.core.machine import machine_limit
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.archiver.core.tasks import Signal, Task
from vanvault.archiver.intake.committer import Committer
from vanvault.archiver.log_lines import Logger

_log = Logger("vanvault.trust")

#: Seconds between two checks while intake is held: it opens soon after its reason is gone.
_HELD_S = 1.0
#: A catch-up lists all that active writers ever wrote. It is repeated only after so many times its own
#: length, so that it takes a tenth of a node's time at most, but for one of over a minute: what only it
#: sees shall not wait longer than the seconds below.
_REST = 10
_LONGEST_REST_S = 600.0


@dataclass(frozen=True, slots=True)
class TrustChecks:
    """What is called every ``every_s`` seconds: first ``catch_up``, then ``check``, which may raise."""

    catch_up: Callable[[], object]
    check: Callable[[], None]
    every_s: float


class TrustMonitor:
    """Calls the checks; while one raises, intake is held.

    A catch-up that took long is left out of the rounds that follow, for ten times its length.

    A site that is away at the catch-up is no reason: health and policy decide what that means for intake, and
    for them a promotion changes the answer at once.
    """

    def __init__(
        self, committer: Committer, checks: TrustChecks, *, stopwatch: Stopwatch | None = None
    ) -> None:
        self._committer = committer
        self._checks = checks
        self._stopwatch = stopwatch or SystemStopwatch()
        self._due = self._stopwatch.seconds() + checks.every_s
        self._rest_until = self._due - checks.every_s  # no catch-up before

    @property
    def task(self) -> Task:
        """A round every second at least, because a node that is held opens soon after its reason is gone."""
        return Task("trust-monitor", self.round, every_s=min(_HELD_S, self._checks.every_s))

    def round(self, stop: Signal) -> None:
        """Check if it is time, or if intake is held."""
        state = self._committer.state
        if state not in ("ready", "settling"):
            return  # recovery asks the same before it opens
        due = self._stopwatch.seconds() >= self._due
        if due or self._committer.held is not None:
            # What is settled is this node's own and not acknowledged: it is folded when that is done.
            self._look(catch_up=due and state == "ready")

    def _look(self, *, catch_up: bool) -> None:
        try:
            if catch_up:
                self._level()
            self._checks.check()
        except VanVaultError as error:
            self._hold(error, error)
        except Exception as error:  # noqa: BLE001 - the thread goes on: without it nothing is checked
            self._hold(machine_limit(error) or _unchecked(error), error)
        else:
            if self._committer.held is not None:
                _log.info("intake is open again")
            self._committer.hold(None)

    def _level(self) -> None:
        began = self._stopwatch.seconds()
        try:
            if began >= self._rest_until:
                self._checks.catch_up()
                now = self._stopwatch.seconds()
                self._rest_until = now + min(_REST * (now - began), _LONGEST_REST_S)
        except (SiteUnavailable, NotFound, SettingsError) as error:  # as health looks at a site
            _log.info("not folded whole this time", reason=error.message)
        self._due = self._stopwatch.seconds() + self._checks.every_s

    def _hold(self, reason: VanVaultError, cause: Exception) -> None:
        was_held = self._committer.held is not None
        self._committer.hold(reason)  # first of all: the log may take its time
        if not was_held:
            _log.error("intake is held", reason=reason.message, exc_info=None if cause is reason else cause)


def _unchecked(error: Exception) -> VanVaultError:
    return Busy(
        f"clocks and probes could not be checked: {type(error).__name__}",
        retry_after=5,
        hint="Is the disk of the node's home full? Its log says more. It checks again by itself.",
    )
