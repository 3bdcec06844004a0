"""Which transaction an entry belongs to that names none: by the message or the dossier that it names. Pure.

An entry belongs to the transaction of the message with the id that it names, else to the one transaction of
its gateway that has its dossier number. Where several have that number, it belongs to none: it is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def transaction_among(found: Iterable[Mapping[str, Any]]) -> str:
    """The one transaction that these entries of a gateway name; "": none, or more than one."""
    named = {item["transaction_id"] for item in found if item["transaction_id"]}
    return named.pop() if len(named) == 1 else ""
