"""What an index keeps of an entry."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from vanvault.archiver.catalogue.items import without_body
from vanvault.archiver.core.model import Message, Metadata


def test_of_a_message_all_but_its_bytes_stays() -> None:
    """Each field has another value here, so that none can stand in the place of another."""
    values: dict[str, Any] = {one.name: one.name for one in fields(Message)}
    whole = Message(**values | {"metadata": Metadata(state="accepted"), "body": b"<a/>"})
    assert without_body(whole) == replace(whole, body=None)
    large = replace(whole, body=None)
    assert without_body(large) is large
