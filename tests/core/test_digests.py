"""Both digests are those of all bytes, however they come."""

from __future__ import annotations

import hashlib

import pytest

from vanvault.archiver.core.digests import Digests

SIZES = (0, 1, 1_919, 1_920, 1_921, 2_048, 10_000, 128 * 1024, 128 * 1024 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_they_are_those_of_the_whole_in_one_piece_and_in_several(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    several = Digests()
    for at in range(0, size, 3_000):
        several.update(data[at : at + 3_000])
    expected = hashlib.sha256(data).digest(), hashlib.sha512(data).digest()
    assert (several.sha256, several.sha512) == expected
    whole = Digests(data)
    assert (whole.sha256, whole.sha512) == expected
