"""The secret of a sealed break-glass credential: written on paper, typed by a person, good once. Pure.

It is made for an envelope: capital letters and the digits 2 to 7 in groups of four. 160 random bits, so no
password hash is needed, and nothing but its SHA-256 is kept.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

from vanvault.archiver.core.ports import Entropy

BREAK_GLASS_PREFIX = "VVB"
#: Somebody else looks at each use within this time.
REVIEW_WITHIN = timedelta(days=1)
_BYTES = 20
_FORM = re.compile(r"VVB[A-Z2-7]{32}")


def new_break_glass_secret(entropy: Entropy) -> str:
    """``VVB-`` and eight groups of four characters."""
    text = base64.b32encode(entropy.token(_BYTES)).decode("ascii")
    return "-".join([BREAK_GLASS_PREFIX, *(text[start : start + 4] for start in range(0, len(text), 4))])


def break_glass_digest(typed: str) -> str:
    """The SHA-256 of a secret, 64 hex digits, however it is grouped and in small letters too; "" for none."""
    plain = "".join(one for one in typed.upper() if one not in "- \t")
    return hashlib.sha256(plain.encode("ascii")).hexdigest() if _FORM.fullmatch(plain) else ""


def break_glass_id(digest: str) -> str:
    """The id of a credential and of its one use: ``g-`` and the first digits of the digest."""
    return f"g-{digest[:16]}"
