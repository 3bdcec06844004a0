"""What is done at the hostile site: one function an act, and the table of them all (``ACTS``).

An act returns *marks*: texts, such as a key or a path, of which the product must say afterwards that something
is wrong with them at this site. An empty text asks only that something is said of the site. No marks: what was done
can be told by nobody from what a site may rightly hold (the same bytes put again), or is mended at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.faults.hostile.hands import FOR_EVER, link_in_place
from tests.faults.hostile.view import ALPHABET, KINDS, key_of, parse
from tests.faults.hostile.world import Unfit, World
from tests.servers.fault_proxy import Fault

Marks = tuple[str, ...]
_HUGE = 3 * 2**30  # bytes of a sparse file
_MANY = 2_000
_BATCHES = ("messages", "events")
_PARTS = ("log", "originals", "evidence")
_ALL = tuple(kind for _, kind in KINDS.values())


@dataclass(frozen=True)
class Act:
    """One thing that may be done."""

    name: str
    do: Callable[[World], Marks]
    stores: tuple[str, ...]  # "file", "s3": where it can be done
    useless: bool  # afterwards the site may rightly be out
    last: bool  # it takes all that is left


ACTS: dict[str, Act] = {}
_Do = Callable[[World], Marks]


def act(*stores: str, useless: bool = False, last: bool = False) -> Callable[[_Do], _Do]:
    """Put a function into the table, under its own name."""

    def note(do: _Do) -> _Do:
        name = do.__name__.replace("_", "-")
        ACTS[name] = Act(name, do, stores or ("file", "s3"), useless, last)
        return do

    return note


# objects that nobody signed


def _writer(world: World, *, first: bool = False, milliseconds: int = 0) -> str:
    """A writer id that nobody has; ``first``: it sorts before all others."""
    ms = 1 if first else milliseconds or int(world.now().timestamp() * 1000)
    text = "".join(ALPHABET[ms >> (5 * place) & 31] for place in reversed(range(9)))
    return text + "".join(world.random.choice(ALPHABET) for _ in range(7))


def _nonsense(world: World, size: int = 600) -> bytes:
    return world.random.randbytes(size)


def _made(world: World, family: str, kind: str, data: bytes, *, writer: str = "", sequence: int = 0) -> Marks:
    """An object whose name fits grammar and bytes, under a signature of nobody."""
    key = key_of(family, writer or _writer(world), sequence, kind, data, world.random.randbytes(64))
    world.hand.put(key, data)
    return (key,)


def _parquet(master: str, world: World, *, wrapped: int = 84) -> bytes:
    """Looks encrypted: the key metadata names ``master``, the rest is nonsense."""
    metadata = json.dumps(
        {
            "keyMaterialType": "PKMT1",
            "internalStorage": True,
            "isFooterKey": True,
            "kmsInstanceID": "DEFAULT",
            "kmsInstanceURL": "DEFAULT",
            "masterKeyID": master,
            "wrappedDEK": "A" * wrapped,
            "doubleWrapping": False,
        }
    ).encode()
    length = len(metadata)
    varint = bytes([length & 127 | 128, length >> 7])
    crypto = b"\x1c\x1c\x28\x08" + bytes(8) + b"\x12\x00\x00\x18" + varint + metadata + b"\x00"
    footer = crypto + _nonsense(world)
    return b"PARE" + _nonsense(world) + footer + struct.pack("<I", len(footer)) + b"PARE"


@act()
def junk_name(world: World) -> Marks:
    data = _nonsense(world)
    key = f"junk/{hashlib.sha256(data).hexdigest()}.x"
    world.hand.put(key, data)
    return (key,)


@act()
def name_without_a_folder(world: World) -> Marks:
    key = hashlib.sha256(b"").hexdigest()
    world.hand.put(key, b"")
    return (key,)


@act()
def unsigned_name(world: World) -> Marks:
    data = _parquet("log/1", world)
    key = f"batch/{_writer(world)}/0000000000-{hashlib.sha256(data).hexdigest()}.events.parquet"
    world.hand.put(key, data)
    return (key,)


@act()
def unknown_family(world: World) -> Marks:
    data = _nonsense(world)
    key = key_of("batch", _writer(world), 0, "events", data, world.random.randbytes(64))
    key = key.replace("batch/", "ledger/").replace(".events.parquet", ".entries")
    world.hand.put(key, data)
    return (key,)


@act()
def family_with_another_suffix(world: World) -> Marks:
    data = _nonsense(world)
    key = key_of("batch", _writer(world), 0, "events", data, world.random.randbytes(64))
    key = key.replace(".events.parquet", ".framed")
    world.hand.put(key, data)
    return (key,)


@act()
def batch_under_a_master_that_is_missing(world: World) -> Marks:
    return _made(world, "batch", "events", _parquet("log/99", world))


@act()
def batch_under_the_log_master(world: World) -> Marks:
    return _made(world, "batch", "events", _parquet("log/1", world))


@act()
def batch_under_a_master_of_no_purpose(world: World) -> Marks:
    return _made(world, "batch", "messages", _parquet("../../etc/passwd", world))


@act()
def batch_of_a_writer_of_long_ago(world: World) -> Marks:
    return _made(
        world, "batch", "messages", _parquet("originals/1", world), writer=_writer(world, first=True)
    )


@act()
def batch_that_goes_on_after_a_genuine_one(world: World) -> Marks:
    """It takes the next sequence of a writer's chain."""
    name = parse(world.some_key(*_BATCHES))
    assert name is not None
    data = _parquet("log/1", world)
    return _made(world, "batch", "events", data, writer=name.writer, sequence=name.sequence + 1)


