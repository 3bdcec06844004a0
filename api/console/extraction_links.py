"""From a search or an entry to the form for an extraction of the same: its address holds no value."""

from __future__ import annotations

from vanvault.api.console.pages import EXTRACTION_FORM
from vanvault.api.console.sealed_question import AskedFields, sealed_question
from vanvault.api.console.views.extractions import FILTERS
from vanvault.api.node import Node
from vanvault.archiver.catalogue import Item
from vanvault.archiver.core.asked_times import TIME_PARAMETERS


def extraction_of(node: Node, question: AskedFields) -> str:
    """The address of the form for what a question finds. Raises KeyUnavailable.

    A form's period is that of receipt: one of occurrence is left out, and the person names another.
    """
    left_out = TIME_PARAMETERS if ("by", "occurrence") in question else ()
    asked = [(name, value) for name, value in question if name in FILTERS and name not in left_out]
    if not asked:
        return EXTRACTION_FORM.path
    return f"{EXTRACTION_FORM.path}/{sealed_question(node.archive.keys, asked)}"


def extraction_of_entry(node: Node, item: Item) -> str:
    """The same of one entry: by its gateway and the id that this gave it."""
    name = "event_id" if item["entry"] == "event" else "message_id"
    return extraction_of(node, [("entry", item["entry"]), ("gateway", item["gateway"]), (name, item[name])])
