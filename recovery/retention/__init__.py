"""Clocks of the law, read from the archive; locks that follow them."""

from vanvault.recovery.retention.bulk import EntryClock, clocks_of_segments
from vanvault.recovery.retention.explaining import (
    ClockShown,
    clock_beside,
    clock_of_case,
    clocks_beside,
    retention_of,
)
from vanvault.recovery.retention.keepers import keepers_in_trouble
from vanvault.recovery.retention.keeping import KeptClocks, clock_task, keep_clocks
from vanvault.recovery.retention.opened import (
    OpenTransaction,
    OpenTransactions,
    known_open,
    open_transactions,
)

__all__ = [
    "ClockShown",
    "EntryClock",
    "KeptClocks",
    "OpenTransaction",
    "OpenTransactions",
    "clock_beside",
    "clock_of_case",
    "clock_task",
    "clocks_beside",
    "clocks_of_segments",
    "keep_clocks",
    "keepers_in_trouble",
    "known_open",
    "open_transactions",
    "retention_of",
]
