"""Clocks of the law, read from the archive; locks that follow them."""

from vanvault.recovery.retention.beside import KeptEntry, kept_entry
from vanvault.recovery.retention.entry_clock import EntryClock
from vanvault.recovery.retention.entry_clocks import clocks_of_segments
from vanvault.recovery.retention.explaining import (
    ClockShown,
    clock_beside,
    clock_of_case,
    retention_of,
    with_due,
)
from vanvault.recovery.retention.in_force import known_profile, owed_profiles
from vanvault.recovery.retention.keepers import keepers_in_trouble
from vanvault.recovery.retention.keeping import KeptClocks, clock_task, keep_clocks
from vanvault.recovery.retention.opened import (
    OpenTransaction,
    OpenTransactions,
    known_open,
    open_transactions,
)
from vanvault.recovery.retention.profiles import (
    ProfileChange,
    plan_change,
    profile_differs,
    put_in_force,
)

__all__ = [
    "ClockShown",
    "EntryClock",
    "KeptClocks",
    "KeptEntry",
    "OpenTransaction",
    "OpenTransactions",
    "ProfileChange",
    "clock_beside",
    "clock_of_case",
    "clock_task",
    "clocks_of_segments",
    "keep_clocks",
    "keepers_in_trouble",
    "kept_entry",
    "known_open",
    "known_profile",
    "open_transactions",
    "owed_profiles",
    "plan_change",
    "profile_differs",
    "put_in_force",
    "retention_of",
    "with_due",
]
