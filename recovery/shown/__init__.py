"""One entry made readable for people."""

from vanvault.recovery.shown.reading import reading_of

__all__ = ["reading_of"]
