"""Tokens with which people call the API: short-lived, for some of their permissions, folded from events."""

from __future__ import annotations

from vanvault.archiver.people.tokens.fold import TOKEN_EVENTS, fold_tokens
from vanvault.archiver.people.tokens.model import (
    DEFAULT_LIFE,
    MOST_LIFE,
    MOST_TOKENS,
    TOKEN_PERMISSIONS,
    NewPersonToken,
    PersonToken,
    PersonTokens,
    TokenWish,
    is_person_secret,
    judge_token,
    to_add_token,
    to_remove_token,
    token_of_secret,
)

__all__ = [
    "DEFAULT_LIFE",
    "MOST_LIFE",
    "MOST_TOKENS",
    "TOKEN_EVENTS",
    "TOKEN_PERMISSIONS",
    "NewPersonToken",
    "PersonToken",
    "PersonTokens",
    "TokenWish",
    "fold_tokens",
    "is_person_secret",
    "judge_token",
    "to_add_token",
    "to_remove_token",
    "token_of_secret",
]
