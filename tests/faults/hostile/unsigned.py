"""Acts: objects that nobody signed, and genuine bytes under names that are not theirs."""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import timedelta

from tests.faults.hostile.hands import FileHand
from tests.faults.hostile.table import BATCHES, PARTS, Marks, Table, new_writer, nonsense, parquet
from tests.faults.hostile.view import ALPHABET, KINDS, key_of, parse
from tests.faults.hostile.world import World

TABLE = Table()
_HUGE = 3 * 2**30  # bytes of a sparse file
_ALL = tuple(kind for _, kind in KINDS.values())

# objects that nobody signed


def _made(world: World, family: str, kind: str, data: bytes, *, writer: str = "", sequence: int = 0) -> Marks:
    """An object whose name fits grammar and bytes, under a signature of nobody."""
    key = key_of(family, writer or new_writer(world), sequence, kind, data, world.random.randbytes(64))
    world.hand.put(key, data)
    return (key,)


@TABLE.act()
def junk_name(world: World) -> Marks:
    data = nonsense(world)
    key = f"junk/{hashlib.sha256(data).hexdigest()}.x"
    world.hand.put(key, data)
    return (key,)


@TABLE.act()
def name_without_a_folder(world: World) -> Marks:
    key = hashlib.sha256(b"").hexdigest()
    world.hand.put(key, b"")
    return (key,)


@TABLE.act()
def unsigned_name(world: World) -> Marks:
    data = parquet("log/1", world)
    key = f"batch/{new_writer(world)}/0000000000-{hashlib.sha256(data).hexdigest()}.events.parquet"
    world.hand.put(key, data)
    return (key,)


@TABLE.act()
def unknown_family(world: World) -> Marks:
    data = nonsense(world)
    key = key_of("batch", new_writer(world), 0, "events", data, world.random.randbytes(64))
    key = key.replace("batch/", "ledger/").replace(".events.parquet", ".entries")
    world.hand.put(key, data)
    return (key,)


@TABLE.act()
def family_with_another_suffix(world: World) -> Marks:
    data = nonsense(world)
    key = key_of("batch", new_writer(world), 0, "events", data, world.random.randbytes(64))
    key = key.replace(".events.parquet", ".framed")
    world.hand.put(key, data)
    return (key,)


@TABLE.act()
def batch_under_a_master_that_is_missing(world: World) -> Marks:
    return _made(world, "batch", "events", parquet("log/99", world))


@TABLE.act()
def batch_under_the_log_master(world: World) -> Marks:
    return _made(world, "batch", "events", parquet("log/1", world))


@TABLE.act()
def batch_under_a_master_of_no_purpose(world: World) -> Marks:
    return _made(world, "batch", "messages", parquet("../../etc/passwd", world))


@TABLE.act()
def batch_of_a_writer_of_long_ago(world: World) -> Marks:
    return _made(
        world, "batch", "messages", parquet("originals/1", world), writer=new_writer(world, first=True)
    )


@TABLE.act()
def batch_that_goes_on_after_a_genuine_one(world: World) -> Marks:
    """It takes the next sequence of a writer's chain."""
    name = parse(world.some_key(*BATCHES))
    assert name is not None
    data = parquet("log/1", world)
    return _made(world, "batch", "events", data, writer=name.writer, sequence=name.sequence + 1)


@TABLE.act()
def batch_that_begins_now(world: World) -> Marks:
    """Its writer started this moment: followers look for such."""
    data = parquet("log/1", world)
    return _made(world, "batch", "events", data, writer=new_writer(world))


@TABLE.act()
def batch_of_the_future(world: World) -> Marks:
    ms = int((world.now() + timedelta(days=20_000)).timestamp() * 1000)
    return _made(world, "batch", "events", parquet("log/1", world), writer=new_writer(world, milliseconds=ms))


@TABLE.act()
def batch_that_is_not_encrypted(world: World) -> Marks:
    return _made(world, "batch", "messages", b"PAR1" + nonsense(world) + b"PAR1")


@TABLE.act()
def batch_with_a_footer_longer_than_itself(world: World) -> Marks:
    return _made(world, "batch", "events", b"PARE" + nonsense(world) + struct.pack("<I", 2**31) + b"PARE")


@TABLE.act()
def empty_batch(world: World) -> Marks:
    return _made(world, "batch", "events", b"")


@TABLE.act()
def large_object_that_says_it_is_huge(world: World) -> Marks:
    header = b"VVFRAME1" + b"\x01" + bytes(7) + struct.pack(">IQQ", 2**26, 2**62, 2**62)
    data = header + b"\x0boriginals/1" + b"\x3d" + bytes(61) + bytes(64)
    return _made(world, "large", "framed", data)


@TABLE.act()
def segment_that_nobody_made(world: World) -> Marks:
    segment, marks = new_writer(world), list[str]()
    for number, kind in enumerate(PARTS):
        data = parquet("log/1", world)
        marks += _made(world, "segment", kind, data, writer=segment, sequence=number)
    return tuple(marks)


@TABLE.act()
def manifest_signed_by_nobody(world: World) -> Marks:
    """It claims all that the writers of the archive wrote."""
    manifest = json.loads(world.hand.data(world.some_key("manifest")))
    segment = new_writer(world, first=True)
    writers = sorted({name.writer for key in world.genuine(*BATCHES) if (name := parse(key))})
    manifest["covers"] = [{"writer": writer, "first": 0, "last": 9} for writer in writers]
    manifest["segment"], manifest["signature"] = segment, "00" * 64
    data = json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
    return _made(world, "segment", "manifest", data, writer=segment, sequence=3)


