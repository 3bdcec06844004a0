"""Clocks of the law, read from the archive."""

from vanvault.recovery.retention.explaining import retention_of_entry, retention_of_transaction

__all__ = ["retention_of_entry", "retention_of_transaction"]
