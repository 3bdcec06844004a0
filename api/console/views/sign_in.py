"""The page where one signs in. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInView:
    """Texts are the English ones, which the catalogue translates."""

    wrong: str = ""  # why one is not signed in
    told: str = ""  # why one is here
    account: str = ""  # what was typed, so that it need not be typed again
    next: str = "/console"  # where to go afterwards
