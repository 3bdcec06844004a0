"""One list of what somebody must see to: what it is, how severe, since when, and what to do."""

from __future__ import annotations

from vanvault.recovery.conditions.facts import ArchiveFacts, RecordFacts, SeenFacts
from vanvault.recovery.conditions.first_seen import FirstSeen
from vanvault.recovery.conditions.gather import gather_facts, seen_here
from vanvault.recovery.conditions.judge import Condition, conditions_of
from vanvault.recovery.conditions.kinds import CONDITIONS, ConditionKind
from vanvault.recovery.conditions.watch import ConditionWatch

__all__ = [
    "CONDITIONS",
    "ArchiveFacts",
    "Condition",
    "ConditionKind",
    "ConditionWatch",
    "FirstSeen",
    "RecordFacts",
    "SeenFacts",
    "conditions_of",
    "gather_facts",
    "seen_here",
]
