"""The archive of the recovery tests."""

from tests.recovery.drill.conftest import built, lab

__all__ = ["built", "lab"]
