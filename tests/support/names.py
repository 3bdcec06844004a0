"""Names of objects for tests."""

from __future__ import annotations

from vanvault.archiver.core.names import batch_key, large_key, segment_key

__all__ = ["batch_key", "large_key", "segment_key"]
