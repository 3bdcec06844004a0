"""Judges a sign-on with local credentials. Pure.

The caller knows the account, counts attempts and records the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.people.sign_on.local import LocalCredentials, Passwords, step_of_code
from vanvault.archiver.people.sign_on.sessions import SessionMethod

#: How it went, for the record alone. Whoever signs on hears the same words in every case but the first.
SignOnOutcome = Literal[
    "passed", "unknown", "not-allowed", "wrong-password", "wrong-code", "no-second-factor"
]


@dataclass(frozen=True, slots=True)
class LocalAttempt:
    """What somebody typed."""

    password: str = field(repr=False)
    code: str = field(default="", repr=False)  # of TOTP; "": none


@dataclass(frozen=True, slots=True)
class LocalVerdict:
    """How it went; when it passed: by which method, and the credentials to keep from now on."""

    outcome: SignOnOutcome
    method: SessionMethod | None = None
    credentials: LocalCredentials | None = None


@dataclass(frozen=True, slots=True)
class LocalJudge:
    """Checks passwords and codes. ``two_factors``: a password alone is not enough."""

    passwords: Passwords
    entropy: Entropy
    two_factors: bool = True

    def judge(
        self, known: LocalCredentials | None, attempt: LocalAttempt, now: datetime, *, allowed: bool
    ) -> LocalVerdict:
        """One attempt.

        Args:
            known: credentials of the account; None: there is no such account, or it has none.
            allowed: the account may sign on at this moment (it is not suspended, over or idle).

        A code that fits is used up by a right password only: else strangers could use up somebody's codes.
        """
        held = known or LocalCredentials()
        # The password is checked in every case, so that the time of an answer says nothing.
        fits = self.passwords.fits(held.password, attempt.password)
        step = step_of_code(held.seed or bytes(20), attempt.code, held.last_step, now)
        if known is None:
            return LocalVerdict("unknown")
        if not fits:
            return LocalVerdict("wrong-password")
        if not allowed:
            return LocalVerdict("not-allowed")
        if held.seed:
            if step is None:
                return LocalVerdict("wrong-code")
            return LocalVerdict(
                "passed", "password+code", self._renewed(replace(held, last_step=step), attempt)
            )
        if self.two_factors or held.has_second_factor:
            return LocalVerdict("no-second-factor")
        return LocalVerdict("passed", "password", self._renewed(held, attempt))

    def _renewed(self, held: LocalCredentials, attempt: LocalAttempt) -> LocalCredentials:
        """With the password hashed at the present cost."""
        if not self.passwords.is_outdated(held.password):
            return held
        return replace(held, password=self.passwords.hash(attempt.password, self.entropy))


def sign_on_refused() -> AccessDenied:
    """The same words for an unknown account, a locked one, a wrong password and a wrong code."""
    return AccessDenied(
        "signing on was refused",
        hint="Check name, password and code. If it stays so, ask who manages accounts: the record says why.",
    )
