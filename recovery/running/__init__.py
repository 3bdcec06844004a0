"""What runs now in this home, and how far it is."""

from __future__ import annotations

from vanvault.recovery.running.model import RunningJob, RunningVerb
from vanvault.recovery.running.notes import verbs_here
from vanvault.recovery.running.watched import WatchedObserver, expectation_of, phase_of, watched

__all__ = [
    "RunningJob",
    "RunningVerb",
    "WatchedObserver",
    "expectation_of",
    "phase_of",
    "verbs_here",
    "watched",
]
