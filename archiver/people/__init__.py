"""Who may call: gateways, their tokens, and their policies."""

from __future__ import annotations

from vanvault.archiver.people.gateways import GATEWAYS_FILE, POLICIES, Gateways

__all__ = [
    "GATEWAYS_FILE",
    "POLICIES",
    "Gateways",
]
