"""One transaction whole, from all that leads to it."""

from vanvault.recovery.timeline.case import Case, case_of
from vanvault.recovery.timeline.gathering import Gathering
from vanvault.recovery.timeline.whole import TimelineOrder, WholeTransaction, whole_transaction

__all__ = [
    "Case",
    "Gathering",
    "TimelineOrder",
    "WholeTransaction",
    "case_of",
    "whole_transaction",
]