@TABLE.act()
def manifest_that_is_no_json(world: World) -> Marks:
    return _made(world, "segment", "manifest", b"[" * 20_000, sequence=3)


@TABLE.act()
def manifest_that_covers_more(world: World) -> Marks:
    """A genuine one, altered, under its own number and signature."""
    key = world.some_key("manifest")
    name = parse(key)
    assert name is not None
    data = world.hand.data(key).replace(b'"last":0', b'"last":9').replace(b'"rows":', b'"rows":1', 1)
    changed = key_of("segment", name.writer, name.sequence, "manifest", data, name.signature)
    world.hand.put(changed, data)
    return (changed,)


@TABLE.act()
def many_junk_names(world: World) -> Marks:
    keys = [f"junk/{number:04d}-{world.random.randbytes(32).hex()}.x" for number in range(_few(world))]
    for key in keys:
        world.hand.put(key, b"")
    return ("junk/",)


@TABLE.act()
def many_junk_writers(world: World) -> Marks:
    for _ in range(_few(world)):
        key = key_of("batch", new_writer(world), 0, "events", b"", world.random.randbytes(64))
        world.hand.put(key, b"")
    return ("batch/",)


@TABLE.act()
def many_objects_of_one_writer(world: World) -> Marks:
    """Among its genuine ones."""
    name = parse(world.some_key(*BATCHES))
    assert name is not None
    for number in range(_few(world)):
        data = b"%d" % number
        world.hand.put(
            key_of("batch", name.writer, number % 7, "events", data, world.random.randbytes(64)), data
        )
    return (name.writer,)


def _few(world: World) -> int:
    return world.many if hasattr(world.hand, "root") else 40


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


@TABLE.act()
def alias_of_another_writer(world: World) -> Marks:
    return _alias(world, world.some_key(*BATCHES), writer=new_writer(world))


@TABLE.act(turn=1)
def alias_of_the_first_writer(world: World) -> Marks:
    """Sorted before all genuine ones, it would stand in their place."""
    writer, marks = new_writer(world, first=True), list[str]()
    for key in world.left(*BATCHES):
        marks += _alias(world, key, writer=writer)
    return tuple(marks)


@TABLE.act()
def alias_of_another_genuine_writer(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    writers = sorted({other.split("/")[1] for other in world.genuine(*BATCHES)} - {key.split("/")[1]})
    return _alias(world, key, writer=world.random.choice(writers))


@TABLE.act()
def alias_of_another_sequence(world: World) -> Marks:
    return _alias(world, world.some_key(*BATCHES), sequence=77)


@TABLE.act()
def alias_of_another_kind(world: World) -> Marks:
    return _alias(world, world.some_key("messages"), kind="events")


@TABLE.act()
def alias_of_another_family(world: World) -> Marks:
    return _alias(world, world.some_key("messages"), family="large", kind="framed")


@TABLE.act()
def alias_of_a_large_object(world: World) -> Marks:
    return _alias(world, world.some_key("framed"), sequence=5)


@TABLE.act(turn=1)
def alias_of_a_segment(world: World) -> Marks:
    """All of a genuine segment under an id that is smaller, so that it would stand in its place."""
    segment, marks = new_writer(world, first=True), list[str]()
    for key in world.take("manifest") + world.take(*PARTS, count=3):
        marks += _alias(world, key, writer=segment)
    return tuple(marks)


@TABLE.act()
def alias_of_a_part(world: World) -> Marks:
    return _alias(world, world.some_key("log"), kind="evidence", sequence=2)


@TABLE.act()
def signature_spelled_otherwise(world: World) -> Marks:
    """The same signature with one of its unused bits set."""
    key = world.some_key(*BATCHES)
    data, (stem, _, suffix) = world.hand.data(key), key.partition(".")
    changed = f"{stem[:-1]}{ALPHABET[ALPHABET.index(stem[-1]) ^ 1]}.{suffix}"
    world.hand.put(changed, data)
    return (changed,)


@TABLE.act()
def signature_of_another_object(world: World) -> Marks:
    key, other = world.take(*BATCHES, count=2)
    name, lender = parse(key), parse(other)
    assert name and lender
    data = world.hand.data(key)
    changed = key_of(name.family, name.writer, name.sequence, name.kind, data, lender.signature)
    world.hand.put(changed, data)
    return (changed,)


@TABLE.act()
def batch_of_another_archive(world: World) -> Marks:
    return _foreign(world, *BATCHES)


@TABLE.act()
def large_object_of_another_archive(world: World) -> Marks:
    return _foreign(world, "framed")


@TABLE.act()
def segment_of_another_archive(world: World) -> Marks:
    return _foreign(world, "manifest", *PARTS)


def _foreign(world: World, *kinds: str) -> Marks:
    root = world.other.home / "sites" / "primary"
    theirs = FileHand(root, world.random, world.now)
    keys = [key for key in theirs.view() if (name := parse(key)) and name.kind in kinds]
    for key in keys:
        world.hand.put(key, theirs.data(key))
    return tuple(keys)
