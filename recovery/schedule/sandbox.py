"""What a unit may do on its host: the restrictions of systemd that every unit of ours has. Pure.

``systemd-analyze security`` says what each is for; the tests hold the sum of what is left below 2.0. The unit
of the node itself (``ansible/roles/vanvault/templates``) has the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

#: The same for every unit: no rights, no devices, no kernel, no other processes, no code made at run time.
RESTRICTIONS = (
    "UMask=0077",
    "LimitCORE=0",
    "NoNewPrivileges=true",
    "ProtectSystem=strict",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectClock=true",
    "ProtectHostname=true",
    "ProtectKernelLogs=true",
    "ProtectKernelModules=true",
    "ProtectKernelTunables=true",
    "ProtectControlGroups=true",
    "PrivateTmp=true",
    "PrivateDevices=true",
    "PrivateMounts=true",
    "DevicePolicy=closed",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=true",
    "RestrictRealtime=true",
    "RestrictSUIDSGID=true",
    "LockPersonality=true",
    "RemoveIPC=true",
    "KeyringMode=private",
    "MemoryDenyWriteExecute=true",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
#: Rights of the process: none; or the one to set the immutable flag of files, which only the host can give.
NO_RIGHTS = ("CapabilityBoundingSet=", "AmbientCapabilities=", "PrivateUsers=true")
FLAG_RIGHT = ("CapabilityBoundingSet=CAP_LINUX_IMMUTABLE", "AmbientCapabilities=CAP_LINUX_IMMUTABLE")
_USERS = (Path("/home"), Path("/root"), Path("/run/user"))


def restrictions(used: Sequence[Path], writable: Sequence[Path], *, immutable: bool) -> list[str]:
    """The lines of a unit's ``[Service]``.

    Args:
        used: absolute paths that must be seen: the program.
        writable: absolute paths of folders that are written to; one that is not there is passed over.
        immutable: file sites set the immutable flag.
    """
    return [
        *RESTRICTIONS,
        *(FLAG_RIGHT if immutable else NO_RIGHTS),
        f"ProtectHome={protect_home([*used, *writable])}",
        *(f"ReadWritePaths={_quoted(path)}" for path in dict.fromkeys(writable)),
    ]


def protect_home(needed: Sequence[Path]) -> str:
    """``ProtectHome`` of a unit that has to see these absolute paths."""
    among_users = any(path.is_relative_to(users) for path in needed for users in _USERS)
    return "read-only" if among_users else "true"


def _quoted(path: Path) -> str:
    """A path as systemd reads it; the "-" in front passes over one that is not there."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"-{escaped}"'