@act()
def batch_that_begins_now(world: World) -> Marks:
    """Its writer started this moment: followers look for such."""
    data = _parquet("log/1", world)
    return _made(world, "batch", "events", data, writer=_writer(world))


@act()
def batch_of_the_future(world: World) -> Marks:
    ms = int((world.now() + timedelta(days=20_000)).timestamp() * 1000)
    return _made(world, "batch", "events", _parquet("log/1", world), writer=_writer(world, milliseconds=ms))


@act()
def batch_that_is_not_encrypted(world: World) -> Marks:
    return _made(world, "batch", "messages", b"PAR1" + _nonsense(world) + b"PAR1")


@act()
def batch_with_a_footer_longer_than_itself(world: World) -> Marks:
    return _made(world, "batch", "events", b"PARE" + _nonsense(world) + struct.pack("<I", 2**31) + b"PARE")


@act()
def empty_batch(world: World) -> Marks:
    return _made(world, "batch", "events", b"")


@act()
def large_object_that_says_it_is_huge(world: World) -> Marks:
    header = b"VVFRAME1" + b"\x01" + bytes(7) + struct.pack(">IQQ", 2**26, 2**62, 2**62)
    data = header + b"\x0boriginals/1" + b"\x3d" + bytes(61) + bytes(64)
    return _made(world, "large", "framed", data)


@act()
def segment_that_nobody_made(world: World) -> Marks:
    segment, marks = _writer(world), []
    for number, kind in enumerate(_PARTS):
        data = _parquet("log/1", world)
        marks += _made(world, "segment", kind, data, writer=segment, sequence=number)
    return tuple(marks)


@act()
def manifest_signed_by_nobody(world: World) -> Marks:
    """It claims all that the writers of the archive wrote."""
    manifest = json.loads(world.hand.data(world.some_key("manifest")))
    segment = _writer(world, first=True)
    writers = sorted({name.writer for key in world.keys(*_BATCHES) if (name := parse(key))})
    manifest["covers"] = [{"writer": writer, "first": 0, "last": 9} for writer in writers]
    manifest["segment"], manifest["signature"] = segment, "00" * 64
    data = json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
    return _made(world, "segment", "manifest", data, writer=segment, sequence=3)


