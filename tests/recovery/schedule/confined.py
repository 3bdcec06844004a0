"""Runs a Python module under the system call filters that systemd makes of our units' restrictions.

usage: python confined.py MODULE [ARGUMENTS]

The filters are those of ``SystemCallFilter=`` (what is not listed fails with EPERM) and of
``MemoryDenyWriteExecute=`` (no memory that is written and run), built by the library that systemd uses.
"""

from __future__ import annotations

import ctypes
import errno
import runpy
import subprocess
import sys
from collections.abc import Iterable

from vanvault.recovery.schedule.sandbox import RESTRICTIONS

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_MASKED_EQUAL = 7
_PROT_WRITE, _PROT_EXEC = 2, 4
#: Third argument of a system call -> bits that are refused together.
_WRITTEN_AND_RUN = {"mmap": _PROT_WRITE | _PROT_EXEC, "mprotect": _PROT_EXEC, "pkey_mprotect": _PROT_EXEC}


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def expanded(sets: Iterable[str]) -> set[str]:
    """The system calls of groups (``@system-service``), by systemd's own lists."""
    found: set[str] = set()
    for name in sets:
        told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True)
        members = [line.strip() for line in told.stdout.splitlines()[1:]]
        found |= {member for member in members if member and member[0] not in "@#"}
        found |= expanded(member for member in members if member.startswith("@"))
    return found


def allowed() -> set[str]:
    """What our units allow, as they say it."""
    lists = [line.partition("=")[2] for line in RESTRICTIONS if line.startswith("SystemCallFilter=")]
    found: set[str] = set()
    for one in lists:
        if one.startswith("~"):
            found -= expanded(one[1:].split())
        else:
            found |= expanded(one.split())
    return found


def confine() -> None:
    """This process and all that it starts, from now on."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    names = allowed()
    calls = library.seccomp_init(ctypes.c_uint32(_REFUSE))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add_array(ctypes.c_void_p(calls), ctypes.c_uint32(_ALLOW), number, 0, None)
    memory = library.seccomp_init(ctypes.c_uint32(_ALLOW))
    for name, bits in _WRITTEN_AND_RUN.items():
        refused = (_Compare * 1)(_Compare(2, _MASKED_EQUAL, bits, bits))
        number = library.seccomp_syscall_resolve_name(name.encode())
        code = library.seccomp_rule_add_array(
            ctypes.c_void_p(memory), ctypes.c_uint32(_REFUSE), number, 1, refused
        )
        assert code == 0, code
    for one in (memory, calls):
        assert library.seccomp_load(ctypes.c_void_p(one)) == 0


if __name__ == "__main__":
    module, *arguments = sys.argv[1:]
    confine()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
