"""A part is proved by what it decodes to: rows as they were gathered, bodies by what they hash to."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from vanvault.archiver.core.format.batches import digest_bodies
from vanvault.archiver.core.format.segments.schema import ORIGINALS
from vanvault.archiver.upkeep.compaction.steps import is_made_of

BODIES = [b"<one/>", b"", b"<three/>", b"<four/>"]


def table(bodies: list[bytes]) -> pa.Table:
    return pa.Table.from_arrays([pa.array(bodies, pa.binary())], schema=ORIGINALS)


@pytest.mark.parametrize(
    "found",
    [
        [[b"<one/>", b""], [b"<three/>", b"<five/>"]],
        [[b"<one/>", b""], [b"<three/>"]],
        [[b"<one/>", b""], [b"<three/>", b"<four/>", b""]],
        [[b"", b"<one/>"], [b"<three/>", b"<four/>"]],
        [],
    ],
    ids=["another body", "one less", "one more", "another order", "none"],
)
def test_other_bodies_prove_nothing(found: list[list[bytes]]) -> None:
    whole = table(BODIES)
    for rows in (digest_bodies([whole.column("body")]), whole):
        assert is_made_of(rows, [table(BODIES[:2]), table(BODIES[2:])])
        assert not is_made_of(rows, map(table, found))


def test_the_digests_are_sha_256_and_sha_512() -> None:
    found = digest_bodies([table(BODIES).column("body")])
    assert found.of(2) == (8, hashlib.sha256(BODIES[2]).digest(), hashlib.sha512(BODIES[2]).digest())
