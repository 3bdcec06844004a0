"""What an answer of a search was about, and what came close where it found nothing."""

from vanvault.recovery.searched.near import NearMiss, NearMisses, near_misses
from vanvault.recovery.searched.statement import Searched, searched_of

__all__ = ["NearMiss", "NearMisses", "Searched", "near_misses", "searched_of"]
