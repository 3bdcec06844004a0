"""What the objects of a writer say of each other, of the writers before it, and of what they commit."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from tests.support.archives import Home, Node, crash, event, message
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.format.batches import decode_batch
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.replicas.promised import read_whole


def headers(home: Home) -> dict[str, list[tuple[str, BatchHeader]]]:
    """Keys and headers by writer, each chain in order; writers in the order of their starts."""
    archive = home.archive()
    found: dict[str, list[tuple[str, BatchHeader]]] = {}
    for version in home.primary.list(batch_prefix()):
        data = read_whole(home.primary, version.key)
        batch = decode_batch(version.key, data, archive.parquet)
        times = [entry.received_us for entry in batch.entries]
        assert times == sorted(set(times))
        found.setdefault(batch.header.writer, []).append((version.key, batch.header))
    return found


def run(home: Home, number: int, *, killed: bool) -> list[Receipt]:
    home.clock.advance(timedelta(seconds=1))  # ids of writers sort by their starts
    node = Node(home.archive())
    node.wait_ready()
    group = [message(f"m-{number}", b"<x>%d</x>" % number), event(f"e-{number}")]
    receipts = [outcome for outcome, _ in node.submit(group)]
    if killed:
        crash(node, home)
    else:
        node.stop()
    assert all(isinstance(receipt, dict) for receipt in receipts)
    return receipts  # type: ignore[return-value]


def test_each_object_names_the_one_before_and_the_last_one_says_so(home: Home) -> None:
    run(home, 1, killed=False)
    ((chain,)) = headers(home).values()
    assert [header.sequence for _, header in chain] == list(range(len(chain)))
    previous = ""
    for key, header in chain:
        assert header.previous == previous
        previous = hashlib.sha256(read_whole(home.primary, key)).hexdigest()
    assert [header.final for _, header in chain] == [*[False] * (len(chain) - 1), True]
    times = [header.created_us for _, header in chain]
    assert times == sorted(set(times))


def test_a_writer_records_the_last_object_of_each_that_did_not_close(home: Home) -> None:
    """Else whoever removes the end of a chain leaves no trace."""
    run(home, 1, killed=True)
    run(home, 2, killed=False)
    run(home, 3, killed=True)
    run(home, 4, killed=False)
    first, _, third, fourth = headers(home).values()
    heads = [chain[0][1].heads for chain in headers(home).values()]
    assert heads == [(), (first[-1][0],), (), (third[-1][0],)]
    assert all(header.heads == () for _, header in fourth[1:])


def test_every_commit_is_on_record_in_a_later_object(home: Home) -> None:
    """With it, the first receipt can be given again when nothing else remembers it."""
    receipts = [*run(home, 1, killed=True), *run(home, 2, killed=False)]
    recorded = {
        commit.key: commit
        for chain in headers(home).values()
        for _, header in chain
        for commit in header.commits
    }
    for receipt in receipts:
        commit = recorded[receipt["object"]]
        assert commit.signing_key == receipt["signing_key"]
        named = [(placement.site, placement.version) for placement in commit.placements]
        assert named == [(one["site"], one["version"]) for one in receipt["placements"]]
