"""The one way in which a file enters a file site: whole, durable, never over another.

write → fsync → hard link to the final name → fsync of the folder, **the commit point** → ack.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.faults import Fault
from vanvault.archiver.stores.files.errors import write_failed
from vanvault.archiver.stores.files.flags import set_immutable
from vanvault.archiver.stores.files.root import SiteRoot

_MODE = 0o440
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def put_file(
    root: SiteRoot,
    site: str,
    folder: str,
    name: str,
    data: bytes | memoryview,
    *,
    immutable: bool,
    fault: Fault,
) -> None:
    """Put ``data`` into ``folder`` (under ``objects``) as ``name``; it is durable on return.

    Raises:
        SiteFull, SiteUnavailable: with ``may_be_stored`` false until the link was tried, true from then on.
        Damaged: what lies under the name is not what was written.
    """
    linked = False
    try:
        root.check_present()
        temp_folder, temp = root.temp_folder(), root.temp_name()
        descriptor = os.open(temp, _FLAGS, 0o600, dir_fd=temp_folder)
        try:
            fault("before-write")
            _write_all(descriptor, data)
            os.fchmod(descriptor, _MODE)
            fault("after-write")
            os.fsync(descriptor)
            target = _open_target(root, folder)
            try:
                fault("before-link")
                os.link(temp, name, src_dir_fd=temp_folder, dst_dir_fd=target)
                linked = True
                fault("after-link")
                # Before the flag: an immutable file cannot lose any of its names, not even this one.
                os.unlink(temp, dir_fd=temp_folder)
                if immutable:
                    set_immutable(descriptor, True)
                    os.fsync(descriptor)
                fault("before-folder-fsync")
                os.fsync(target)
                fault("after-folder-fsync")
                _check_stored(descriptor, target, name, len(data), site)
            finally:
                os.close(target)
            # A folder that was moved away meanwhile holds the bytes where nobody will look for them.
            root.check_present()
        finally:
            os.close(descriptor)
            if not linked:
                with suppress(OSError):  # the next sweep has it
                    os.unlink(temp, dir_fd=temp_folder)
    except OSError as error:
        raise write_failed(error, site=site, may_be_stored=linked) from error


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    """A single write may take less than it was given, near a full disk for instance; then comes the error."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _open_target(root: SiteRoot, folder: str) -> int:
    root.durable_folder(folder)
    try:
        return root.open_folder(folder)
    except FileNotFoundError:
        root.forget_folder(folder)
        raise


def _check_stored(descriptor: int, target: int, name: str, size: int, site: str) -> None:
    """The name must lead to the very file that was written, whole and read-only."""
    written, found = os.fstat(descriptor), os.stat(name, dir_fd=target, follow_symlinks=False)
    if (found.st_dev, found.st_ino, found.st_size, stat.S_IMODE(found.st_mode)) != (
        written.st_dev,
        written.st_ino,
        size,
        _MODE,
    ):
        raise Damaged(
            f"site {site} holds another file than the one just written",
            key=name,
            site=site,
            hint="Run verify.",
        )
