"""Acts in the folder of a file site: other things than files, and the site itself."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.faults.hostile.hands import link_in_place
from tests.faults.hostile.table import BATCHES, Marks, Table, needed, new_writer, nonsense
from tests.faults.hostile.view import KINDS, key_of, parse
from tests.faults.hostile.world import World

TABLE = Table()
_HUGE = 3 * 2**29  # bytes of a sparse file
_MANY = 2_000
_ALL = tuple(kind for _, kind in KINDS.values())

# other things than files


def _instead(world: World, make: Callable[..., None]) -> Marks:
    key = needed(world)
    link_in_place(world.files.newest(key), make)
    return (key,)


@TABLE.act("file")
def link_to_a_file_of_the_host(world: World) -> Marks:
    return _instead(world, lambda path: path.symlink_to("/etc/hostname"))


@TABLE.act("file")
def link_to_the_other_site(world: World) -> Marks:
    """What is read through it is right, and lies at one site only."""
    key = needed(world)
    path = world.files.newest(key)
    there = world.home / "sites" / world.honest / path.relative_to(world.files.root).parent
    target = next(found for found in there.glob(f"{key.rpartition('/')[2]}~*"))
    link_in_place(path, lambda path: path.symlink_to(target.resolve()))
    return (key,)


@TABLE.act("file")
def hard_link_under_another_name(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    name = parse(key)
    assert name is not None
    alias = key.replace(name.writer, new_writer(world, first=True))
    world.files.new_path(alias).hardlink_to(world.files.newest(key))
    return (alias,)


@TABLE.act("file")
def pipe(world: World) -> Marks:
    return _instead(world, os.mkfifo)


@TABLE.act("file")
def device(world: World) -> Marks:
    """A file of endless zeros; without the right to make one, a link to it."""

    def make(path: os.PathLike[str]) -> None:
        try:
            os.mknod(path, 0o20666, os.makedev(1, 5))
        except PermissionError:
            os.symlink("/dev/zero", path)

    return _instead(world, make)


@TABLE.act("file")
def socket_in_place_of_a_file(world: World) -> Marks:
    def make(path: os.PathLike[str]) -> None:
        short = world.home / "s"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(short))
        os.rename(short, path)

    return _instead(world, make)


@TABLE.act("file")
def folder_in_place_of_a_file(world: World) -> Marks:
    return _instead(world, os.mkdir)


@TABLE.act("file", useless=True)
def file_in_place_of_a_folder(world: World) -> Marks:
    key = needed(world)
    folder = world.files.folder(key)
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    return (key,)


@TABLE.act("file")
def link_in_place_of_a_folder(world: World) -> Marks:
    """A folder of the host among the objects."""
    link = world.files.objects / "batch" / new_writer(world)
    link.symlink_to("/proc/self")
    return (link.name,)


@TABLE.act("file")
def folder_that_contains_itself(world: World) -> Marks:
    folder = world.files.objects / "batch" / new_writer(world)
    folder.mkdir()
    (folder / "~0000000").symlink_to(folder)
    return (folder.name,)


@TABLE.act("file")
def deep_folders(world: World) -> Marks:
    folder = world.files.objects / "deep"
    for _ in range(200):
        folder = folder / "dddd"
        if len(str(folder)) > 3500:
            break
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"")
    return ("deep",)


@TABLE.act("file")
def names_with_odd_bytes(world: World) -> Marks:
    folder = os.fsencode(world.files.folder(world.some_key(*BATCHES)))
    for name in (
        b"\xff\xfe~odd-bytes",
        b"line\nbreak~odd",
        b"\x1b[2Jescape~odd",
        "đ~odd".encode(),
        b"x" * 255,
    ):
        with open(os.path.join(folder, name), "wb"):
            pass
    os.mkdir(os.path.join(os.fsencode(world.files.objects), b"\xff\xfeodd"))
    return ("odd",)


@TABLE.act("file")
def size_of_gigabytes(world: World) -> Marks:
    """A sparse file under a name that fits the grammar."""
    key = key_of("batch", new_writer(world), 0, "events", b"", world.random.randbytes(64))
    _sparse(world, key)
    return (key,)


@TABLE.act("file")
def genuine_object_of_gigabytes(world: World) -> Marks:
    """A sparse file as the newest version of a genuine key."""
    key = world.some_key(*BATCHES)
    _sparse(world, key)
    return (key,)


@TABLE.act("file")
def genuine_manifest_of_gigabytes(world: World) -> Marks:
    key = world.some_key("manifest")
    _sparse(world, key)
    return (key,)


def _sparse(world: World, key: str) -> None:
    path = world.files.new_path(key, until=datetime(2040, 1, 1, tzinfo=UTC))
    with path.open("wb") as file:
        file.truncate(_HUGE)


@TABLE.act("file", turn=1)
def times_of_files_changed(world: World) -> Marks:
    for number, key in enumerate(world.left()):
        moment = (0, 2**33)[number % 2]
        os.utime(world.files.newest(key), (moment, moment))
    return ()


@TABLE.act("file")
def version_stored_in_the_future(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    data = world.hand.data(key)
    until = (world.now() + timedelta(days=40)).replace(microsecond=0)
    world.files.new_path(key, until, at=world.now() + timedelta(days=300_000)).write_bytes(data)
    return ()


@TABLE.act("file")
def rubbish_beside_the_objects(world: World) -> Marks:
    (world.files.root / "tmp" / "0123456789abcdef").mkdir()
    (world.files.root / "tmp" / "0123456789abcdef" / "1").write_bytes(nonsense(world))
    (world.files.root / "notes.txt").write_bytes(b"?")
    (world.files.objects / "notes.txt").write_bytes(b"?")
    return ("notes.txt",)


# the site itself


def _site_json(world: World, **fields: str) -> Marks:
    path = world.files.root / "site.json"
    with world.files.writable(path) as found:
        found.write_text(json.dumps({**json.loads(found.read_text()), **fields}))
    return ("",)


@TABLE.act("file", useless=True)
def site_of_another_name(world: World) -> Marks:
    return _site_json(world, site=world.honest)


@TABLE.act("file", useless=True)
def site_of_another_archive(world: World) -> Marks:
    return _site_json(world, archive=world.other.archive)


@TABLE.act("file", useless=True)
def site_of_another_format(world: World) -> Marks:
    return _site_json(world, format="vanvault-file-site/2")


@TABLE.act("file", useless=True)
def site_described_by_nonsense(world: World) -> Marks:
    with world.files.writable(world.files.root / "site.json") as path:
        path.write_bytes(b"\xff{" * 1000)
    return ("",)


@TABLE.act("file", useless=True)
def site_described_by_gigabytes(world: World) -> Marks:
    with world.files.writable(world.files.root / "site.json") as path, path.open("wb") as file:
        file.truncate(_HUGE)
    return ("",)


@TABLE.act("file", useless=True)
def site_described_by_a_pipe(world: World) -> Marks:
    link_in_place(world.files.root / "site.json", os.mkfifo)
    return ("",)


@TABLE.act("file", useless=True)
def site_without_description(world: World) -> Marks:
    (world.files.root / "site.json").unlink()
    return ("",)


@TABLE.act("file", useless=True)
def site_without_objects(world: World) -> Marks:
    shutil.rmtree(world.files.objects)
    return ("",)


@TABLE.act("file", useless=True)
def site_gone(world: World) -> Marks:
    world.files.wipe()
    return ("",)


@TABLE.act("file", useless=True)
def site_is_a_file(world: World) -> Marks:
    world.files.wipe()
    world.files.root.write_bytes(b"")
    return ("",)
