"""The form of an act, and of a table of acts."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.hostile.hands import Unfit
from tests.faults.hostile.view import ALPHABET
from tests.faults.hostile.world import World

#: Texts, such as a key or a path, of which the product must say afterwards that something is wrong with them
#: at the hostile site. An empty text asks only that something is said of the site. None at all: nobody can
#: tell what was done from what a site may rightly hold (the same bytes put again).
Marks = tuple[str, ...]
Do = Callable[[World], Marks]

BATCHES = ("messages", "events")
PARTS = ("log", "originals", "evidence")


@dataclass(frozen=True)
class Act:
    """One thing that may be done. It raises Unfit where nothing is left that it could be done to."""

    name: str
    do: Do
    stores: tuple[str, ...] = ("file", "s3")  # where it can be done
    useless: bool = False  # afterwards the site may rightly be out
    named: bool = False  # forged under a signed name: such acts have runs of their own
    turn: int = 0  # acts of a lower turn are done first: -1 changes the whole site, 1 takes all that is left

    @property
    def group(self) -> str:
        """Acts of one group go together into a run."""
        return "apart" if self.useless else "named" if self.named else "mixed"


@dataclass
class Table:
    """Acts by name."""

    acts: dict[str, Act] = field(default_factory=dict)

    def act(self, *stores: str, useless: bool = False, turn: int = 0) -> Callable[[Do], Do]:
        """Put a function into the table, under its own name."""

        def note(do: Do) -> Do:
            name = do.__name__.replace("_", "-")
            self.acts[name] = Act(name, do, stores or ("file", "s3"), useless=useless, turn=turn)
            return do

        return note


def new_writer(world: World, *, first: bool = False, milliseconds: int = 0) -> str:
    """A writer id that nobody has; ``first``: it sorts before all others."""
    ms = 1 if first else milliseconds or int(world.now().timestamp() * 1000)
    text = "".join(ALPHABET[ms >> (5 * place) & 31] for place in reversed(range(9)))
    return text + "".join(world.random.choice(ALPHABET) for _ in range(7))


def gone(world: World, *keys: str) -> Marks:
    """Let these keys be gone."""
    for key in keys:
        world.hand.remove(key)
    return keys


def needed(world: World, at: int | None = None) -> str:
    """A batch that must be there, untouched until now: one of them, the first (0) or the last (-1)."""
    left = world.needed()
    if not left:
        raise Unfit("no batch is left that must be there")
    key = world.random.choice(left) if at is None else left[at]
    world.taken.add(key)
    return key


def nonsense(world: World, size: int = 600) -> bytes:
    """Bytes of no meaning."""
    return world.random.randbytes(size)


def parquet(master: str, world: World, *, wrapped: int = 84) -> bytes:
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
    footer = crypto + nonsense(world)
    return b"PARE" + nonsense(world) + footer + struct.pack("<I", len(footer)) + b"PARE"
