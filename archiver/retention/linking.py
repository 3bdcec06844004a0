"""Which transaction an entry belongs to that names none: by the message or the dossier that it names. Pure.

An entry belongs to the transaction of the message with the id that it names, else to the one transaction of
its gateway that has its dossier number. Where several have that number, it belongs to none: it is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vanvault.archiver.core.search_form import search_form


def transaction_among(found: Iterable[Mapping[str, Any]]) -> str:
    """The one transaction that these entries of a gateway name; "": none, or more than one."""
    named = {name for item in found if (name := item["transaction_id"])}
    return min(named) if len(set(map(transaction_form, named))) == 1 else ""


def transaction_form(id: str) -> str:
    """The same for every spelling of a transaction's id that a search holds to be equal."""
    return search_form("transaction_id", id)
