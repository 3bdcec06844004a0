"""Where a benchmark writes: a folder on a file system with a journal, and what its JSON line says of it.

On ext4 without a journal a new file costs tens of times what it costs with one, which flatters whoever puts
many messages into one file. Where the folder's file system has no journal, or nothing tells, an image file
beside it is made an ext4 with a journal and mounted (Linux, root, ``mkfs.ext4``). The benchmark then runs in
mounts of its own: when its last process ends, however it ends, mount, loop device and image are gone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
#: File systems that have a journal, or never write over what they hold, whatever their settings.
_ALWAYS = frozenset({"ext3", "xfs", "btrfs", "zfs", "jfs", "bcachefs"})
_MEMORY = frozenset({"tmpfs", "ramfs"})
#: Set in the process that has mounts of its own.
_OWN_MOUNTS = "VANVAULT_BENCHMARK_MOUNTS"
_LEAST_BYTES, _LEFT_BYTES = 2 * 2**30, 2**30  # of the image; left free beside it


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to write to, and its file system."""

    folder: Path
    kind: str  # such as ext4
    journal: bool | None  # None: nothing tells
    loop: bool = False  # an image made for this run
    note: str = ""  # why there is no journal

    def facts(self) -> dict[str, Any]:
        """For the JSON line."""
        facts = {"file_system": self.kind, "journal": self.journal, "loop_mount": self.loop}
        return {**facts, "file_system_note": self.note} if self.note else facts

    def __str__(self) -> str:
        journal = {True: "with a journal", False: "WITHOUT a journal", None: "journal UNKNOWN"}[self.journal]
        return f"{self.kind} {journal}{', a loop mount' if self.loop else ''}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """``--folder`` and ``--as-it-is``."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=REPOSITORY / "build",
        help="where to write: a real disk, no tmpfs (default: build/)",
    )
    parser.add_argument(
        "--as-it-is",
        action="store_true",
        help="write to the folder's own file system, even without a journal",
    )


@contextmanager
def place_for(name: str, options: argparse.Namespace) -> Iterator[Place]:
    """An empty folder below ``options.folder``, on a journal where one can be had, until the block ends.

    To be entered before anything is started: the process may begin again, in mounts of its own.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    found = _told(options.folder, "")
    if found.journal or options.as_it_is:
        note = ""
    elif found.kind in _MEMORY:
        note = "a file system in memory keeps nothing: fsync costs nothing and all ratios are wrong"
    else:
        note = _hindrance(options.folder)
        if not note:
            with _loop_mount(name, options.folder) as (folder, failed):
                if folder is not None:
                    yield _told(folder, "", loop=True)
                    return
                note = failed
    if note:
        print(f"WARNING: no journaled file system: {note}", file=sys.stderr)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=options.folder))
    try:
        yield _told(folder, note)
    finally:
        if not getattr(options, "keep", False):
            shutil.rmtree(folder, ignore_errors=True)


def _told(folder: Path, note: str, *, loop: bool = False) -> Place:
    kind = file_system(folder)
    return Place(folder, kind, has_journal(folder, kind), loop, note)


def _hindrance(folder: Path) -> str:
    """Why no image can be mounted here; "" when it can be tried."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a loop mount needs Linux and root"
    missing = [tool for tool in ("mkfs.ext4", "losetup", "mount", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} cannot be had (Debian: e2fsprogs, mount, util-linux)"
    if _image_bytes(folder) < _LEAST_BYTES:
        return f"{folder} has too little free space for an image"
    return ""


def _image_bytes(folder: Path) -> int:
    """The image is sparse: it takes the room of what is written into it."""
    return shutil.disk_usage(folder).free - _LEFT_BYTES


@contextmanager
def _loop_mount(name: str, parent: Path) -> Iterator[tuple[Path | None, str]]:
    """The folder where the new file system is mounted, or why it is not."""
    if os.environ.get(_OWN_MOUNTS) != str(os.getpid()):
        _begin_again()
    image = Path(tempfile.mkdtemp(prefix=f"{name}-loop-", dir=parent))
    file, folder = image / "image", image / "mounted"
    folder.mkdir()
    failed = _mount(file, folder, _image_bytes(parent))
    file.unlink(missing_ok=True)  # the loop device keeps it until the mount ends
    try:
        yield (None if failed else folder), failed
    finally:
        if not failed:
            _said(["umount", "--lazy", str(folder)])
        shutil.rmtree(image, ignore_errors=True)


def _begin_again() -> None:
    """This command in mounts of its own, in place of this process."""
    os.environ[_OWN_MOUNTS] = str(os.getpid())
    sys.stdout.flush()
    sys.stderr.flush()
    command = ["unshare", "--mount", "--propagation", "private", "--", sys.executable, *sys.orig_argv[1:]]
    os.execvp(command[0], command)


def _mount(image: Path, folder: Path, size: int) -> str:
    """ "" when mounted."""
    with image.open("wb") as file:
        file.truncate(size)
    if failed := _said(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard", str(image)])[1]:
        return f"mkfs.ext4: {failed}"
    attach = ["losetup", "--find", "--show"]
    device, failed = _said([*attach, "--direct-io=on", str(image)])  # no second copy in the page cache
    if failed:
        device, failed = _said([*attach, str(image)])
    if failed:
        return f"losetup: {failed}"
    # No background work of the kernel while figures are taken.
    failed = _said(["mount", "-t", "ext4", "-o", "noinit_itable", device, str(folder)])[1]
    _said(["losetup", "--detach", device])  # at once, or when the mount ends
    return f"mount: {failed}" if failed else ""


def _said(command: list[str]) -> tuple[str, str]:
    """What a command printed, and why it failed ("" when it did not)."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip(), (done.stderr.strip() or f"exit {done.returncode}") if done.returncode else ""


def file_system(folder: Path) -> str:
    """The type of the file system that holds ``folder``, such as ext4; "unknown" where nothing tells."""
    best, kind = "", "unknown"
    target = str(folder.resolve())
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        point, found = line.split()[1:3]
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def has_journal(folder: Path, kind: str) -> bool | None:
    """Whether the file system of this kind that holds ``folder`` has a journal; None where nothing tells."""
    if kind in _MEMORY or kind == "ext2":
        return False
    if kind in _ALWAYS:
        return True
    if kind != "ext4":
        return None
    device = folder.stat().st_dev
    known = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not known.exists() or not Path("/proc/fs/ext4").is_dir():
        return None
    return any(Path("/proc/fs/jbd2").glob(f"{known.resolve().name}-*"))
