"""The body of a batch request: entries come one at a time, and a bad request is refused as a whole."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest

from vanvault.api.batch_body import FRAMED, NDJSON, BatchEntry, encode_framed, parse_batch
from vanvault.archiver.core.errors import InvalidInput

ENTRIES = [({"message_id": f"m-{number}"}, b"<x>%d</x>" % number) for number in range(3)]


def lines(*fields: dict[str, object]) -> bytes:
    return b"\n".join(map(orjson.dumps, fields))


def test_entries_come_in_order_whatever_the_encoding() -> None:
    framed = list(parse_batch(encode_framed(ENTRIES), FRAMED, max_entries=3))
    assert [(one.fields, one.body) for one in framed] == ENTRIES
    sent = lines({"message_id": "m-0", "body": "PHgvPg=="}, {"message_id": "m-1", "body": "?"})
    first, second = parse_batch(sent, f"{NDJSON}; charset=utf-8", max_entries=2)
    assert first == BatchEntry({"message_id": "m-0"}, b"<x/>")
    assert second.problem is not None


@pytest.mark.parametrize(
    ("data", "content_type", "reason"),
    [
        (encode_framed(ENTRIES), FRAMED, "at most 2 entries"),
        (lines({}, {}, {}), NDJSON, "at most 2 entries"),
        (b"", FRAMED, "no entry"),
        (b" \n", NDJSON, "no entry"),
        (encode_framed(ENTRIES[:1])[:-1], FRAMED, "before its end"),
        (b"x", "text/plain", "a batch request is"),
    ],
)
def test_a_request_that_is_no_batch_is_refused_before_its_first_entry(
    data: bytes, content_type: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        next(parse_batch(data, content_type, max_entries=2))


def test_the_fields_of_one_entry_are_gone_before_those_of_the_next() -> None:
    """Fields of 200 kB of brackets take more than 6 MB when they are parsed: of a hundred entries, 600 MB."""
    data = encode_framed([({"x": [[]] * 66_000}, b"")] * 100)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert sum(1 for _ in parse_batch(data, FRAMED, max_entries=100)) == 100
        assert tracemalloc.get_traced_memory()[1] - before < 30 * 2**20
    finally:
        tracemalloc.stop()
