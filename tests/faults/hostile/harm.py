"""Acts: genuine objects harmed, hidden, gone, or locked otherwise."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta

from tests.faults.hostile.hands import FOR_EVER
from tests.faults.hostile.table import (
    BATCHES,
    PARTS,
    Marks,
    Table,
    gone,
    needed,
    new_writer,
    nonsense,
    parquet,
)
from tests.faults.hostile.view import KINDS
from tests.faults.hostile.world import World

TABLE = Table()
_HUGE = 3 * 2**30  # bytes of a sparse file
_MANY = 2_000
_ALL = tuple(kind for _, kind in KINDS.values())

# genuine objects, harmed


def _changed(world: World, key: str, change: Callable[[bytes], bytes]) -> Marks:
    world.hand.change(key, change)
    return (key,)


@TABLE.act()
def cut_bytes(world: World) -> Marks:
    return _changed(world, world.some_key(*BATCHES), lambda data: data[: len(data) // 2])


@TABLE.act()
def extended_bytes(world: World) -> Marks:
    return _changed(world, world.some_key(*BATCHES), lambda data: data + b"\0" * 1000)


@TABLE.act()
def flipped_bit(world: World) -> Marks:
    return _changed(world, world.some_key(*_ALL), lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:])


@TABLE.act()
def no_bytes_left(world: World) -> Marks:
    return _changed(world, world.some_key(*_ALL), lambda data: b"")


@TABLE.act()
def bytes_of_another_master(world: World) -> Marks:
    return _changed(world, world.some_key("events"), lambda data: parquet("log/99", world))


@TABLE.act()
def swapped_bytes(world: World) -> Marks:
    one, other = world.take(*BATCHES, count=2)
    first, second = world.hand.data(one), world.hand.data(other)
    return _changed(world, one, lambda _: second) + _changed(world, other, lambda _: first)


@TABLE.act()
def swapped_parts(world: World) -> Marks:
    one, other = world.take("log") + world.take("evidence")
    first, second = world.hand.data(one), world.hand.data(other)
    return _changed(world, one, lambda _: second) + _changed(world, other, lambda _: first)


@TABLE.act()
def harmed_manifest(world: World) -> Marks:
    return _changed(
        world, world.some_key("manifest"), lambda data: data.replace(b'"messages":', b'"messages":9')
    )


@TABLE.act()
def harmed_evidence(world: World) -> Marks:
    return _changed(world, world.some_key("evidence"), lambda data: data[:-9])


@TABLE.act()
def harmed_large_object(world: World) -> Marks:
    return _changed(world, world.some_key("framed"), lambda data: data[:-1])


@TABLE.act()
def version_on_top(world: World) -> Marks:
    """Other bytes above the genuine version."""
    key = world.some_key(*BATCHES)
    world.hand.put(key, nonsense(world), world.now() + timedelta(days=50))
    return (key,)


@TABLE.act()
def same_bytes_again(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    world.hand.put(key, world.hand.data(key), (world.now() + timedelta(days=40)).replace(microsecond=0))
    return ()


@TABLE.act()
def same_bytes_again_for_ever(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    world.hand.put(key, world.hand.data(key))
    return (key,)


# genuine objects, gone or hidden


@TABLE.act()
def missing_batch(world: World) -> Marks:
    return gone(world, needed(world, -1))


@TABLE.act()
def missing_first_batch(world: World) -> Marks:
    return gone(world, needed(world, 0))


@TABLE.act()
def missing_large_object(world: World) -> Marks:
    return gone(world, world.some_key("framed"))


@TABLE.act()
def missing_manifest(world: World) -> Marks:
    return gone(world, world.some_key("manifest"))


@TABLE.act()
def missing_parts(world: World) -> Marks:
    return gone(world, world.some_key("log"), world.some_key("evidence"))


@TABLE.act(turn=1)
def missing_writer(world: World) -> Marks:
    writer = needed(world).split("/")[1]
    return gone(world, *(key for key in world.left() if f"/{writer}/" in key))


@TABLE.act(turn=1)
def everything_missing(world: World) -> Marks:
    must = world.needed()
    gone(world, *world.left())
    return tuple(must)


@TABLE.act("file")
def hidden_by_another_name(world: World) -> Marks:
    key = needed(world)
    path = world.files.newest(key)
    path.rename(path.with_name(f"{path.name}.hidden"))
    return (key,)


@TABLE.act("file")
def moved_to_another_folder(world: World) -> Marks:
    key = needed(world)
    path = world.files.newest(key)
    target = path.parent.with_name("~9999999")
    target.mkdir(exist_ok=True)
    path.rename(target / path.name)
    return (key,)


@TABLE.act("file", turn=1)
def folder_of_a_writer_renamed(world: World) -> Marks:
    key = needed(world)
    folder = world.files.newest(key).parent.parent  # the writer's; Unfit where an earlier act took it away
    folder.rename(folder.with_name(new_writer(world)))
    return (key,)


@TABLE.act("file")
def permissions_taken(world: World) -> Marks:
    """Nothing for a product that runs as root, a missing object for one that does not."""
    key = needed(world)
    world.files.newest(key).chmod(0)
    return () if os.geteuid() == 0 else (key,)


@TABLE.act("file", turn=-1)
def rolled_back(world: World) -> Marks:
    """The whole site as it was before the last start of a node."""
    assert world.earlier is not None
    world.files.wipe()
    shutil.copytree(world.earlier, world.files.root)
    return (needed(world, -1),)


# locks


@TABLE.act()
def batch_locked_for_ever(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    world.hand.prolong(key, FOR_EVER)
    return (key,)


@TABLE.act()
def part_locked_for_ever(world: World) -> Marks:
    key = world.some_key(*PARTS, "manifest", "framed")
    world.hand.prolong(key, FOR_EVER)
    return (key,)


@TABLE.act()
def batch_locked_for_years(world: World) -> Marks:
    """Within what an original may be locked, and beyond what this batch may."""
    key = world.some_key(*BATCHES)
    world.hand.prolong(key, (world.now() + timedelta(days=3000)).replace(microsecond=0))
    return (key,)


@TABLE.act(turn=1)
def everything_locked_for_ever(world: World) -> Marks:
    keys = world.left()
    for key in keys:
        world.hand.prolong(key, FOR_EVER)
    return tuple(keys)


@TABLE.act("file")
def lock_shortened(world: World) -> Marks:
    key = world.some_key(*PARTS)
    world.files.shorten(key, world.now() + timedelta(days=1))
    return (key,)


@TABLE.act("file")
def markers_with_odd_dates(world: World) -> Marks:
    path = world.files.newest(world.some_key(*BATCHES))
    odd = ("00000101T000000Z", "99999999T999999Z", "20260230T000000Z", "00010101T000000Z")
    for date in odd:
        path.with_name(f"{path.name}~{date}").touch()
    return odd[:3]


@TABLE.act("file")
def marker_of_nothing(world: World) -> Marks:
    path = world.files.new_path(world.some_key(*BATCHES))
    marker = path.with_name(f"{path.name}~99981231T000000Z")
    marker.touch()
    return (marker.name,)


@TABLE.act("file")
def marker_with_bytes_in_it(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    path = world.files.newest(key)
    path.with_name(f"{path.name}~99981231T235959Z").write_bytes(b"locked")
    return (key,)
