"""What the operating system's refusals mean for a file site. Pure."""

from __future__ import annotations

import errno

from vanvault.archiver.core.errors import MachineLimit, SiteFull, SiteUnavailable
from vanvault.archiver.core.machine import machine_limit

# EFBIG: over a size limit of the process or file system, which leaves the object as little room.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HINTS = {
    errno.EROFS: "The file system is read-only: check the disk and the system log, then remount it.",
    errno.EACCES: "Check the owner and permissions of the site's folder.",
    errno.EPERM: "Check the owner and permissions of the site's folder, and CAP_LINUX_IMMUTABLE.",
    errno.ENOENT: "The site's folder or a part of it is gone: mount or restore it, then run verify.",
    errno.ESTALE: "Another folder lies where the site was: mount or restore the site, then restart.",
    errno.ENOSPC: "Free or add space at this site.",
    errno.EDQUOT: "Raise the quota of the user that writes at this site.",
    errno.EFBIG: "Raise the limit of the size of files: LimitFSIZE= of the systemd unit, ulimit -f.",
    errno.E2BIG: "Remove what is not the archive's from the site's folder.",
    errno.EIO: "The disk failed: check the system log, replace it, then restore the site.",
}


def write_failed(error: OSError, *, site: str, may_be_stored: bool) -> SiteUnavailable | MachineLimit:
    """The error for a put or extension that failed; ``may_be_stored`` if the final name may exist already.

    A site's full disk is the site's; open files and memory are this machine's.
    """
    if error.errno in _FULL:
        if not may_be_stored:
            hint = _HINTS[error.errno]
            return SiteFull(f"site {site} has no room left: {error.strerror}", site=site, hint=hint)
    elif (limit := machine_limit(error, may_be_stored=may_be_stored)) is not None:
        return limit
    return SiteUnavailable(
        f"site {site} could not be written: {error.strerror or error}",
        site=site,
        may_be_stored=may_be_stored,
        hint=_HINTS.get(error.errno or 0, ""),
    )


def read_failed(error: OSError, *, site: str) -> SiteUnavailable | MachineLimit:
    """The error for a read that failed."""
    return machine_limit(error) or SiteUnavailable(
        f"site {site} could not be read: {error.strerror or error}",
        site=site,
        may_be_stored=False,
        hint=_HINTS.get(error.errno or 0, ""),
    )
