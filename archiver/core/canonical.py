"""Canonical JSON (RFC 8785, JCS) for what VanVault signs and hashes: one value, one byte sequence.

The values are restricted so that every JSON library agrees on them: objects with ASCII keys, arrays,
strings of Unicode scalar values, integers that a double holds exactly (up to 2**53 - 1 either way), true,
false, null. No fractions: their spelling is where canonical forms go wrong.

orjson writes exactly the RFC's form for these: no white space; the short escapes and ``\\u00xx`` in lower
case for control characters, nothing else escaped; keys sorted by code point, which is the RFC's order by
UTF-16 code unit as long as keys are ASCII.
"""

from __future__ import annotations

from typing import Any

import orjson

from vanvault.archiver.core.errors import Damaged, InvalidInput

#: Values of the model, recursively: str, int, bool, None, list of and dict by str of the same.
Json = Any

DEPTH_LIMIT = 32

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: Json) -> bytes:
    """The canonical form, UTF-8. Raises InvalidInput for a value outside the restricted set."""
    _check(value, DEPTH_LIMIT)
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        # What is left: text with half a surrogate pair, or an integer that doubles do not hold.
        raise InvalidInput("A string or a number has no canonical JSON form.") from error


def canonical_flat(value: dict[str, Json]) -> bytes:
    """The canonical form of an object that this program built itself from texts and small integers.

    Skips the walk that ``canonical`` makes over foreign values; on such objects both give the same bytes.
    Raises InvalidInput.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise InvalidInput("A string or a number has no canonical JSON form.") from error


def written(value: Json) -> orjson.Fragment:
    """A value that stands in many objects, written once: ``canonical_flat`` takes it as a member.

    Raises InvalidInput.
    """
    return orjson.Fragment(canonical(value))


def parse_canonical(data: bytes) -> Json:
    """The value of bytes that ``canonical`` wrote. Raises Damaged for any other bytes.

    So duplicate keys, another order and other spellings cannot carry a second meaning past a signature.
    """
    try:
        value = orjson.loads(data)
        same = canonical(value) == bytes(data)
    except (orjson.JSONDecodeError, InvalidInput) as error:
        raise Damaged("This is not canonical JSON (RFC 8785).") from error
    if not same:
        raise Damaged("This JSON is not in its canonical form (RFC 8785).")
    return value


def _check(value: Json, depth: int) -> None:
    # By exact type: orjson would also write dataclasses, dates, enums, UUIDs and floats, each its own way.
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return
    if depth == 0:
        raise InvalidInput(f"Canonical JSON is at most {DEPTH_LIMIT} levels deep here.")
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise InvalidInput("The keys of canonical JSON are ASCII strings here.")
            _check(item, depth - 1)
    elif kind is list:
        for item in value:
            _check(item, depth - 1)
    else:
        raise InvalidInput(f"Canonical JSON has no {kind.__name__} here.")
