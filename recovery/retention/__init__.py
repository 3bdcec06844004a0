"""Clocks of the law, read from the archive; locks that follow them."""

from vanvault.recovery.retention.explaining import (
    ClockShown,
    clock_beside,
    clocks_beside,
    retention_of_entry,
    retention_of_transaction,
)
from vanvault.recovery.retention.keeping import KeptClocks, clock_task, keep_clocks

__all__ = [
    "ClockShown",
    "KeptClocks",
    "clock_beside",
    "clock_task",
    "clocks_beside",
    "keep_clocks",
    "retention_of_entry",
    "retention_of_transaction",
]
