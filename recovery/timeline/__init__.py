"""One transaction whole, from all that leads to it."""

from vanvault.recovery.timeline.case import Case, case_of, transaction_of_dossier
from vanvault.recovery.timeline.gathering import Gathering

__all__ = ["Case", "Gathering", "case_of", "transaction_of_dossier"]
