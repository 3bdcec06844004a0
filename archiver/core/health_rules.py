"""How much it takes before a site counts as out, and before it is let back (``replicas/health.py``)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How much it takes to change the judgement."""

    failures: int = 3  # of a suspect site, before it is out
    successes: int = 2  # in a row, before a suspect site is healthy, or one that was out comes back
    back_s: float = 3.0  # seconds of nothing but success before a site comes back
