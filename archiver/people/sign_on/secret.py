"""The secret of a session: 256 random bits, shown once, kept only as its SHA-256."""

from __future__ import annotations

import base64
import hashlib
import re

from vanvault.archiver.core.ports import Entropy

SESSION_PREFIX = "vvs_"
_BYTES = 32
_FORM = re.compile(r"vvs_[A-Za-z0-9_-]{43}")


def new_session_secret(entropy: Entropy) -> str:
    """``vvs_`` and 43 characters. Always made here: a secret that a browser brings is never taken up."""
    return SESSION_PREFIX + base64.urlsafe_b64encode(entropy.token(_BYTES)).rstrip(b"=").decode("ascii")


def session_digest(secret: str) -> str:
    """The SHA-256 of a secret, 64 hex digits; "" for what has not the form of one."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest() if _FORM.fullmatch(secret) else ""


def session_id(digest: str) -> str:
    """The id under which a session is listed and ended: ``s-`` and the first digits of its digest."""
    return f"s-{digest[:16]}"
