"""What only a holder of the keys could write: each lie inside an object is found by recomputing it.

The forged object takes the place of the last one of the last writer, so that nothing after it complains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.archives import SITES
from tests.support.lab import Lab, named
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import Batch, Entry, Message
from vanvault.archiver.stores import StoredVersion
from vanvault.recovery.verify.copies import short_locks

Change = Callable[[Batch], Batch]


def header(**fields: object) -> Change:
    return lambda batch: replace(batch, header=replace(batch.header, **fields))  # type: ignore[arg-type]


def row(index: int, **fields: object) -> Change:
    def change(batch: Batch) -> Batch:
        entries: list[Entry] = list(batch.entries)
        entries[index] = replace(entries[index], **fields)  # type: ignore[arg-type]
        return replace(batch, entries=tuple(entries))

    return change


def problems(lab: Lab, key: str) -> set[str]:
    """What is said about one object; the same at both sites."""
    found = [
        {problem for problem, where, about in named(lab.verify()) if (where, about) == (site, key)}
        for site in SITES
    ]
    assert found[0] == found[1]
    return found[0]


def test_the_forger_itself_is_not_the_flaw(lab: Lab) -> None:
    lab.forget()
    key = lab.forge(lab.chain(2)[-1], lambda batch: batch)
    assert problems(lab, key) == set()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (header(archive="another-archive"), "forged"),
        (header(writer="0" * 16), "forged"),
        (header(sequence=77), "forged"),
        (header(retain_until="some day"), "header"),
        (header(retain_until="2090-01-01T00:00:00Z"), "lock"),
        (header(previous="00" * 32), "chain"),
        (header(created_us=1), "chain"),
        (row(0, received_us=1), "chain"),
        (row(0, id="0000000000000000-0-0"), "digest"),
        (row(0, detail='{"forged":true}'), "digest"),
        (row(0, actor="somebody else"), "digest"),
        (row(0, occurred_us=10**17), "digest"),
        (row(0, size=1), "digest"),
        (row(0, sha256=bytes(32)), "digest"),
        (row(0, sha512=bytes(64)), "digest"),
    ],
)
def test_lies_in_an_events_batch(lab: Lab, change: Change, problem: str) -> None:
    lab.forget()
    key = lab.forge(lab.chain(2)[-1], change)
    assert problem in problems(lab, key)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (row(1, body=b"other bytes"), "digest"),
        (row(1, size=1), "digest"),
        (row(1, sha512=bytes(64)), "digest"),
        (row(1, body=None), "digest"),
        (row(1, large_object="large/0000000000000000/0000000000-00.framed"), "digest"),
        (row(2, received_us=1), "chain"),
    ],
)
def test_lies_in_a_messages_batch(lab: Lab, change: Change, problem: str) -> None:
    lab.forget()
    key = lab.forge(lab.chain(0)[1], change)
    assert problem in problems(lab, key)


@pytest.mark.parametrize("change", [{"sha256": bytes(32)}, {"sha512": bytes(64)}, {"size": 1}])
def test_a_row_that_describes_another_large_object(lab: Lab, change: dict[str, object]) -> None:
    lab.forget()
    large = lab.keys(family="large")[0]
    batch = next(
        key
        for key in lab.chain(0)
        if key.endswith("messages.parquet") and any(entry.large_object for entry in messages(lab, key))
    )
    lab.forge(batch, row(0, **change))
    assert problems(lab, large) == {"digest"}


def messages(lab: Lab, key: str) -> list[Message]:
    with lab.open() as archive:
        batch = decode_batch(key, lab.data("primary", key), archive.parquet)
    return [entry for entry in batch.entries if isinstance(entry, Message)]


def test_an_object_after_the_last_one_of_its_writer(lab: Lab) -> None:
    lab.forget()
    chain = lab.chain(0)
    lab.forge(chain[2], header(final=True))
    assert "chain" in problems(lab, chain[3])


def test_an_object_that_is_not_locked_at_all() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    (finding,) = short_locks("key", [("primary", StoredVersion("key", "v", 1, None, now))], None)
    assert (finding.problem, finding.site) == ("lock", "primary")
