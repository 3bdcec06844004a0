"""Clocks of the law, read from the archive."""

from vanvault.recovery.retention.explaining import retention_of_entry, retention_of_transaction
from vanvault.recovery.retention.keeping import KeptClocks, clock_task, keep_clocks

__all__ = ["KeptClocks", "clock_task", "keep_clocks", "retention_of_entry", "retention_of_transaction"]
