"""The door of people."""

from __future__ import annotations

from vanvault.archiver.people.gateways import GATEWAYS_FILE, POLICIES, Gateways

__all__ = [
    "GATEWAYS_FILE",
    "POLICIES",
    "Gateways",
]
