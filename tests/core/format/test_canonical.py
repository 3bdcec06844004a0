"""Canonical JSON against a slow reference written from RFC 8785, and against what must be refused."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.canonical import DEPTH_LIMIT, canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput

#: Integers are below this, and above its negative: a double holds all of them exactly.
INTEGER_LIMIT = 2**53

_SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def reference(value: Any) -> str:
    """RFC 8785, sections 3.2.2 and 3.2.3, letter by letter."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(map(_escape, value)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(reference, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{reference(key)}:{reference(value[key])}" for key in keys) + "}"


def _escape(character: str) -> str:
    code = ord(character)
    return _SHORT.get(code) or (f"\\u{code:04x}" if code < 32 else character)


texts = st.text(st.characters(codec="utf-8"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(1 - INTEGER_LIMIT, INTEGER_LIMIT - 1)
    | texts
    | st.just("\x00\x1f\x7f")
)
keys = st.text(st.characters(max_codepoint=127), max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_the_form_is_that_of_the_rfc_and_comes_back(value: Any) -> None:
    data = canonical(value)
    assert data == reference(value).encode()
    assert parse_canonical(data) == value


def test_every_ascii_character_and_key_order() -> None:
    ascii_text = "".join(map(chr, range(128)))
    assert canonical(ascii_text) == reference(ascii_text).encode()
    spread = {chr(code): code for code in range(127, -1, -1)}
    assert canonical(spread) == reference(spread).encode()


class Colour(Enum):
    RED = 1


class Text(str):
    __slots__ = ()


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        INTEGER_LIMIT,
        -INTEGER_LIMIT,
        2**64,
        "\ud800",
        ["\udfff"],
        (1, 2),
        {1, 2},
        b"bytes",
        datetime(2026, 1, 1, tzinfo=UTC),
        uuid.UUID(int=1),
        Colour.RED,
        Text("x"),
        Point(1),
        {1: "x"},
        {None: 1},
        {Text("x"): 1},
        {"mã": 1},
    ],
    ids=repr,
)
def test_values_outside_the_set_are_refused_at_any_level(value: Any) -> None:
    for wrapped in (value, [value], {"a": [value]}):
        with pytest.raises(InvalidInput):
            canonical(wrapped)


def test_depth_is_bounded() -> None:
    value: Any = "x"
    for _ in range(DEPTH_LIMIT):
        value = [value]
    assert parse_canonical(canonical(value)) == value
    with pytest.raises(InvalidInput):
        canonical([value])
    with pytest.raises(Damaged):
        parse_canonical(b"[" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"a":1, "b":2}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u001F"',
        b"1.0",
        b"1e2",
        b"-0",
        b"9007199254740992",
        b'"\xff"',
        b'"\\ud800"',
        b"NaN",
        b"\xef\xbb\xbf1",
    ],
)
def test_other_spellings_are_not_read(data: bytes) -> None:
    with pytest.raises(Damaged):
        parse_canonical(data)
