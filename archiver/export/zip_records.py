"""The records of a ZIP file (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3). Pure.

``zipfile`` keeps every member in memory and cannot go on after a kill. With the records at hand, the
central directory grows in a file of its own, and both files are cut back to a checkpoint to resume.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STORED, DEFLATED = 0, 8

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IBBHHHHHIIIHHHHHII")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_END = struct.Struct("<IHHHHIIH")
_ZIP64 = 0x0001  # id of the extra field with 8-byte numbers
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_PLAIN, _BIG = 20, 45  # versions needed: deflate, ZIP64
_UNIX = 3
_MODE = 0o100644 << 16
#: The first and the last moment that a ZIP can name, in local time (4.4.6).
_FIRST, _LAST = datetime(1980, 1, 1), datetime(2107, 12, 31, 23, 59, 58)  # noqa: DTZ001 - DOS knows no zone
#: What local time is: Vietnam's, without summer time.
_VIETNAM = timedelta(hours=7)
_UNIX_TIME = struct.Struct("<HHBi")  # Info-ZIP's extra field "UT": seconds of UTC, up to 2038-01-19
_UT, _MODIFIED = 0x5455, 1
_MOST_UT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a ZIP."""

    name: str  # ASCII
    method: int
    crc: int
    size: int  # bytes before compression
    packed: int  # bytes as they lie in the file
    offset: int  # of its local header
    at_s: int = 0  # when it was made, in seconds since 1970 (UTC); 0: unknown

    @property
    def big(self) -> bool:
        """Too large for the 4-byte sizes."""
        return self.size >= _MAX32 or self.packed >= _MAX32


def dos_time(at_s: int) -> tuple[int, int]:
    """Time and date fields of a moment, in Vietnam's time, to the even second before it (4.4.6).

    A moment that a ZIP cannot name becomes the nearest that it can.
    """
    utc = datetime.fromtimestamp(max(0, min(at_s, 2**32 * 2)), UTC).replace(tzinfo=None)
    local = max(_FIRST, min(_LAST, utc + _VIETNAM)) if at_s else _FIRST
    time = local.hour << 11 | local.minute << 5 | local.second // 2
    return time, (local.year - 1980) << 9 | local.month << 5 | local.day


def _utc(member: Member) -> bytes:
    """The same moment in UTC, where that field can name it."""
    known = 0 < member.at_s <= _MOST_UT
    return _UNIX_TIME.pack(_UT, 5, _MODIFIED, member.at_s) if known else b""


def local_header(member: Member, *, big: bool | None = None) -> bytes:
    """What stands before the data; ``big`` (default: as needed) gives it room for 8-byte sizes."""
    wide = member.big if big is None else big
    name = member.name.encode("ascii")
    extra = struct.pack("<HHQQ", _ZIP64, 16, member.size, member.packed) if wide else b""
    extra += _utc(member)
    time, date = dos_time(member.at_s)
    sizes = (_MAX32, _MAX32) if wide else (member.packed, member.size)
    version = _BIG if wide else _PLAIN
    fixed = _LOCAL.pack(
        0x04034B50, version, 0, member.method, time, date, member.crc, *sizes, len(name), len(extra)
    )
    return fixed + name + extra


def central_record(member: Member) -> bytes:
    """The member's line in the central directory."""
    name = member.name.encode("ascii")
    numbers = (member.size, member.packed, member.offset)
    wide = [number for number in numbers if number >= _MAX32]
    extra = struct.pack(f"<HH{len(wide)}Q", _ZIP64, 8 * len(wide), *wide) if wide else b""
    extra += _utc(member)
    time, date = dos_time(member.at_s)
    size, packed, offset = (min(number, _MAX32) for number in numbers)
    version = _BIG if wide else _PLAIN
    fixed = _CENTRAL.pack(
        0x02014B50, version, _UNIX, version, 0, member.method, time, date, member.crc, packed, size,
        len(name), len(extra), 0, 0, 0, _MODE, offset,
    )  # fmt: skip
    return fixed + name + extra


def end_records(count: int, size: int, offset: int) -> bytes:
    """What ends the file, for ``count`` central records of ``size`` bytes that begin at ``offset``."""
    end = _END.pack(
        0x06054B50, 0, 0, min(count, _MAX16), min(count, _MAX16), min(size, _MAX32), min(offset, _MAX32), 0
    )
    if count < _MAX16 and size < _MAX32 and offset < _MAX32:
        return end
    end64 = _END64.pack(
        0x06064B50, _END64.size - 12, _UNIX << 8 | _BIG, _BIG, 0, 0, count, count, size, offset
    )
    return end64 + _LOCATOR.pack(0x07064B50, 0, offset + size, 1) + end