@act()
def manifest_that_is_no_json(world: World) -> Marks:
    return _made(world, "segment", "manifest", b"[" * 20_000, sequence=3)


@act()
def manifest_that_covers_more(world: World) -> Marks:
    """A genuine one, altered, under its own number and signature."""
    key = world.some_key("manifest")
    name = parse(key)
    assert name is not None
    data = world.hand.data(key).replace(b'"last":0', b'"last":9').replace(b'"rows":', b'"rows":1', 1)
    changed = key_of("segment", name.writer, name.sequence, "manifest", data, name.signature)
    world.hand.put(changed, data)
    return (changed,)


@act()
def many_junk_names(world: World) -> Marks:
    keys = [f"junk/{number:04d}-{world.random.randbytes(32).hex()}.x" for number in range(_few(world))]
    for key in keys:
        world.hand.put(key, b"")
    return ("junk/",)


@act()
def many_junk_writers(world: World) -> Marks:
    for _ in range(_few(world)):
        key = key_of("batch", _writer(world), 0, "events", b"", world.random.randbytes(64))
        world.hand.put(key, b"")
    return ("batch/",)


@act()
def many_objects_of_one_writer(world: World) -> Marks:
    """Among its genuine ones."""
    name = parse(world.some_key(*_BATCHES))
    assert name is not None
    for number in range(_few(world)):
        data = b"%d" % number
        world.hand.put(
            key_of("batch", name.writer, number % 7, "events", data, world.random.randbytes(64)), data
        )
    return (name.writer,)


def _few(world: World) -> int:
    return _MANY if hasattr(world.hand, "root") else 40


# genuine bytes under other names


def _alias(world: World, key: str, **other: str | int) -> Marks:
    """The bytes of a genuine object under its name with other parts, its signature included."""
    name = parse(key)
    assert name is not None
    data = world.hand.data(key)
    parts = {
        "family": name.family,
        "writer": name.writer,
        "sequence": name.sequence,
        "kind": name.kind,
        **other,
    }
    changed = key_of(
        str(parts["family"]),
        str(parts["writer"]),
        int(parts["sequence"]),
        str(parts["kind"]),
        data,
        name.signature,
    )
    world.hand.put(changed, data)
    return (changed,)


@act()
def alias_of_another_writer(world: World) -> Marks:
    return _alias(world, world.some_key(*_BATCHES), writer=_writer(world))


@act(last=True)
def alias_of_the_first_writer(world: World) -> Marks:
    """Sorted before all genuine ones, it would stand in their place."""
    writer, marks = _writer(world, first=True), []
    for key in _untouched(world):
        marks += _alias(world, key, writer=writer)
    return tuple(marks)


