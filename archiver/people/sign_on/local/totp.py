"""One-time codes from a clock: TOTP (RFC 6238), six digits, 30 seconds, SHA-1, as all apps have it.

A code is good once: the step of the last one is kept, and only a later step is taken. One step before and
one after the present one are taken as well, for a phone whose clock is a little off.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from vanvault.archiver.core.ports import Entropy

_SEED_BYTES = 20  # 160 bits: RFC 4226, section 4, R6
_STEP_S = 30
_AROUND = 1  # steps before and after
_DIGITS = 6


def new_seed(entropy: Entropy) -> bytes:
    """A fresh seed of 160 bits."""
    return entropy.token(_SEED_BYTES)


def totp_step(now: datetime) -> int:
    """The number of the time step at a moment (RFC 6238, 4.2)."""
    return int(now.timestamp()) // _STEP_S


def totp_code(seed: bytes, step: int) -> str:
    """The code of one step, six digits."""
    from pyotp import TOTP  # loaded here: most commands need no codes

    return TOTP(_base32(seed), digits=_DIGITS, interval=_STEP_S).generate_otp(step)


def step_of_code(seed: bytes, code: str, last_step: int, now: datetime) -> int | None:
    """The step that a code is of, to be kept as the last one; None: wrong, too old, too early or used.

    Args:
        last_step: the step of the last code that was taken; 0: none yet.
    """
    given = code.strip().replace(" ", "")
    found = None
    present = totp_step(now)
    for step in range(present - _AROUND, present + _AROUND + 1):
        # All of them are compared, so that the time says nothing about which one fits.
        if hmac.compare_digest(totp_code(seed, step).encode(), given.encode()) and step > last_step:
            found = step
    return found


def seed_uri(seed: bytes, name: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code: an ``otpauth`` URI. It holds the seed: show it once."""
    from pyotp import TOTP

    return TOTP(_base32(seed), digits=_DIGITS, interval=_STEP_S).provisioning_uri(
        name=name, issuer_name=issuer
    )


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode("ascii")
