"""Acts at a bucket, and answers that are lies."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.hostile.hands import Unfit
from tests.faults.hostile.table import BATCHES, Act, Do, Marks, Table, gone, needed
from tests.faults.hostile.view import KINDS
from tests.faults.hostile.world import World
from tests.servers.fault_proxy import Fault

TABLE = Table()
_HUGE = 3 * 2**30  # bytes of a sparse file
_MANY = 2_000
_ALL = tuple(kind for _, kind in KINDS.values())

# delete markers and versions of a bucket


@TABLE.act("s3")
def delete_marker(world: World) -> Marks:
    return gone(world, needed(world))


@TABLE.act("s3")
def version_without_a_lock(world: World) -> Marks:
    key = world.some_key(*BATCHES)
    hand = world.buckets
    hand.client.put_object(Bucket=hand.bucket, Key=key, Body=hand.data(key))
    return (key,)


@TABLE.act("s3")
def many_delete_markers(world: World) -> Marks:
    hand, key = world.buckets, needed(world)
    for _ in range(20):
        hand.client.delete_object(Bucket=hand.bucket, Key=key)
    return (key,)


@TABLE.act("s3")
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


@TABLE.act("s3")
def legal_hold_on_a_batch(world: World) -> Marks:
    hand, key = world.buckets, world.some_key(*BATCHES)
    hand.client.put_object_legal_hold(Bucket=hand.bucket, Key=key, LegalHold={"Status": "ON"})
    return ()


# answers of a server that are changed on their way


def _through_proxy(fault: Fault, *, named: bool = True, method: str = "", path: str = "") -> Do:
    def tell(world: World) -> Marks:
        if world.proxy is None:
            raise Unfit("no proxy stands before this site")
        world.proxy.script(fault, method=method, path=path, times=10**9)
        return ("",) if named else ()

    return tell


ANSWERS: tuple[tuple[str, Do], ...] = (
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
    TABLE.acts[_name] = Act(_name, _do, ("s3",), useless=True)


# lies


def _lie(*kinds: str, named: bool = True) -> Callable[[World], tuple[str, Marks]]:
    """About one key of these kinds, or (none) about everything."""

    def choose(world: World) -> tuple[str, Marks]:
        key = "" if not kinds else needed(world) if kinds == BATCHES else world.some_key(*kinds)
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
    ("lists-nothing", _lie(), True),
    ("lists-backwards", _lie(), True),
    ("lists-the-first-for-ever", _lie(), True),
    ("lists-in-circles", _lie(), True),
    ("lists-beyond-what-was-asked", _lie(named=False), True),
    ("shows-strays-for-ever", _lie(), True),
    ("hides", _lie(*BATCHES), True),
    ("denies", _lie(*BATCHES), False),
    ("gives-other-bytes", _lie(*_ALL), False),
    ("gives-nothing", _lie(*_ALL), False),
    ("gives-more-than-asked", _lie(named=False), True),
    ("keeps-nothing", _lie(named=False), True),
    ("takes-nothing", _lie(named=False), True),
    ("extends-nothing", _lie(named=False), False),
    ("says-locks-for-ever", _lie(), False),
    ("says-nothing-is-locked", _lie(), True),
    ("says-all-is-empty", _lie(named=False), False),
    ("says-all-is-huge", _lie(), True),
    ("says-all-is-of-tomorrow", _lie(named=False), False),
)


def _telling(name: str, choose: Callable[[World], tuple[str, Marks]]) -> Do:
    def tell(world: World) -> Marks:
        key, marks = choose(world)
        world.lies.tell(name, key)
        return marks

    return tell


for _name, _choose, _useless in LIES:
    TABLE.acts[_name] = Act(_name, _telling(_name, _choose), ("file", "s3"), _useless)
