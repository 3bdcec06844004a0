"""The first receipt again, byte for byte, at any later time and whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from tests.support.archives import Home, Node, crash, event, message, rebuilt

from vanvault.archiver.core.evidence import Receipt, verify_receipt
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.core.model import Draft
from vanvault.archiver.keys import KeyFiles

BIG = b"<big>" + b"0123456789abcdef" * 100_000 + b"</big>"
DRAFTS: tuple[Draft, ...] = (message("m-1", b"<one/>"), event("e-1"), message("m-2", b"<two/>"))


def nothing(home: Home) -> None:
    """Only a restart."""


def lose_hot_tail(home: Home) -> None:
    home.forget_hot_tail()


def rotate_signing_key(home: Home) -> None:
    archive = home.archive()
    archive.signing.rotate(archive.entropy)


def rotate_master_keys(home: Home) -> None:
    keys = home.archive().keys
    assert isinstance(keys, KeyFiles)
    for purpose in PURPOSES:
        keys.rotate(purpose)


def rebuild_primary(home: Home) -> None:
    home.sites["primary"] = rebuilt(home.primary, home.clock)


def rebuild_standby(home: Home) -> None:
    home.sites["standby"] = rebuilt(home.standby, home.clock)


def one_year(home: Home) -> None:
    home.clock.advance(timedelta(days=365))


def clock_back(home: Home) -> None:
    """The host came back with a clock that the guard still allows; its ids now sort before the last start."""
    home.clock.advance(timedelta(seconds=-30))


def start_once(home: Home) -> None:
    """A start in between, which records what the last one could not."""
    with Node(home.archive()) as node:
        node.wait_ready()


Step = Callable[[Home], None]

AFTER_A_STOP: list[tuple[Step, ...]] = [
    (nothing,),
    (lose_hot_tail,),
    (rotate_signing_key,),
    (rotate_master_keys,),
    (rebuild_primary,),
    (rebuild_standby, lose_hot_tail),
    (rotate_signing_key, lose_hot_tail),
    (one_year, rotate_master_keys, rotate_signing_key, rebuild_primary, rebuild_standby, lose_hot_tail),
    (clock_back, start_once, rotate_signing_key, lose_hot_tail),
]
#: What the last objects of a crashed node were acknowledged with is on record only in the node's hot tail
#: until the next start; from then on it is in the archive.
AFTER_A_CRASH: list[tuple[Step, ...]] = [
    (nothing,),
    (lose_hot_tail,),
    (rotate_signing_key,),
    (rotate_master_keys,),
    (rebuild_primary,),
    (start_once, rebuild_primary, rotate_signing_key, lose_hot_tail),
    (lose_hot_tail, start_once, rebuild_primary, rotate_signing_key, lose_hot_tail),
    (clock_back, start_once, rotate_signing_key, lose_hot_tail),
    (clock_back, start_once, rebuild_standby, lose_hot_tail),
]
CASES = [(False, steps) for steps in AFTER_A_STOP] + [(True, steps) for steps in AFTER_A_CRASH]


def name_of(value: object) -> str:
    return (
        "-".join(step.__name__ for step in value)
        if isinstance(value, tuple)
        else ["stop", "crash"][bool(value)]
    )


@pytest.mark.parametrize(("crashed", "steps"), CASES, ids=name_of)
def test_the_first_receipt_again(home: Home, crashed: bool, steps: tuple[Step, ...]) -> None:
    node = Node(home.archive())
    node.wait_ready()
    drafts = [*DRAFTS, node.placed(message("m-3", BIG))]
    first = [orjson.dumps(node.push(draft)) for draft in drafts]
    if crashed:
        crash(node, home)
    else:
        node.stop()
    for step in steps:
        step(home)

    archive = home.archive()
    with Node(archive) as again:
        again.wait_ready()
        for draft, bytes_then in zip(drafts, first, strict=True):
            receipt = again.push(draft)
            assert orjson.dumps(receipt) == bytes_then
            verify_receipt(receipt, archive.signing.public, digests=digests(draft))
            assert orjson.dumps(archive.receipts.of(receipt["id"])) == bytes_then


def test_without_any_record_the_receipt_is_still_true(home: Home) -> None:
    """A crash, then the loss of the node's disk and of the signing key, before any start: the receipt is
    another one, but it names the same entry and verifies."""
    node = Node(home.archive())
    node.wait_ready()
    first = node.push(DRAFTS[0])
    crash(node, home)
    rotate_signing_key(home)
    lose_hot_tail(home)
    archive = home.archive()
    with Node(archive) as again:
        again.wait_ready()
        receipt: Receipt = again.push(DRAFTS[0])
    verify_receipt(receipt, archive.signing.public, digests=digests(DRAFTS[0]))
    changed = {name for name in first if first[name] != receipt[name]}
    assert changed == {"signing_key", "signature"}


def digests(draft: Draft) -> tuple[str, str]:
    return draft.sha256.hex(), draft.sha512.hex()
