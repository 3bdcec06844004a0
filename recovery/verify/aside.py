"""What the gate of a site did not let through, as findings. Pure."""

from __future__ import annotations

from vanvault.archiver.replicas import SetAside
from vanvault.recovery.verified import Problem
from vanvault.recovery.verify.model import Finding

#: By the reason for which an object is set aside; any other reason is of a name that proves nothing.
_TOLD: dict[str, tuple[Problem, str]] = {
    "junk": ("extra", "no object of the archive has such a name"),
    "unknown-family": ("extra", "no object of the archive has such a name: its family is not known"),
    "too-large": ("too-large", "no object of its kind has so many bytes"),
    "bad-signature": (
        "unproved",
        "no trusted key has signed this name: it is an alias, another archive's object, or a forgery",
    ),
    "revoked-key": (
        "unproved",
        "its key was revoked (revoked-key), and it does not stand: see vanvault keys accept",
    ),
}


def aside_finding(one: SetAside) -> Finding:
    """One object that is set aside, as a verification names it."""
    problem, detail = _TOLD.get(one.reason, ("unproved", f"its name proves nothing ({one.reason})"))
    return Finding(one.site, one.key, problem, f"set aside: {detail} ({one.size} bytes)")
