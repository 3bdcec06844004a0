"""The door of people."""

from __future__ import annotations

from vanvault.archiver.people.gateways import FILE_NAME, POLICIES, Gateways

__all__ = [
    "FILE_NAME",
    "POLICIES",
    "Gateways",
]
