"""Holds at an open archive: placed at once, confirmed by another, released by two others."""

from vanvault.recovery.holds.keeping import RolledLocks, hold_task, objects_of, roll_locks
from vanvault.recovery.holds.reading import count_held, holds_over, known_holds
from vanvault.recovery.holds.verbs import confirm_hold, place_hold, release_hold

__all__ = [
    "RolledLocks",
    "confirm_hold",
    "count_held",
    "hold_task",
    "holds_over",
    "known_holds",
    "objects_of",
    "place_hold",
    "release_hold",
    "roll_locks",
]
