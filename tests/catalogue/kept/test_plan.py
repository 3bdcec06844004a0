"""Which index files a site keeps when nodes make theirs by themselves, and when what is superseded goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.catalogue.kept.test_directory import file

from vanvault.archiver.catalogue.kept.directory import MOST_KEPT_FILES, KeptFile
from vanvault.archiver.catalogue.kept.plan import (
    GRACE,
    MOST_REMOVED,
    OwnFile,
    choose_files,
    leaving_since,
    removable,
    whole_files,
)

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


def kept(number: int, segments: str) -> KeptFile:
    return file(number, *((log, 1) for log in sorted(set(segments))))


def own(number: int, segments: str) -> OwnFile:
    one = kept(number, segments)
    return OwnFile(one.name, one.logs)


def chosen(theirs: list[KeptFile], ours: list[OwnFile]) -> tuple[list[str], list[str]]:
    found = choose_files(theirs, ours)
    return [one.name for one in found.kept], list(found.added)


def test_what_is_lacking_is_added() -> None:
    assert chosen([], [own(1, "ab")]) == ([], [own(1, "ab").name])
    assert chosen([kept(1, "ab")], [own(1, "ab"), own(2, "c")]) == ([own(1, "ab").name], [own(2, "c").name])


def test_a_merged_file_replaces_what_it_merged() -> None:
    assert chosen([kept(1, "ab"), kept(2, "c")], [own(9, "abc")]) == ([], [own(9, "abc").name])


def test_files_of_another_node_that_say_the_same_stay() -> None:
    assert chosen([kept(1, "abc")], [own(9, "abc")]) == ([kept(1, "abc").name], [])
    assert chosen([kept(1, "abc")], [own(8, "a"), own(9, "bc")]) == ([kept(1, "abc").name], [])


def test_a_node_that_knows_less_replaces_nothing() -> None:
    assert chosen([kept(1, "abc"), kept(2, "d")], [own(9, "ab")]) == (
        [kept(1, "abc").name, kept(2, "d").name],
        [],
    )


def test_of_files_that_each_know_something_the_larger_stay() -> None:
    assert chosen([kept(1, "abc")], [own(9, "cdef")]) == ([], [own(9, "cdef").name])
    assert chosen([kept(1, "abcd")], [own(9, "cde")]) == ([kept(1, "abcd").name], [])


def _disjoint(cut: list[set[str]]) -> list[str]:
    seen: set[str] = set()
    parts = []
    for part in cut:
        if part - seen:
            parts.append("".join(sorted(part - seen)))
        seen |= part
    return parts


groups = st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=4), max_size=5).map(_disjoint)


@given(groups, groups)
def test_two_nodes_settle_without_an_exchange(first: list[str], second: list[str]) -> None:
    """Whoever comes first: no segment is in two files, and nothing changes any more after a few rounds."""
    files = {kept(number, part).name: kept(number, part) for number, part in enumerate(first)}
    files |= {kept(number, part).name: kept(number, part) for number, part in enumerate(second, 50)}
    ours = [own(number, part) for number, part in enumerate(first)]
    theirs = [own(number, part) for number, part in enumerate(second, 50)]
    state: list[KeptFile] = []
    states = []
    for turn in range(8):
        found = choose_files(state, (ours, theirs)[turn % 2])
        state = [*found.kept, *(files[name] for name in found.added)]
        covered = [log for one in state for log in one.logs]
        assert len(covered) == len(set(covered))
        states.append({one.name for one in state})
    assert states[-1] == states[-2] == states[-3]
    if first or second:
        assert states[-1]


@given(groups)
def test_one_node_alone_is_level_after_one_round(parts: list[str]) -> None:
    ours = [own(number, part) for number, part in enumerate(parts)]
    found = choose_files([], ours)
    assert set(found.added) == {one.name for one in ours}


def test_a_file_of_another_size_or_without_its_filter_is_not_there() -> None:
    one = kept(1, "ab")
    listing = {one.name: one.size, f"{one.name}.filter": one.filter_size}
    assert whole_files([one], listing) == [one]
    assert whole_files([one], {**listing, one.name: one.size + 1}) == []
    assert whole_files([one], {one.name: one.size}) == []


def test_what_is_in_use_no_more_goes_after_its_grace_a_bounded_number_at_once() -> None:
    used, gone = kept(1, "a").name, kept(2, "b").name
    listing = [used, f"{used}.filter", gone, f"{gone}.filter", "note.txt", "directory.json"]
    first = leaving_since(listing, frozenset({used}), {}, NOW)
    assert first == {gone: "2026-11-30T08:00:00Z"}
    later = NOW + timedelta(hours=3)
    assert leaving_since(listing, frozenset({used}), first, later) == first
    assert removable(first, later) == []
    assert removable(first, NOW + GRACE) == [gone]
    flood = [kept(number, "a").name for number in range(10, MOST_KEPT_FILES + 20)]
    bounded = leaving_since([*flood, gone], frozenset({used}), first, later)
    assert len(bounded) == MOST_KEPT_FILES
    assert gone in bounded
    many = {kept(number, "a").name: "2026-11-01T00:00:00Z" for number in range(MOST_REMOVED + 5)}
    assert len(removable(many, NOW)) == MOST_REMOVED
