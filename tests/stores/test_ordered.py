"""A listing that is out of order is refused before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import SiteFaulty
from vanvault.archiver.stores.ordered import in_order


@dataclass(frozen=True)
class Shown:
    key: str
    version: str = "v1"


def listed(*keys: str, prefix: str = "", after: str = "") -> list[str]:
    return [line.key for line in in_order((Shown(key) for key in keys), "primary", prefix, after)]


def test_one_in_order_is_given_as_it_is() -> None:
    assert listed("a", "a-b/c", "a/b") == ["a", "a-b/c", "a/b"]
    assert listed("b/1", "b/2", prefix="b/", after="b/0") == ["b/1", "b/2"]


@pytest.mark.parametrize(
    ("keys", "prefix", "after"),
    [
        (("b", "a"), "", ""),
        (("a", "b", "a"), "", ""),
        (("a/1", "b/1"), "a/", ""),
        (("a/1",), "a/", "a/1"),
        (("a/1",), "a/", "a/2"),
    ],
    ids=["falls", "comes back", "leaves the prefix", "at its start", "before its start"],
)
def test_what_is_out_of_order_is_the_sites_fault(keys: tuple[str, ...], prefix: str, after: str) -> None:
    with pytest.raises(SiteFaulty, match="out of order") as caught:
        listed(*keys, prefix=prefix, after=after)
    assert caught.value.site == "primary"
    assert not caught.value.may_be_stored


def test_versions_without_end_are_the_sites_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vanvault.archiver.stores.ordered.MOST_VERSIONS", 3)
    lines = [Shown("a", f"v{n}") for n in range(4)]
    assert list(in_order(lines[:3], "primary", "", "")) == lines[:3]
    with pytest.raises(SiteFaulty, match="more than 3 versions"):
        list(in_order(lines, "primary", "", ""))
    with pytest.raises(SiteFaulty):
        list(in_order([Shown("a")] * 4, "primary", "", ""))  # the same one again and again


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), max_size=12))
def test_what_is_given_is_sorted_and_whole_or_refused(lines: list[tuple[str, str]]) -> None:
    shown = [Shown(key, version) for key, version in lines]
    keys = [key for key, _ in lines]
    if keys == sorted(keys):
        assert list(in_order(shown, "primary", "", "")) == list(dict.fromkeys(shown))
    else:
        with pytest.raises(SiteFaulty):
            list(in_order(shown, "primary", "", ""))
