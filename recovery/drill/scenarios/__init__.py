"""The scenarios that can be rehearsed, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.scenarios import site_lost

Rehearsal = Callable[[Drill], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of drill."""

    name: str
    what: str  # one line for people
    source: str  # what it recovers from, "": nothing of production is read in bulk
    target: str
    rehearse: Rehearsal
    negative: bool = False  # it does harm to a copy, and fails when no alarm comes
    copies: int = 1  # how often the objects come to lie in the scratch folder


_ALL = (
    Scenario(
        "primary-lost",
        "The primary store is gone: a new one is restored from the standby.",
        "standby",
        "primary",
        site_lost.primary,
    ),
    Scenario(
        "standby-lost",
        "The standby store is gone: a new one is restored from the primary.",
        "primary",
        "standby",
        site_lost.standby,
    ),
)

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
