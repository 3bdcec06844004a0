"""What an account of this archive signs on with: a password, a seed of codes, authenticators. Pure.

It is sealed before it is written anywhere (``archiver/people``: credentials), so ``as_json`` may hold what
nobody may read.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.people.sign_on.local.authenticators import Authenticator
from vanvault.archiver.people.sign_on.local.passwords import EARLIER, Passwords, check_password


@dataclass(frozen=True, slots=True)
class LocalCredentials:
    """All that one account signs on with; what it has not is empty."""

    password: str = field(default="", repr=False)  # as Passwords.hash made it
    password_set: datetime | None = None
    earlier: tuple[str, ...] = field(default=(), repr=False)  # the passwords before, the newest first
    seed: bytes = field(default=b"", repr=False)  # of TOTP
    last_step: int = 0  # of the last code taken
    authenticators: tuple[Authenticator, ...] = ()

    @property
    def has_second_factor(self) -> bool:
        """Is there more than a password?"""
        return bool(self.seed or self.authenticators)

    def with_password(
        self, password: str, name: str, passwords: Passwords, entropy: Entropy, now: datetime
    ) -> LocalCredentials:
        """With another password. Raises InvalidInput: too weak, the same, or one of the ten before."""
        check_password(password, name, second_factor=self.has_second_factor)
        before = tuple(one for one in (self.password, *self.earlier) if one)
        if any(passwords.fits(one, password) for one in before):
            raise InvalidInput(
                f"this is the password, or one of the {EARLIER} before it",
                field="password",
                hint="Choose a new one.",
            )
        made = passwords.hash(password, entropy)
        return replace(self, password=made, password_set=now.replace(microsecond=0), earlier=before[:EARLIER])

    def with_authenticator(self, used: Authenticator) -> LocalCredentials:
        """With one more authenticator, or with the present counter of one that it has."""
        others = tuple(one for one in self.authenticators if one.id != used.id)
        return replace(self, authenticators=(*others, used))

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for the seal alone."""
        return {
            "password": self.password,
            "password_set": rfc3339_seconds(self.password_set) if self.password_set else "",
            "earlier": list(self.earlier),
            "seed": base64.b64encode(self.seed).decode("ascii"),
            "last_step": self.last_step,
            "authenticators": [one.as_json() for one in self.authenticators],
        }

    @classmethod
    def of_json(cls, value: Any) -> LocalCredentials:
        """Raises Damaged for anything that ``as_json`` did not write."""
        try:
            return cls(
                password=str(value["password"]),
                password_set=parse_rfc3339(value["password_set"]) if value["password_set"] else None,
                earlier=tuple(map(str, value["earlier"])),
                seed=base64.b64decode(value["seed"], validate=True),
                last_step=int(value["last_step"]),
                authenticators=tuple(map(Authenticator.of_json, value["authenticators"])),
            )
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise Damaged(
                "these credentials are not in the form that they were written in",
                hint="Set them anew: vanvault account credential set.",
            ) from error
