"""Names of a file site: keys, versions and dates to file names and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.stores import check_key
from vanvault.archiver.stores.files import layout

PARTS = st.from_regex(r"[a-z0-9._-]{1,40}", fullmatch=True).filter(lambda part: part not in (".", ".."))
KEYS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
SECONDS = st.integers(0, 8_000 * 365 * 86_400).map(
    lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
MILLISECONDS = st.integers(0, 2**45 - 1)
CHANCE = st.binary(min_size=4, max_size=4)


def test_an_example_of_every_name() -> None:
    key = "batch/0abcdefghjkmnpqr/0000012345-00ff.messages.parquet"
    version = layout.make_version(1_795_309_323_456, bytes(4), datetime(2037, 11, 23, 1, 2, 3, tzinfo=UTC))
    assert version.id == "1m80cch60000000-20371123T010203Z"
    assert layout.folder_of(key) == "batch/0abcdefghjkmnpqr/~0000012"
    assert layout.data_name(key, version.id) == f"0000012345-00ff.messages.parquet~{version.id}"
    marker = layout.marker_name(key, version.id, datetime(2040, 1, 1, tzinfo=UTC))
    assert marker == f"0000012345-00ff.messages.parquet~{version.id}~20400101T000000Z"
    assert layout.folder_of("short") == "~short"


@given(key=KEYS, stored_ms=MILLISECONDS, chance=CHANCE, until=SECONDS, later=SECONDS)
def test_names_are_read_back(
    key: str, stored_ms: int, chance: bytes, until: datetime, later: datetime
) -> None:
    version = layout.make_version(stored_ms, chance, until)
    shard = layout.last_part(layout.folder_of(key))
    data = layout.parse_file_name(layout.data_name(key, version.id), shard)
    marker = layout.parse_file_name(layout.marker_name(key, version.id, later), shard)
    assert layout.parse_version(version.id) == version
    last = layout.last_part(key)
    assert data == layout.FileName(last, version.id, version.stored_at, until, is_marker=False)
    assert marker == layout.FileName(last, version.id, version.stored_at, later, is_marker=True)
    assert layout.milliseconds(version.stored_at) == stored_ms


@given(one=MILLISECONDS, other=MILLISECONDS, chance=CHANCE, more=CHANCE, until=SECONDS, later=SECONDS)
def test_versions_sort_by_time(
    one: int, other: int, chance: bytes, more: bytes, until: datetime, later: datetime
) -> None:
    first, second = layout.make_version(one, chance, until), layout.make_version(other, more, later)
    if one != other:
        assert (first.id < second.id) == (one < other)


@given(key=KEYS)
def test_different_keys_never_share_a_file(key: str) -> None:
    check_key(key)
    version = layout.make_version(0, bytes(4), datetime(2036, 1, 1, tzinfo=UTC)).id
    path = f"{layout.folder_of(key)}/{layout.data_name(key, version)}"
    parents, shard, name = ("/" + path).rsplit("/", 2)
    assert f"{parents}/{name.partition('~')[0]}".lstrip("/") == key
    assert shard.startswith("~")
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0000012345-00ff",
        "0000012345-00ff~",
        "0000012345-00ff~1m80cch600000000-20371123T010203Z",
        "0000012345-00ff~1m80cch60000000-20371323T010203Z",
        "0000012345-00ff~1m80cch60000000-20371123T010203Z~",
        "0000012345-00ff~1m80cch60000000-20371123T010203Z~20370231T000000Z",
        "0000012345-00ff~1m80cch60000000-20371123T010203Z~20400101T000000Z~x",
        "0000012345-00ff~1m80cch6000000u-20371123T010203Z",
        "0000099345-00ff~1m80cch60000000-20371123T010203Z",
        "0000012345-00ff~1m80cch60000000-20371123T010203Z\n",
    ],
)
def test_foreign_names_are_not_read(name: str) -> None:
    assert layout.parse_file_name(name, "~0000012") is None


@given(stem=KEYS, prefix=KEYS, after=KEYS, rest=st.from_regex(r"[a-z0-9._/-]{0,8}", fullmatch=True))
def test_pruning_never_loses_a_key(stem: str, prefix: str, after: str, rest: str) -> None:
    key = stem + rest
    for start in (prefix, key[: len(prefix)]):
        for bound in (after, key[:-1], key[: len(after)], ""):
            if key.startswith(start) and key > bound:
                assert layout.may_hold(stem, start, bound)
