"""What a restore has to copy, as its one pass over the listings found it, in the order of use.

Kept are names, sizes, versions and dates of what is to be copied, and the manifests, which the plan has read
already; nothing of what is there. Up to ``MEMORY_BYTES`` of it lie in memory, what is beyond lies in a
temporary file without a name; besides, eight bytes an object and an entry for each segment and writer.
"""

from __future__ import annotations

import struct
import time
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, Any, cast

import orjson

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.times import from_us, to_us
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.objects import Copies

#: Of a work list, what lies in memory; about 500 bytes are needed for an object.
MEMORY_BYTES = 32 * 2**20
#: Manifests up to this size are kept with the list and not read a second time.
KEPT_BYTES = 64 * 2**10
#: Objects that are handed out together: the target's listing of a block that is no longer new is asked once.
BLOCK = 1000

_SIZES = struct.Struct("<II")  # bytes of the facts, and of the data behind them


@dataclass(frozen=True, slots=True)
class ToCopy:
    """One object that the target lacks, or holds under another size or a shorter lock."""

    copies: Copies
    signed: datetime | None = None  # the date in its segment's signed manifest
    compacted: bool = False  # a batch that a segment holds: once its lock is over, nobody needs it
    data: bytes = b""  # its checked bytes, where the plan has read them; b"": they are read when copied


@dataclass(slots=True)
class _Stage:
    """Objects that are due at the same time: their places in the file, grouped by owner, oldest first."""

    places: array[int]
    owners: array[int]  # index of each owner's first place
    last: str = ""  # the owner that came last


class WorkList:
    """Objects to copy by stage and owner. Filled by one thread, then read by one."""

    def __init__(
        self,
        source: str,
        target: str,
        stages: int,
        *,
        file: IO[bytes] | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """``file``: keeps it, and is closed with it; None: memory and a temporary file."""
        self._sites = (source, target)
        self._stages = [_Stage(array("Q"), array("Q")) for _ in range(stages)]
        self._file = file or cast("IO[bytes]", SpooledTemporaryFile(max_size=MEMORY_BYTES))  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._timer = timer
        self._listed_at = timer()

    @property
    def age_s(self) -> float:
        """Seconds since the listings began that it comes from."""
        return self._timer() - self._listed_at

    def add(self, stage: int, owner: str, item: ToCopy) -> None:
        """Note an object. Owners come in ascending order. Raises SettingsError, MachineLimit."""
        facts = orjson.dumps(
            [
                item.copies.key,
                to_us(item.signed) if item.signed is not None else None,
                item.compacted,
                *[[_packed(one) for one in item.copies.at.get(site, ())] for site in self._sites],
            ]
        )
        data = item.data if len(item.data) <= KEPT_BYTES else b""
        record = b"".join((_SIZES.pack(len(facts), len(data)), facts, data))
        try:
            self._file.write(record)
        except OSError as error:
            raise _failed(error) from error
        held = self._stages[stage]
        if owner != held.last:
            held.owners.append(len(held.places))
            held.last = owner
        held.places.append(self._end)
        self._end += len(record)

    def blocks(self, stage: int) -> Iterator[list[ToCopy]]:
        """What is due in a stage, newest owner first. Raises SettingsError, MachineLimit."""
        held = self._stages[stage]
        block: list[ToCopy] = []
        end = len(held.places)
        for start in reversed(held.owners):
            for place in held.places[start:end]:
                block.append(self._read(place))
                if len(block) == BLOCK:
                    yield block
                    block = []
            end = start
        if block:
            yield block

    def _read(self, place: int) -> ToCopy:
        try:
            self._file.seek(place)
            facts, data = _SIZES.unpack(self._file.read(_SIZES.size))
            key, signed, compacted, *sites = orjson.loads(self._file.read(facts))
            kept = self._file.read(data)
        except OSError as error:
            raise _failed(error) from error
        at = {
            site: tuple(_unpacked(key, one) for one in found)
            for site, found in zip(self._sites, sites, strict=True)
            if found
        }
        return ToCopy(Copies(key, at), from_us(signed) if signed is not None else None, compacted, kept)


def _packed(version: StoredVersion) -> Sequence[Any]:
    until = version.retain_until
    return (
        version.version,
        version.size,
        to_us(until) if until is not None else None,
        to_us(version.stored_at),
        version.held,
    )


def _unpacked(key: str, facts: Sequence[Any]) -> StoredVersion:
    version, size, until, stored_at, held = facts
    return StoredVersion(
        key, version, size, from_us(until) if until is not None else None, from_us(stored_at), held
    )


def _failed(error: OSError) -> SettingsError:
    """Raises MachineLimit: the disk is full, for instance."""
    raise_limit(error)
    return SettingsError(
        f"the list of what is to be copied cannot be kept in {gettempdir()}: {error.strerror}",
        hint="Set TMPDIR to a folder with room, about 500 bytes for each object, and start again.",
    )
