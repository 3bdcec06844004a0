"""One share of an escrow key, as people keep it: words on paper, with a check on every line.

The escrow key (32 bytes) is split by SLIP-0039 (SatoshiLabs' Shamir scheme over GF(256), 33 words a share,
one group, no passphrase), so any tool of that standard opens the shares too. Around the words stands what
a custodian has to know. Data lines are ``label value check``, separated by white space; lines that begin
with ``#`` are for people::

    Archive  4f0c0b52-...             7k2m
    Set      9f3ac0d1e2b34455         0w8e
    Share    2 of 5                   t3qz
    Needed   3                        9v1c
    Made     2026-11-22T03:12:00Z     r5dn
    01       romp      acid  academic 2hx8
    ...
    11       ...

``check`` is 4 letters of Crockford's base32: the first 20 bits of SHA-256 over
``vanvault-share-line-v1``, the context, the label and the value, each after a zero byte, all in lower case
with single spaces. The context is empty for the lines above, and ``SET/NUMBER`` for lines of words. So a
typing error is found on its line, and a line of another share is refused. The QR code holds the same lines.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shamir_mnemonic import (
    EncryptedMasterSecret,
    MnemonicError,
    Share,
    recover_ems,
    split_ems,
)
from shamir_mnemonic.shamir import ShareGroup
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.key_port import KEY_BYTES

#: SLIP-0039 gives a share's number 4 bits. One share that opens everything would be a copy, not an escrow.
MOST_SHARES = 16
LEAST_THRESHOLD = 2
SET_ID_BYTES = 8

_WORDS = 33  # for 256 bits: 4 of parameters, 26 of value, 3 of checksum
_IN_LINE = 3
_WORD_LABELS = tuple(f"{line:02d}" for line in range(1, _WORDS // _IN_LINE + 1))
_HEAD_LABELS = ("archive", "set", "share", "needed", "made")
_LINE = re.compile(r"(\S+)\s+(\S.*?)\s+(\S{4})")
_HEAD = re.compile(r"[a-z0-9-]{1,64}\n[0-9a-f]{16}\n([0-9]{1,2}) of ([0-9]{1,2})\n([0-9]{1,2})\n.{20}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD = str.maketrans("ilo", "110")

_FOR_PEOPLE = """\
# VANVAULT KEY SHARE - MẢNH KHÓA VANVAULT
#
# With {threshold} of the {shares} shares of this set, whoever also holds the sealed
# bundle (escrow-bundle.vve) can read the whole archive. Keep this page locked
# away, apart from the other shares; show it to nobody except at a ceremony.
# Với {threshold} trong {shares} mảnh của bộ này và gói niêm phong (escrow-bundle.vve),
# người ta đọc được toàn bộ kho lưu trữ. Cất trang này trong két, tách khỏi
# các mảnh khác; chỉ đưa ra tại buổi kiểm tra hoặc khôi phục khóa.
#
# To use it, type the lines below into a file, or scan the QR code into one.
# Each line ends with its check: a typing error is found on its line.
# Khi dùng, gõ các dòng dưới đây vào một tệp, hoặc quét mã QR. Cuối mỗi dòng
# là mã kiểm tra: gõ sai dòng nào, chương trình báo dòng đó.
"""


@dataclass(frozen=True, slots=True)
class ShareSet:
    """What all shares of one split have in common, and their bundle with them."""

    archive: str
    set_id: str  # 16 hex digits, random
    threshold: int
    shares: int
    made: datetime  # UTC, whole seconds


@dataclass(frozen=True, slots=True, repr=False)
class KeyShare:
    """One share; its words are secret."""

    of: ShareSet
    number: int  # 1 to of.shares
    words: tuple[str, ...]


def check_numbers(threshold: int, shares: int) -> None:
    """Raises InvalidInput unless 2 <= threshold <= shares <= 16."""
    if not LEAST_THRESHOLD <= threshold <= shares <= MOST_SHARES:
        raise InvalidInput(
            f"{threshold} of {shares} shares cannot be made.",
            field="threshold",
            hint=f"At least {LEAST_THRESHOLD} must be needed, and at most {MOST_SHARES} made.",
        )


def split_key(key: bytes, of: ShareSet) -> tuple[KeyShare, ...]:
    """The shares of a 32-byte key, in order of their numbers. Raises InvalidInput (numbers).

    The library draws the random points from the operating system itself.
    """
    check_numbers(of.threshold, of.shares)
    sealed = EncryptedMasterSecret.from_master_secret(key, b"", _identifier(of), True, 0)
    (group,) = split_ems(1, [(of.threshold, of.shares)], sealed)
    return tuple(KeyShare(of, number, tuple(share.words())) for number, share in enumerate(group, 1))


def recover(shares: Sequence[KeyShare]) -> EncryptedMasterSecret:
    """The escrow key as SLIP-0039 holds it, from exactly ``threshold`` different shares of one set.

    Two results are equal exactly when their keys are. Raises InvalidInput when the shares do not fit.
    """
    group = ShareGroup()
    numbers = ", ".join(str(share.number) for share in shares)
    try:
        for share in shares:
            group.add(Share.from_mnemonic(" ".join(share.words)))
        return recover_ems({0: group})
    except MnemonicError as error:
        raise InvalidInput(
            f"Shares {numbers} are well written, but do not belong together: one of them is false.",
            field="share",
            hint="Try other shares of the set to find out which.",
        ) from error


def key_of(recovered: EncryptedMasterSecret) -> bytes:
    """The escrow key (32 bytes)."""
    key: bytes = recovered.decrypt(b"")
    return key


def page(share: KeyShare) -> str:
    """The share as a page of fixed-width text, at most 80 columns, for A4."""
    lines = "".join(f"{label:<9}{value:<49} {check}\n" for label, value, check in _lines(share, pad=True))
    return _FOR_PEOPLE.format(threshold=share.of.threshold, shares=share.of.shares) + "\n" + lines


def compact(share: KeyShare) -> str:
    """The same lines without what is for people: the content of the QR code."""
    return "".join(f"{label} {value} {check}\n" for label, value, check in _lines(share, pad=False))


def parse(text: str, name: str) -> KeyShare:
    """A share that was typed in or scanned; ``name`` is what errors call it (a file's name).

    Raises InvalidInput, which names every line that is wrong; what was typed is never repeated.
    """
    found = _read_lines(text, name)
    _refuse_wrong(found, _HEAD_LABELS, "", name)
    head = [found[label][0] for label in _HEAD_LABELS]
    match = _HEAD.fullmatch("\n".join(head))
    try:
        made = datetime.strptime(head[4].upper(), _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise _not_a_share(name) from error
    if match is None:
        raise _not_a_share(name)
    of = ShareSet(head[0], head[1], int(match[3]), int(match[2]), made)
    number = int(match[1])
    check_numbers(of.threshold, of.shares)
    _refuse_wrong(found, _WORD_LABELS, f"{of.set_id}/{number}", name)
    share = KeyShare(of, number, tuple(word for label in _WORD_LABELS for word in found[label][0].split()))
    _refuse_other_words(share, name)
    return share


def _lines(share: KeyShare, *, pad: bool) -> list[tuple[str, str, str]]:
    of = share.of
    values = (
        of.archive,
        of.set_id,
        f"{share.number} of {of.shares}",
        str(of.threshold),
        of.made.strftime(_TIME),
    )
    lines = [
        (label.capitalize(), value, _check("", label, value))
        for label, value in zip(_HEAD_LABELS, values, strict=True)
    ]
    for index, label in enumerate(_WORD_LABELS):
        words = share.words[index * _IN_LINE : (index + 1) * _IN_LINE]
        shown = "".join(f"{word:<13}" for word in words) if pad else " ".join(words)
        lines.append((label, shown, _check(f"{of.set_id}/{share.number}", label, " ".join(words))))
    return lines


def _check(context: str, label: str, value: str) -> str:
    text = "\0".join(("vanvault-share-line-v1", context, label, value)).lower()
    bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 12
    return "".join(_BASE32[bits >> shift & 31] for shift in (15, 10, 5, 0))


def _read_lines(text: str, name: str) -> dict[str, tuple[str, str]]:
    """Label -> (value, check), lower case."""
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(text.lower().splitlines(), 1):
        content = line.strip().lstrip("\ufeff")
        if not content or content.startswith("#"):
            continue
        match = _LINE.fullmatch(content)
        if match is None or match[1] not in _HEAD_LABELS + _WORD_LABELS:
            raise InvalidInput(
                f"Line {number} of {name} is not a line of a key share.",
                field="share",
                hint="A line is a label, its value and its check of 4 letters, as printed on the share.",
            )
        if match[1] in found:
            raise InvalidInput(f"{name} has the line {match[1]} twice.", field="share")
        found[match[1]] = (" ".join(match[2].split()), match[3].translate(_MISREAD))
    return found


def _refuse_wrong(found: dict[str, tuple[str, str]], labels: Sequence[str], context: str, name: str) -> None:
    missing = [label for label in labels if label not in found]
    if missing:
        raise InvalidInput(f"{name} lacks the line {', '.join(missing)} of a key share.", field="share")
    wrong = []
    for label in labels:
        value, check = found[label]
        if check != _check(context, label, value):
            words = value.split() if context else []
            unknown = [str(place) for place, word in enumerate(words, 1) if word not in WORD_INDEX_MAP]
            wrong.append(label + (f" (word {', '.join(unknown)})" if unknown else ""))
    if wrong:
        raise InvalidInput(
            f"{name} is mistyped on the line {'; '.join(wrong)}.",
            field="share",
            hint="Compare this line, its check included, with the paper.",
        )


def _refuse_other_words(share: KeyShare, name: str) -> None:
    """The words must be a SLIP-0039 share of exactly the number and set that the lines above them say."""
    try:
        held = Share.from_mnemonic(" ".join(share.words))
    except MnemonicError as error:
        raise _not_a_share(name) from error
    of = share.of
    said = (_identifier(of), of.threshold, share.number - 1, KEY_BYTES, 1)
    if said != (held.identifier, held.member_threshold, held.index, len(held.value), held.group_count):
        raise _not_a_share(name)


def _identifier(of: ShareSet) -> int:
    """SLIP-0039's own id of a set, 15 bits: too few to tell sets apart, so the set has a longer one."""
    return int(of.set_id[:4], 16) & 0x7FFF


def _not_a_share(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} is not a key share that this version can read.",
        field="share",
        hint="Its lines are as they were printed, but they do not make a share; use another one.",
    )
