"""A receipt verifies with the public key alone; whatever is changed in it, it does not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable, VanVaultError
from vanvault.archiver.core.evidence import (
    Receipt,
    ReceiptTree,
    build_tree,
    receipts_statement,
    verify_receipt,
)
from vanvault.archiver.core.format.batches import columns_of
from vanvault.archiver.core.model import Entry, Event, Message, Metadata, Placement

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = "batch/0123456789abcdef/0000000001-" + "ab" * 32 + ".messages.parquet"
LARGE = "large/0123456789abcdef/0000000000-" + "cd" * 32 + ".framed"
PLACEMENTS = tuple(
    Placement(site, KEY, f"v-{site}", "2037-11-23T00:00:00Z") for site in ("primary", "standby")
)
LARGE_PLACEMENTS = tuple(
    Placement(site, LARGE, "v-1", "2037-11-23T00:00:00Z") for site in ("primary", "standby")
)


def public_key(key_id: str) -> Ed25519PublicKey:
    if key_id != "the-key":
        raise KeyUnavailable("not trusted here")
    return SIGNING.public_key()


def entry(number: int) -> Entry:
    shared = (f"0123456789abcdef-1-{number}", "gateway-1", f"id-{number}", 1_000_000 + number)
    digests = (number, bytes([number]) * 32, bytes([number]) * 64)
    if number % 3 == 1:
        return Event(*shared, 5, "dossier.received", "", "", Metadata(), "{}", *digests)
    return Message(*shared, "", *digests, Metadata(), "", LARGE if number % 3 == 2 else "", None)


def receipts_of(rows: int) -> list[Receipt]:
    tree = build_tree(
        [entry(number) for number in range(rows)],
        archive="archive-1",
        key=KEY,
        placements=PLACEMENTS,
        large=LARGE_PLACEMENTS,
        signing_key="the-key",
    )
    signature = SIGNING.sign(tree.statement)
    return [tree.receipt(row, signature) for row in range(rows)]


RECEIPTS = receipts_of(7)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_every_receipt_of_a_batch_verifies(rows: int) -> None:
    for number, receipt in enumerate(receipts_of(rows)):
        verify_receipt(receipt, public_key)
        verify_receipt(receipt, public_key, digests=(receipt["sha256"], receipt["sha512"]))
        assert len(receipt["placements"]) == (4 if number % 3 == 2 else 2)
        assert ("event_id" in receipt) == (number % 3 == 1)


@pytest.mark.parametrize("which", [0, 1])
def test_a_receipt_is_not_of_another_original(which: int) -> None:
    receipt = receipts_of(3)[0]
    digests = [receipt["sha256"], receipt["sha512"]]
    digests[which] = "00" * (len(digests[which]) // 2 - 1) + "01"
    with pytest.raises(Damaged, match="not of this original"):
        verify_receipt(receipt, public_key, digests=(digests[0], digests[1]))


def test_a_receipt_in_the_place_of_another_row_is_none() -> None:
    """Its path and its signature fit: only that it lies where it says tells which row it is of."""
    bodies = [
        {name: value for name, value in receipt.items() if name not in ("proof", "signature")}
        for receipt in RECEIPTS
    ]
    tree = ReceiptTree([bodies[1], bodies[0], *bodies[2:]])
    signature = SIGNING.sign(tree.statement)
    verify_receipt(tree.receipt(2, signature), public_key)
    for index in (0, 1):
        with pytest.raises(Damaged, match="another row"):
            verify_receipt(tree.receipt(index, signature), public_key)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a receipt, itself excepted."""
    if path:
        yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from places(member, (*path, name))


def parent_of(receipt: Receipt, path: tuple[Any, ...]) -> Any:
    found: Any = receipt
    for step in path[:-1]:
        found = found[step]
    return found


def delete(receipt: Receipt, path: tuple[Any, ...], data: st.DataObject) -> None:
    del parent_of(receipt, path)[path[-1]]


def replace(receipt: Receipt, path: tuple[Any, ...], data: st.DataObject) -> None:
    container = parent_of(receipt, path)
    value = container[path[-1]]
    # Another value of the same kind; 0 and "0" would be one number to a reader.
    other: st.SearchStrategy[Any] = (
        st.integers(-1, 200) if isinstance(value, int) else st.text("0123456789abcdefXYZ+/=", max_size=130)
    )
    container[path[-1]] = data.draw(other.filter(lambda drawn: drawn != value))


def add(receipt: Receipt, path: tuple[Any, ...], data: st.DataObject) -> None:
    receipt[data.draw(st.text("abc", min_size=8, max_size=9))] = "added"


@given(st.integers(0, 6), st.sampled_from([delete, replace, add]), st.data())
def test_whatever_is_changed_it_does_not_verify(
    row: int, change: Callable[[Receipt, tuple[Any, ...], st.DataObject], None], data: st.DataObject
) -> None:
    receipt = copy.deepcopy(RECEIPTS[row])
    path = data.draw(st.sampled_from(list(places(receipt))))
    change(receipt, path, data)
    with pytest.raises(VanVaultError) as caught:
        verify_receipt(receipt, public_key)
    assert isinstance(caught.value, (Damaged, InvalidInput, KeyUnavailable))


def test_a_receipt_of_one_row_does_not_pass_as_another() -> None:
    one, other = (copy.deepcopy(RECEIPTS[row]) for row in (0, 3))
    one["proof"] = other["proof"]
    with pytest.raises(Damaged):
        verify_receipt(one, public_key)


def test_a_receipt_is_not_proved_by_another_key() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(Damaged, match="signature"):
        verify_receipt(RECEIPTS[0], lambda _: stranger)
    with pytest.raises(KeyUnavailable):
        verify_receipt({**RECEIPTS[0], "signing_key": "another-key"}, public_key)


@pytest.mark.parametrize(
    "other", [{}, {"format": "x"}, {**RECEIPTS[0], "proof": []}, {**RECEIPTS[0], "signature": "*"}]
)
def test_what_is_no_receipt(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        verify_receipt(other, public_key)


def test_a_later_format_is_said() -> None:
    with pytest.raises(InvalidInput, match="format"):
        verify_receipt({**RECEIPTS[0], "format": "vanvault-receipt-v2"}, public_key)


@pytest.mark.parametrize("kind", ["messages", "events"])
@pytest.mark.parametrize("sites", [1, 2])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("rows", [1, 3, 50])
def test_the_statement_over_columns_is_that_of_the_receipts(
    kind: str, sites: int, copies: int, rows: int
) -> None:
    """Some rows lie in a large object, which may lie at fewer sites than their batch."""
    of_kind = [entry(n) for n in range(200) if isinstance(entry(n), Event) == (kind == "events")][:rows]
    facts: Any = {
        "archive": "archive-1",
        "key": KEY,
        "placements": PLACEMENTS[:sites],
        "large": LARGE_PLACEMENTS[:copies],
        "signing_key": "the-key",
    }
    expected = build_tree(of_kind, **facts).statement
    assert receipts_statement(columns_of(kind, of_kind), **facts) == expected
