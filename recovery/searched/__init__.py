"""What an answer of a search was about."""

from vanvault.recovery.searched.statement import Searched, searched_of

__all__ = ["Searched", "searched_of"]
