"""What of an entry somebody may see, by the permissions of the moment: fields and rows. Pure."""

from __future__ import annotations

from vanvault.archiver.people.sight.sight import Sight, Withheld

__all__ = [
    "Sight",
    "Withheld",
]
