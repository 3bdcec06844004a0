"""The immutable flag of ext4 and xfs: not even root changes or removes a file while it is set.

A process needs CAP_LINUX_IMMUTABLE to set or clear it; see ioctl_iflags(2).
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

_IMMUTABLE = 0x10  # FS_IMMUTABLE_FL
# _IOR('f', 1, long) and _IOW('f', 2, long) of linux/fs.h, for every CPU but MIPS, PowerPC and SPARC.
_LONG = struct.calcsize("l") << 16
_GET_FLAGS = 2 << 30 | _LONG | ord("f") << 8 | 1
_SET_FLAGS = 1 << 30 | _LONG | ord("f") << 8 | 2
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FLAGS = struct.Struct("=I4x")  # the kernel passes an int through a request that is declared for a long


def is_immutable(descriptor: int) -> bool:
    """Whether the open file has the flag. Raises OSError where the file system has no flags."""
    return bool(_flags(descriptor) & _IMMUTABLE)


def set_immutable(descriptor: int, value: bool) -> None:
    """Set or clear the flag of an open file. Raises OSError (EPERM without the capability)."""
    before = _flags(descriptor)
    after = before | _IMMUTABLE if value else before & ~_IMMUTABLE
    if after != before:
        fcntl.ioctl(descriptor, _SET_FLAGS, _FLAGS.pack(after))


def set_immutable_name(folder: int, name: str) -> bool:
    """Set the flag of a file in an open folder; False if it was set already. Raises OSError."""
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        if is_immutable(descriptor):
            return False
        set_immutable(descriptor, True)
        os.fsync(descriptor)
        return True
    finally:
        os.close(descriptor)


def unlink_name(folder: int, name: str) -> None:
    """Remove a file from an open folder, clearing its flag if it has one. Raises OSError."""
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        with suppress(OSError):  # where there are no flags, there is none to clear
            set_immutable(descriptor, False)
    finally:
        os.close(descriptor)
    os.unlink(name, dir_fd=folder)


def immutable_supported(folder: Path) -> bool:
    """Whether this process may set and clear the flag on files in ``folder``: it tries on one of its own."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="immutable-probe-", dir=folder)
    except OSError:
        return False
    try:
        set_immutable(descriptor, True)
        held = is_immutable(descriptor)
        set_immutable(descriptor, False)
    except OSError:
        return False
    else:
        return held
    finally:
        os.close(descriptor)
        Path(name).unlink()


def _flags(descriptor: int) -> int:
    answer = fcntl.ioctl(descriptor, _GET_FLAGS, _FLAGS.pack(0))
    return int(_FLAGS.unpack(answer)[0])
