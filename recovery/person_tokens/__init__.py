"""Verbs about tokens of people: each is an event of the archive, and nothing else keeps a token."""

from __future__ import annotations

from vanvault.recovery.person_tokens.record import person_tokens
from vanvault.recovery.person_tokens.verbs import add_person_token, remove_person_token
from vanvault.recovery.person_tokens.view import PersonTokensView, TokenBearer

__all__ = [
    "PersonTokensView",
    "TokenBearer",
    "add_person_token",
    "person_tokens",
    "remove_person_token",
]
