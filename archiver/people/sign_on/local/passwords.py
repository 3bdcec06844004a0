"""Passwords: which are good enough, and Argon2id (RFC 9106) as their only stored form.

The cost is the second choice of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes, a tag of 32 bytes, 16
bytes of salt. A check takes about a tenth of a second and 64 MiB, so the caller bounds how many run at once.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import Entropy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

#: The shortest password of somebody who has a second factor, and of somebody who has none, in characters.
SHORTEST_WITH_SECOND = 8
SHORTEST_ALONE = 14
#: A longer one is refused: nobody types it, and it would only cost time.
LONGEST = 256
#: How many passwords before the present one may not come back.
EARLIER = 10
_SALT_BYTES = 16
_TAG_BYTES = 32
_NAME_WITHIN = 4  # a name of so many characters may not be a part of the password, either


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """What one check of a password costs whoever guesses."""

    passes: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


def check_password(password: str, name: str, *, second_factor: bool) -> None:
    """Is this password good enough for the account ``name``?

    Args:
        second_factor: the account has one (TOTP or an authenticator) beside the password.

    Raises InvalidInput; its text never holds the password.
    """
    shortest = SHORTEST_WITH_SECOND if second_factor else SHORTEST_ALONE
    text = _normal(password)
    if len(text) < shortest:
        more = "" if second_factor else "; with a second factor 8 are enough"
        raise InvalidInput(f"a password has at least {shortest} characters{more}", field="password")
    if len(text) > LONGEST:
        raise InvalidInput(f"a password has at most {LONGEST} characters", field="password")
    if not second_factor and _classes(text) < 4:
        raise InvalidInput(
            "without a second factor a password has small and capital letters, digits and other characters",
            field="password",
        )
    folded, named = text.casefold(), name.casefold()
    if folded == named or (len(named) >= _NAME_WITHIN and named in folded):
        raise InvalidInput("the name of the account may not stand in its password", field="password")
    if len(set(folded)) < 4:
        raise InvalidInput("a password has at least four different characters", field="password")


def _normal(password: str) -> str:
    """One form for what looks the same, whatever keyboard wrote it (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _classes(text: str) -> int:
    letters = (any(map(str.islower, text)), any(map(str.isupper, text)), any(map(str.isdigit, text)))
    return sum(letters) + any(not one.isalnum() for one in text)


class Passwords:
    """Hashes passwords and checks them, at one cost. Many threads may call."""

    def __init__(self, cost: PasswordCost | None = None) -> None:
        self._hasher = _hasher(cost or PasswordCost())
        # Checked where there is no account or no password, so that this takes as long as a wrong one.
        self._nobody = self._hasher.hash("nobody has this password", salt=bytes(_SALT_BYTES))

    def hash(self, password: str, entropy: Entropy) -> str:
        """The stored form: a PHC string, ``$argon2id$v=19$m=...``, with a fresh salt."""
        return self._hasher.hash(_normal(password), salt=entropy.token(_SALT_BYTES))

    def fits(self, stored: str, password: str) -> bool:
        """Is it the password of this stored form? ``stored`` "" (none): no, after as long a look."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            self._hasher.verify(stored or self._nobody, _normal(password[: LONGEST + 1]))
        except (Argon2Error, InvalidHashError):
            return False
        return bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Was it made at another cost than this one? Then it is made anew at the next good sign-on."""
        return self._hasher.check_needs_rehash(stored)


def _hasher(cost: PasswordCost) -> PasswordHasher:
    # Loaded here, since most commands never check a password.
    from argon2 import PasswordHasher, Type

    return PasswordHasher(
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=_TAG_BYTES,
        salt_len=_SALT_BYTES,
        type=Type.ID,
    )