@act()
def alias_of_another_genuine_writer(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    writers = sorted({other.split("/")[1] for other in world.keys(*_BATCHES)} - {key.split("/")[1]})
    return _alias(world, key, writer=world.random.choice(writers))


@act()
def alias_of_another_sequence(world: World) -> Marks:
    return _alias(world, world.some_key(*_BATCHES), sequence=77)


@act()
def alias_of_another_kind(world: World) -> Marks:
    return _alias(world, world.some_key("messages"), kind="events")


@act()
def alias_of_another_family(world: World) -> Marks:
    return _alias(world, world.some_key("messages"), family="large", kind="framed")


@act()
def alias_of_a_large_object(world: World) -> Marks:
    return _alias(world, world.some_key("framed"), sequence=5)


@act(last=True)
def alias_of_a_segment(world: World) -> Marks:
    """All of a genuine segment under an id that is smaller, so that it would stand in its place."""
    segment, marks = _writer(world, first=True), []
    for key in world.take("manifest") + world.take(*_PARTS, count=3):
        marks += _alias(world, key, writer=segment)
    return tuple(marks)


@act()
def alias_of_a_part(world: World) -> Marks:
    return _alias(world, world.some_key("log"), kind="evidence", sequence=2)


@act()
def signature_spelled_otherwise(world: World) -> Marks:
    """The same signature with one of its unused bits set."""
    key = world.some_key(*_BATCHES)
    data, (stem, _, suffix) = world.hand.data(key), key.partition(".")
    changed = f"{stem[:-1]}{ALPHABET[ALPHABET.index(stem[-1]) ^ 1]}.{suffix}"
    world.hand.put(changed, data)
    return (changed,)


@act()
def signature_of_another_object(world: World) -> Marks:
    key, other = world.take(*_BATCHES, count=2)
    name, lender = parse(key), parse(other)
    assert name and lender
    data = world.hand.data(key)
    changed = key_of(name.family, name.writer, name.sequence, name.kind, data, lender.signature)
    world.hand.put(changed, data)
    return (changed,)


@act()
def batch_of_another_archive(world: World) -> Marks:
    return _foreign(world, *_BATCHES)


@act()
def large_object_of_another_archive(world: World) -> Marks:
    return _foreign(world, "framed")


@act()
def segment_of_another_archive(world: World) -> Marks:
    return _foreign(world, "manifest", *_PARTS)


def _foreign(world: World, *kinds: str) -> Marks:
    from tests.faults.hostile.hands import FileHand

    root = world.other.home / "sites" / "primary"
    theirs = FileHand(root, world.random, world.now)
    keys = [key for key in theirs.view() if (name := parse(key)) and name.kind in kinds]
    for key in keys:
        world.hand.put(key, theirs.data(key))
    return tuple(keys)


# genuine objects, harmed


def _changed(world: World, key: str, change: Callable[[bytes], bytes]) -> Marks:
    world.hand.change(key, change)
    return (key,)


@act()
def cut_bytes(world: World) -> Marks:
    return _changed(world, world.some_key(*_BATCHES), lambda data: data[: len(data) // 2])


@act()
def extended_bytes(world: World) -> Marks:
    return _changed(world, world.some_key(*_BATCHES), lambda data: data + b"\0" * 1000)


@act()
def flipped_bit(world: World) -> Marks:
    return _changed(world, world.some_key(*_ALL), lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:])


@act()
def no_bytes_left(world: World) -> Marks:
    return _changed(world, world.some_key(*_ALL), lambda data: b"")


@act()
def bytes_of_another_master(world: World) -> Marks:
    return _changed(world, world.some_key("events"), lambda data: _parquet("log/99", world))


@act()
def swapped_bytes(world: World) -> Marks:
    one, other = world.take(*_BATCHES, count=2)
    first, second = world.hand.data(one), world.hand.data(other)
    return _changed(world, one, lambda _: second) + _changed(world, other, lambda _: first)


@act()
def swapped_parts(world: World) -> Marks:
    one, other = world.take("log") + world.take("evidence")
    first, second = world.hand.data(one), world.hand.data(other)
    return _changed(world, one, lambda _: second) + _changed(world, other, lambda _: first)


@act()
def harmed_manifest(world: World) -> Marks:
    return _changed(
        world, world.some_key("manifest"), lambda data: data.replace(b'"messages":', b'"messages":9')
    )


@act()
def harmed_evidence(world: World) -> Marks:
    return _changed(world, world.some_key("evidence"), lambda data: data[:-9])


@act()
def harmed_large_object(world: World) -> Marks:
    return _changed(world, world.some_key("framed"), lambda data: data[:-1])


@act()
def version_on_top(world: World) -> Marks:
    """Other bytes above the genuine version."""
    key = world.some_key(*_BATCHES)
    world.hand.put(key, _nonsense(world), world.now() + timedelta(days=50))
    return (key,)


@act()
def same_bytes_again(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    world.hand.put(key, world.hand.data(key), (world.now() + timedelta(days=40)).replace(microsecond=0))
    return ()


@act()
def same_bytes_again_for_ever(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    world.hand.put(key, world.hand.data(key))
    return (key,)


# genuine objects, gone or hidden


def _gone(world: World, *keys: str) -> Marks:
    for key in keys:
        world.hand.remove(key)
    return keys


@act()
def missing_batch(world: World) -> Marks:
    return _gone(world, _untouched(world)[-1])


@act()
def missing_first_batch(world: World) -> Marks:
    return _gone(world, _untouched(world)[0])


def _untouched(world: World) -> list[str]:
    """Batches in order of writing, the first or last of which is taken."""
    left = [key for key in world.keys(*_BATCHES) if key not in world.taken]
    if len(left) < 2:
        raise Unfit("no batches are left")
    world.taken.update((left[0], left[-1]))
    return left


@act()
def missing_large_object(world: World) -> Marks:
    return _gone(world, world.some_key("framed"))


@act()
def missing_manifest(world: World) -> Marks:
    return _gone(world, world.some_key("manifest"))


@act()
def missing_parts(world: World) -> Marks:
    return _gone(world, world.some_key("log"), world.some_key("evidence"))


@act(last=True)
def missing_writer(world: World) -> Marks:
    writer = world.some_key(*_BATCHES).split("/")[1]
    return _gone(world, *(key for key in world.keys() if f"/{writer}/" in key and key not in world.taken))


@act(last=True)
def everything_missing(world: World) -> Marks:
    return _gone(world, *(key for key in world.keys() if key not in world.taken))


@act("file")
def hidden_by_another_name(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    path = world.files.newest(key)
    path.rename(path.with_name(f"{path.name}.hidden"))
    return (key,)


@act("file")
def moved_to_another_folder(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    path = world.files.newest(key)
    target = path.parent.with_name("~9999999")
    target.mkdir(exist_ok=True)
    path.rename(target / path.name)
    return (key,)


@act("file", last=True)
def folder_of_a_writer_renamed(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    folder = world.files.folder(key).parent
    folder.rename(folder.with_name(_writer(world)))
    return (key,)


@act("file")
def permissions_taken(world: World) -> Marks:
    """Nothing for a product that runs as root, a missing object for one that does not."""
    key = world.some_key(*_BATCHES)
    world.files.newest(key).chmod(0)
    return () if os.geteuid() == 0 else (key,)


@act("file", last=True)
def rolled_back(world: World) -> Marks:
    """The whole site as it was before the last start of a node."""
    assert world.earlier is not None
    world.files.wipe()
    shutil.copytree(world.earlier, world.files.root)
    return (max(world.keys(*_BATCHES)),)


# locks


@act()
def batch_locked_for_ever(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    world.hand.prolong(key, FOR_EVER)
    return (key,)


@act()
def part_locked_for_ever(world: World) -> Marks:
    key = world.some_key(*_PARTS, "manifest", "framed")
    world.hand.prolong(key, FOR_EVER)
    return (key,)


@act()
def batch_locked_for_years(world: World) -> Marks:
    """Within what an original may be locked, and beyond what this batch may."""
    key = world.some_key(*_BATCHES)
    world.hand.prolong(key, (world.now() + timedelta(days=3000)).replace(microsecond=0))
    return (key,)


@act(last=True)
def everything_locked_for_ever(world: World) -> Marks:
    keys = [key for key in world.keys() if key not in world.taken]
    for key in keys:
        world.hand.prolong(key, FOR_EVER)
    return tuple(keys)


@act("file")
def lock_shortened(world: World) -> Marks:
    key = world.some_key(*_PARTS)
    world.files.shorten(key, world.now() + timedelta(days=1))
    return (key,)


@act("file")
def markers_with_odd_dates(world: World) -> Marks:
    path = world.files.newest(world.some_key(*_BATCHES))
    odd = ("00000101T000000Z", "99999999T999999Z", "20260230T000000Z", "00010101T000000Z")
    for date in odd:
        path.with_name(f"{path.name}~{date}").touch()
    return odd[:3]


@act("file")
def marker_of_nothing(world: World) -> Marks:
    path = world.files.new_path(world.some_key(*_BATCHES))
    marker = path.with_name(f"{path.name}~99981231T000000Z")
    marker.touch()
    return (marker.name,)


@act("file")
def marker_with_bytes_in_it(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    path = world.files.newest(key)
    path.with_name(f"{path.name}~99981231T235959Z").write_bytes(b"locked")
    return (key,)


# other things than files


def _instead(world: World, make: Callable[..., None]) -> Marks:
    key = world.some_key(*_BATCHES)
    link_in_place(world.files.newest(key), make)
    return (key,)


@act("file")
def link_to_a_file_of_the_host(world: World) -> Marks:
    return _instead(world, lambda path: path.symlink_to("/etc/hostname"))


@act("file")
def link_to_the_other_site(world: World) -> Marks:
    """What is read through it is right, and lies at one site only."""
    key = world.some_key(*_BATCHES)
    path = world.files.newest(key)
    there = world.home / "sites" / world.honest / path.relative_to(world.files.root).parent
    target = next(found for found in there.glob(f"{key.rpartition('/')[2]}~*"))
    link_in_place(path, lambda path: path.symlink_to(target.resolve()))
    return (key,)


@act("file")
def hard_link_under_another_name(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    name = parse(key)
    assert name is not None
    alias = key.replace(name.writer, _writer(world, first=True))
    world.files.new_path(alias).hardlink_to(world.files.newest(key))
    return (alias,)


@act("file")
def pipe(world: World) -> Marks:
    return _instead(world, os.mkfifo)


@act("file")
def device(world: World) -> Marks:
    """A file of endless zeros; without the right to make one, a link to it."""

    def make(path: os.PathLike[str]) -> None:
        try:
            os.mknod(path, 0o20666, os.makedev(1, 5))
        except PermissionError:
            os.symlink("/dev/zero", path)

    return _instead(world, make)


@act("file")
def socket_in_place_of_a_file(world: World) -> Marks:
    def make(path: os.PathLike[str]) -> None:
        short = world.home / "s"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(short))
        os.rename(short, path)

    return _instead(world, make)


@act("file")
def folder_in_place_of_a_file(world: World) -> Marks:
    return _instead(world, os.mkdir)


@act("file", last=True)
def file_in_place_of_a_folder(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    folder = world.files.folder(key)
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    return (key,)


@act("file")
def link_in_place_of_a_folder(world: World) -> Marks:
    """A folder of the host among the objects."""
    link = world.files.objects / "batch" / _writer(world)
    link.symlink_to("/proc/self")
    return (link.name,)


@act("file")
def folder_that_contains_itself(world: World) -> Marks:
    folder = world.files.objects / "batch" / _writer(world)
    folder.mkdir()
    (folder / "~0000000").symlink_to(folder)
    return (folder.name,)


@act("file")
def deep_folders(world: World) -> Marks:
    folder = world.files.objects / "deep"
    for _ in range(200):
        folder = folder / "d" * 4
        if len(str(folder)) > 3500:
            break
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"")
    return ("deep",)


@act("file")
def names_with_odd_bytes(world: World) -> Marks:
    folder = os.fsencode(world.files.folder(world.some_key(*_BATCHES)))
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


@act("file")
def size_of_gigabytes(world: World) -> Marks:
    """A sparse file under a name that fits the grammar."""
    key = key_of("batch", _writer(world), 0, "events", b"", world.random.randbytes(64))
    _sparse(world, key)
    return (key,)


@act("file")
def genuine_object_of_gigabytes(world: World) -> Marks:
    """A sparse file as the newest version of a genuine key."""
    key = world.some_key(*_BATCHES)
    _sparse(world, key)
    return (key,)


@act("file")
def genuine_manifest_of_gigabytes(world: World) -> Marks:
    key = world.some_key("manifest")
    _sparse(world, key)
    return (key,)


def _sparse(world: World, key: str) -> None:
    path = world.files.new_path(key, until=datetime(2040, 1, 1, tzinfo=UTC))
    with path.open("wb") as file:
        file.truncate(_HUGE)


@act("file", last=True)
def times_of_files_changed(world: World) -> Marks:
    for number, key in enumerate(key for key in world.keys() if key not in world.taken):
        moment = (0, 2**33)[number % 2]
        os.utime(world.files.newest(key), (moment, moment))
    return ()


@act("file")
def version_stored_in_the_future(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    data = world.hand.data(key)
    until = (world.now() + timedelta(days=40)).replace(microsecond=0)
    world.files.new_path(key, until, at=world.now() + timedelta(days=300_000)).write_bytes(data)
    return ()


@act("file")
def rubbish_beside_the_objects(world: World) -> Marks:
    (world.files.root / "tmp" / "0123456789abcdef").mkdir()
    (world.files.root / "tmp" / "0123456789abcdef" / "1").write_bytes(_nonsense(world))
    (world.files.root / "notes.txt").write_bytes(b"?")
    (world.files.objects / "notes.txt").write_bytes(b"?")
    return ("notes.txt",)


# the site itself


def _site_json(world: World, **fields: str) -> Marks:
    path = world.files.root / "site.json"
    with world.files.writable(path) as found:
        found.write_text(json.dumps({**json.loads(found.read_text()), **fields}))
    return ("",)


@act("file", useless=True)
def site_of_another_name(world: World) -> Marks:
    return _site_json(world, site=world.honest)


@act("file", useless=True)
def site_of_another_archive(world: World) -> Marks:
    return _site_json(world, archive=world.other.archive)


@act("file", useless=True)
def site_of_another_format(world: World) -> Marks:
    return _site_json(world, format="vanvault-file-site/2")


@act("file", useless=True)
def site_described_by_nonsense(world: World) -> Marks:
    with world.files.writable(world.files.root / "site.json") as path:
        path.write_bytes(b"\xff{" * 1000)
    return ("",)


@act("file", useless=True)
def site_described_by_gigabytes(world: World) -> Marks:
    with world.files.writable(world.files.root / "site.json") as path, path.open("wb") as file:
        file.truncate(_HUGE)
    return ("",)


@act("file", useless=True)
def site_described_by_a_pipe(world: World) -> Marks:
    link_in_place(world.files.root / "site.json", os.mkfifo)
    return ("",)


@act("file", useless=True)
def site_without_description(world: World) -> Marks:
    (world.files.root / "site.json").unlink()
    return ("",)


@act("file", useless=True)
def site_without_objects(world: World) -> Marks:
    shutil.rmtree(world.files.objects)
    return ("",)


@act("file", useless=True)
def site_gone(world: World) -> Marks:
    world.files.wipe()
    return ("",)


@act("file", useless=True)
def site_is_a_file(world: World) -> Marks:
    world.files.wipe()
    world.files.root.write_bytes(b"")
    return ("",)


# delete markers and versions of a bucket


@act("s3")
def delete_marker(world: World) -> Marks:
    return _gone(world, world.some_key(*_BATCHES))


@act("s3")
def version_without_a_lock(world: World) -> Marks:
    key = world.some_key(*_BATCHES)
    hand = world.buckets
    hand.client.put_object(Bucket=hand.bucket, Key=key, Body=hand.data(key))
    return (key,)


@act("s3")
def many_delete_markers(world: World) -> Marks:
    hand, key = world.buckets, world.some_key(*_BATCHES)
    for _ in range(20):
        hand.client.delete_object(Bucket=hand.bucket, Key=key)
    return (key,)


@act("s3")
def names_that_only_a_bucket_takes(world: World) -> Marks:
    hand = world.buckets
    for name in (
        "UPPER/case",
        "spaced out/name",
        "dots.../x",
        "q?&#%25/x",
        "<xml>&amp;/x",
        "long/" + "x" * 200,
    ):
        hand.client.put_object(Bucket=hand.bucket, Key=name, Body=b"?")
    return ("UPPER/case",)


@act("s3")
def legal_hold_on_a_batch(world: World) -> Marks:
    hand, key = world.buckets, world.some_key(*_BATCHES)
    hand.client.put_object_legal_hold(Bucket=hand.bucket, Key=key, LegalHold={"Status": "ON"})
    return ()


# answers of a server that are changed on their way


def _through_proxy(fault: Fault, *, named: bool = True, method: str = "", path: str = "") -> _Do:
    def tell(world: World) -> Marks:
        if world.proxy is None:
            raise Unfit("no proxy stands before this site")
        world.proxy.script(fault, method=method, path=path, times=10**9)
        return ("",) if named else ()

    return tell


ANSWERS: tuple[tuple[str, _Do], ...] = (
    ("answers-with-another-etag", _through_proxy(Fault.WRONG_ETAG, named=False)),
    ("answers-of-years-later", _through_proxy(Fault.WRONG_DATE)),
    ("answers-longer-than-their-bytes", _through_proxy(Fault.LONG, method="GET", path="batch/")),
    ("answers-without-an-end", _through_proxy(Fault.ENDLESS, method="GET", path="batch/")),
    ("answers-cut-off", _through_proxy(Fault.TRUNCATE, method="GET")),
    ("answers-with-a-flipped-bit", _through_proxy(Fault.WRONG_BYTES, method="GET")),
    ("pages-that-go-on-for-ever", _through_proxy(Fault.NEXT_PAGE, method="GET", path="versions")),
    ("refuses-everything", _through_proxy(Fault.EXPIRED)),
    ("says-it-is-busy", _through_proxy(Fault.SLOW_DOWN)),
    ("resets-connections", _through_proxy(Fault.RESET_BEFORE)),
)

for _name, _do in ANSWERS:
    ACTS[_name] = Act(_name, _do, ("s3",), useless=True, last=True)


# lies


def _lie(*kinds: str, named: bool = True) -> Callable[[World], tuple[str, Marks]]:
    """About one key of these kinds, or (none) about everything."""

    def choose(world: World) -> tuple[str, Marks]:
        key = world.some_key(*kinds) if kinds else ""
        return key, (key,) if named else ()

    return choose


#: Name, what it is about, whether the site may be out for it.
LIES: tuple[tuple[str, Callable[[World], tuple[str, Marks]], bool], ...] = (
    ("clock-ahead", _lie(), True),
    ("clock-behind", _lie(), True),
    ("clock-at-the-end-of-time", _lie(), True),
    ("hangs", _lie(), True),
    ("hangs-at-reads", _lie(), True),
    ("hangs-at-lists", _lie(), True),
    ("lists-nothing", _lie(), False),
    ("lists-backwards", _lie(), True),
    ("lists-the-first-for-ever", _lie(), True),
    ("lists-in-circles", _lie(), True),
    ("lists-beyond-what-was-asked", _lie(named=False), True),
    ("shows-strays-for-ever", _lie(), True),
    ("hides", _lie(*_BATCHES), False),
    ("denies", _lie(*_BATCHES), False),
    ("gives-other-bytes", _lie(*_ALL), False),
    ("gives-nothing", _lie(*_ALL), False),
    ("gives-more-than-asked", _lie(named=False), True),
    ("keeps-nothing", _lie(named=False), True),
    ("takes-nothing", _lie(named=False), True),
    ("extends-nothing", _lie(named=False), False),
    ("says-locks-for-ever", _lie(), False),
    ("says-nothing-is-locked", _lie(), False),
    ("says-all-is-empty", _lie(named=False), False),
    ("says-all-is-huge", _lie(), False),
    ("says-all-is-of-tomorrow", _lie(named=False), False),
)


def _telling(name: str, choose: Callable[[World], tuple[str, Marks]]) -> _Do:
    def tell(world: World) -> Marks:
        key, marks = choose(world)
        world.lies.tell(name, key)
        return marks

    return tell


for _name, _choose, _useless in LIES:
    ACTS[_name] = Act(_name, _telling(_name, _choose), ("file", "s3"), _useless, False)
