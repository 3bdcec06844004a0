"""The archive of the recovery tests."""

from tests.drill.conftest import built, lab

__all__ = ["built", "lab"]
