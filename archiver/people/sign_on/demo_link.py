"""Links that sign somebody on at a demonstration, once: their secret. Pure."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from vanvault.archiver.core.ports import Entropy

#: A link is good for so long.
DEMO_LINK_GOOD_FOR = timedelta(minutes=15)
_SECRET_PREFIX = "vvd_"  # noqa: S105 - tells secrets apart
_BYTES = 32
_FORM = re.compile(r"vvd_[0-9a-f]{64}")


def new_demo_secret(entropy: Entropy) -> str:
    """``vvd_`` and 256 random bits as hex digits: no password hash is needed."""
    return f"{_SECRET_PREFIX}{entropy.token(_BYTES).hex()}"


def demo_link_digest(secret: str) -> str:
    """The SHA-256 of a secret, 64 hex digits; "" for what is none."""
    return hashlib.sha256(secret.encode()).hexdigest() if _FORM.fullmatch(secret) else ""


def demo_link_id(digest: str) -> str:
    """The id of a link: ``l-`` and the first digits of the digest."""
    return f"l-{digest[:16]}"
