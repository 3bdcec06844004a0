"""Acts of a forger: he has one disclosed data key, or the log's master, and no signing key.

Half of them lie under names that nobody signed, so the gate of the sites sets them aside. The others lie
under names that are signed, as if the gate had let them through, and their data keys are wrapped for just
them under the right masters: what stands inside must prove itself, too. Such names prove, so copies of
these objects are no fault; that a row of them is believed would be one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.faults.hostile.forger import Opened, Row, forged_batch, material, opened, sealed
from tests.faults.hostile.hands import Unfit
from tests.faults.hostile.table import Act, Marks, Table, new_writer
from tests.faults.hostile.view import key_of, parse, statement
from tests.faults.hostile.world import World
from tests.support.archives import GATEWAY
from vanvault.archiver.core.times import to_us
from vanvault.archiver.export import unwrap_object

TABLE = Table()
_Change = Callable[[World, Row], None]


def disclosed(world: World, *kinds: str) -> tuple[str, Opened, bytes]:
    """A genuine object with a body in its first row, opened, and its data key (``vanvault keys unwrap``)."""
    for _ in range(20):
        key = world.random.choice(world.genuine(*kinds))
        with world.open() as archive:
            data_key = unwrap_object(archive, key).key
        found = opened(world.honest_hand.data(key), data_key)
        if "body" not in found.table.schema.names or found.table.column("body")[0].as_py() is not None:
            return key, found, data_key
    raise Unfit("no object has a body in its first row")


def named(world: World, signed: bool, family: str, writer: str, sequence: int, kind: str, data: bytes) -> str:
    """Put forged bytes; under a signed name, or one that nobody signed."""
    signature = world.random.randbytes(64)
    if signed:
        key = key_of(family, writer, sequence, kind, data, signature)
        name = parse(key)
        assert name is not None
        signature = _signing_key(world).sign(statement(name, world.estate.archive))
    key = key_of(family, writer, sequence, kind, data, signature)
    world.hand.put(key, data)
    (world.proved if signed else world.forged).add(key)
    return key


def _signing_key(world: World) -> Ed25519PrivateKey:
    newest = max((world.home / "keys").glob("signing-?.pem"))
    key = load_pem_private_key(newest.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _promotes(world: World, row: Row) -> None:
    """The standby leads from now on."""
    detail = {"approved_by": "", "epoch": 1, "leader": "standby", "plan": "0" * 16, "reason": "?", "who": "?"}
    row["gateway"], row["type"], row["actor"] = "vanvault", "vanvault.failover.promoted", "vanvault"
    row["event_id"] = f"failover.promoted-{world.random.randbytes(8).hex()}"
    row["detail"] = json.dumps(detail, sort_keys=True, separators=(",", ":"))


def _never_sent(world: World, row: Row) -> None:
    row["gateway"], row["message_id"], row["body"] = (
        GATEWAY,
        f"forged-{world.random.randrange(10**6)}",
        b"<forged/>",
    )


def _rival(world: World, row: Row) -> None:
    """The same id and bytes as a message that was acknowledged."""
    known = [one for one in world.model.promises.values() if one.kind == "message" and len(one.body) < 100]
    promise = world.random.choice(known)
    row["gateway"], row["message_id"], row["body"] = GATEWAY, promise.id, promise.body


def _contradiction(world: World, row: Row) -> None:
    """The id of a message that was acknowledged, with other bytes."""
    _rival(world, row)
    row["body"] += b"<!-- not what was sent -->"


def _under_disclosed_key(kind: str, change: _Change, signed: bool, first: bool, world: World) -> Marks:
    """``first``: by its writer's start and its time it comes before everything genuine."""
    _, genuine, data_key = disclosed(world, kind)
    writer = new_writer(world, first=first)
    data = forged_batch(
        genuine,
        data_key,
        writer=writer,
        sequence=0,
        now_us=1 if first else to_us(world.now()),
        change=partial(change, world),
        key_metadata=_wrapped_anew(world, signed, genuine, data_key, writer, 0, kind),
    )
    return (named(world, signed, "batch", writer, 0, kind, data),)


def _next_of_a_chain(signed: bool, world: World) -> Marks:
    """The event follows the last batch of a genuine writer, which it names."""
    _, genuine, data_key = disclosed(world, "events")
    last = parse(max(world.genuine("events", "messages")))
    assert last is not None
    data = forged_batch(
        genuine,
        data_key,
        writer=last.writer,
        sequence=last.sequence + 1,
        now_us=to_us(world.now()),
        change=partial(_promotes, world),
        previous=last.sha256,
        key_metadata=_wrapped_anew(
            world, signed, genuine, data_key, last.writer, last.sequence + 1, "events"
        ),
    )
    return (named(world, signed, "batch", last.writer, last.sequence + 1, "events", data),)


