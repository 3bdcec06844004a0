"""How far the lock of a store goes, in words. Pure."""

from __future__ import annotations

from vanvault.archiver.stores import Capabilities

_LOCKS = {
    "permissions": "file permissions only: this host's root, and the user that runs VanVault, can delete;"
    " set immutable = true for this site (ext4 or xfs, needs root)",
    "immutable-flag": "immutable flag: nobody can delete by accident or as an ordinary user; this host's root"
    " can take the flag off",
    "compliance": "compliance mode: the store refuses every user, administrators too, until the date",
}


def lock_strength(capabilities: Capabilities) -> str:
    """Whom the lock of a store binds, in plain words."""
    known = _LOCKS.get(capabilities.lock, capabilities.lock)
    if capabilities.lock_binds_administrator or capabilities.lock in ("permissions", "immutable-flag"):
        return known
    return f"{known}; but whoever runs the store's host can get round it"
