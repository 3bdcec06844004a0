"""A small archive, built once; each test gets a copy of its own."""

from tests.recovery.conftest import lab, template

__all__ = ["lab", "template"]