def _in_place_of_a_batch(signed: bool, world: World) -> Marks:
    """Another row under writer and sequence of a genuine batch, which is gone."""
    key, genuine, data_key = disclosed(world, "messages")
    if key in world.taken or key not in world.needed():
        raise Unfit("this batch was harmed already, or need not be there")
    world.taken.add(key)
    name = parse(key)
    assert name is not None
    data = forged_batch(
        genuine,
        data_key,
        writer=name.writer,
        sequence=name.sequence,
        now_us=to_us(world.now()),
        change=partial(_contradiction, world),
        previous=genuine.header["previous"],
        key_metadata=_wrapped_anew(world, signed, genuine, data_key, name.writer, name.sequence, "messages"),
    )
    world.hand.remove(key)
    return key, named(world, signed, "batch", name.writer, name.sequence, "messages", data)


def _under_log_master(signed: bool, world: World) -> Marks:
    _, genuine, _ = disclosed(world, "events")
    writer, data_key = new_writer(world), world.random.randbytes(32)
    key_metadata = material("log/1", wrapped(world, "log/1", data_key, "batch", writer, 0, "events"))
    data = forged_batch(
        genuine,
        data_key,
        writer=writer,
        sequence=0,
        now_us=to_us(world.now()),
        change=partial(_promotes, world),
        key_metadata=key_metadata,
    )
    return (named(world, signed, "batch", writer, 0, "events", data),)


def wrapped(
    world: World, master: str, data_key: bytes, family: str, writer: str, sequence: int, kind: str
) -> bytes:
    """The data key under a master, bound to the object that it is for (FORMAT.md, section 8)."""
    context = "\0".join((world.estate.archive, family, writer, f"{sequence:010d}", kind)).encode()
    with world.open() as archive:
        return archive.keys.wrap(master, data_key, context)


def _wrapped_anew(
    world: World, signed: bool, genuine: Opened, data_key: bytes, writer: str, sequence: int, kind: str
) -> bytes:
    """Key metadata that opens under this name, for a name that is signed; else the genuine object's."""
    if not signed:
        return genuine.key_metadata
    master = json.loads(genuine.key_metadata)["masterKeyID"]
    return material(master, wrapped(world, master, data_key, "batch", writer, sequence, kind))


def _segment(signed: bool, world: World) -> Marks:
    """A segment whose log names other messages, under the log's master; the manifest names its parts."""
    manifest_key = world.random.choice(world.genuine("manifest"))
    manifest = json.loads(world.honest_hand.data(manifest_key))
    name = parse(manifest_key)
    assert name is not None
    segment, marks = new_writer(world, first=True), []
    for number, part in enumerate(manifest["parts"]):
        data = world.honest_hand.data(part["key"])
        if part["kind"] == "log":
            with world.open() as archive:
                data_key = unwrap_object(archive, part["key"]).key
            genuine = opened(data, data_key)
            column = genuine.table.schema.get_field_index("message_id")
            ids = [f"forged-{text}" if text else "" for text in genuine.table.column(column).to_pylist()]
            field = genuine.table.schema.field(column)
            table = genuine.table.set_column(column, field, [ids])
            texts = dict(genuine.texts)
            header = json.loads(texts["vanvault.segment"]) | {"segment": segment}
            texts["vanvault.segment"] = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
            key_metadata = material(
                "log/1", wrapped(world, "log/1", data_key, "segment", segment, number, "log")
            )
            data = sealed(table, texts, data_key, key_metadata)
        key = named(world, signed, "segment", segment, number, part["kind"], data)
        part["key"], part["size"] = key, len(data)
        if part["chunks"]:
            pieces = [data[at : at + 2**16] for at in range(0, len(data), 2**16)]
            part["chunks"] = "".join(hashlib.sha256(piece).hexdigest()[:32] for piece in pieces)
        marks.append(key)
    manifest["segment"] = segment
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    marks.append(named(world, signed, "segment", segment, 3, "manifest", data))
    return tuple(marks)


#: What is forged; each under an unsigned and under a signed name.
FORGERIES: dict[str, Callable[[bool, World], Marks]] = {
    "forged-promotion": lambda signed, world: _under_disclosed_key("events", _promotes, signed, False, world),
    "forged-promotion-of-long-ago": lambda signed, world: _under_disclosed_key(
        "events", _promotes, signed, True, world
    ),
    "forged-promotion-in-a-chain": _next_of_a_chain,
    "forged-promotion-under-the-log-master": _under_log_master,
    "forged-message": lambda signed, world: _under_disclosed_key(
        "messages", _never_sent, signed, False, world
    ),
    "forged-rival": lambda signed, world: _under_disclosed_key("messages", _rival, signed, True, world),
    "forged-contradiction": lambda signed, world: _under_disclosed_key(
        "messages", _contradiction, signed, False, world
    ),
    "forged-batch-in-place-of-a-genuine-one": _in_place_of_a_batch,
    "forged-segment": _segment,
}

for _name, _forge in FORGERIES.items():
    for _signed in (False, True):
        _full = f"{_name}-under-a-signed-name" if _signed else _name
        TABLE.acts[_full] = Act(_full, partial(_forge, _signed), named=_signed)
