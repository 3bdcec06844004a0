"""What a look is: one JSON object that comes back the same, an identity, and questions that find it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import AccessDenied, Damaged, NotFound
from vanvault.archiver.people.looks import (
    ACTS,
    OUTCOMES,
    Look,
    LookFilter,
    ReadTally,
    TalliedReads,
    Viewer,
    look_of,
    outcome_of,
)

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LAN = Viewer("lan", "account", "a-1", "10.0.0.7", 50123)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
NAMES = st.text("abc_", min_size=1, max_size=8)
LOOKS = st.builds(
    Look,
    st.builds(
        Viewer,
        WORDS,
        st.sampled_from(["account", "os-account", "token"]),
        WORDS,
        WORDS,
        st.integers(0, 65535),
        WORDS,
        st.lists(WORDS, max_size=2).map(tuple),
        WORDS,
    ),
    st.sampled_from(ACTS),
    st.dictionaries(NAMES, WORDS, max_size=4),
    st.sampled_from(OUTCOMES),
    st.lists(WORDS, max_size=4).map(tuple),
    st.integers(0, 10**9),
    WORDS,
    WORDS,
    WORDS,
)


@given(LOOKS.filter(lambda look: look.viewer.name != ""))
def test_a_look_comes_back_from_its_event_as_it_was(look: Look) -> None:
    assert look_of(orjson.loads(canonical(look.as_detail()))) == look


@given(LOOKS, st.integers(0, 86_399))
def test_the_same_request_on_the_same_day_is_the_same_look(look: Look, seconds: int) -> None:
    midnight = NOON.replace(hour=0)
    assert look.identity(midnight) == look.identity(midnight + timedelta(seconds=seconds))
    assert look.identity(midnight) != look.identity(midnight + timedelta(days=1))


@given(LOOKS, LOOKS)
def test_nothing_hides_behind_the_id_of_another_request(one: Look, other: Look) -> None:
    assert (one.identity(NOON) == other.identity(NOON)) == (one.as_detail() == other.as_detail())


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"who": "lan"},
        {"who": "lan", "by": "account", "act": "search", "outcome": "shown", "asked": ["a"]},
        {"who": "lan", "by": "account", "act": "search", "outcome": "shown", "asked": {"a": 1}},
        {"who": "lan", "by": "account", "act": "search", "outcome": "shown", "shown": [1]},
        {"who": "lan", "by": "account", "act": "search", "outcome": "shown", "count": "many"},
        {"who": 7, "by": "account", "act": "search", "outcome": "shown"},
    ],
)
def test_what_is_no_look_is_refused(detail: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        look_of(detail)


def test_only_what_the_viewer_may_not_see_is_refused() -> None:
    assert outcome_of(AccessDenied("no right", authenticated=True)) == "refused"
    assert outcome_of(NotFound("no such entry")) == "failed"


SEEN = Look(LAN, "search", {"employer_code": "TZ1234Z"}, shown=("w-1-0", "w-1-1"), count=2)
MISSED = Look(LAN, "original", {"id": "w-9-9"}, "failed", reason="not-found")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LookFilter(), [SEEN, MISSED]),
        (LookFilter(who="lan"), [SEEN, MISSED]),
        (LookFilter(who="minh"), []),
        (LookFilter(act="search"), [SEEN]),
        (LookFilter(outcome="failed"), [MISSED]),
        (LookFilter(entries={"w-1-1"}), [SEEN]),
        (LookFilter(entries={"w-9-9"}), [MISSED]),
        (LookFilter(entries=()), []),
        (LookFilter(entries=(), asked=[("employer_code", "tz1234z")]), [SEEN]),
        (LookFilter(who="minh", entries={"w-1-1"}), []),
    ],
)
def test_a_question_finds_the_looks_that_it_means(wanted: LookFilter, found: list[Look]) -> None:
    assert [look for look in (SEEN, MISSED) if wanted.matches(look)] == found


def test_reads_are_counted_by_gateway_act_outcome_token_and_address() -> None:
    tally = ReadTally()
    assert list(tally.details(NOON)) == []
    search = TalliedReads("ivan-1", "search", "shown", "t-1", "10.0.0.7")
    tally.add(search, 3, NOON)
    tally.add(search, 4, NOON + timedelta(seconds=5))
    tally.add(TalliedReads("ivan-1", "search", "refused", "t-1", "10.0.0.7"), 0, NOON)
    tally.add(TalliedReads("", "original", "refused", "", "192.0.2.9"), 0, NOON)
    strange, known = tally.details(NOON + timedelta(minutes=1))
    assert (strange["gateway"], known["gateway"]) == ("", "ivan-1")
    assert (known["from"], known["to"]) == ("2026-11-30T12:00:00Z", "2026-11-30T12:01:00Z")
    shown, refused = known["reads"]
    assert (shown["requests"], shown["entries"], shown["outcome"]) == (2, 7, "shown")
    assert (refused["requests"], refused["entries"], refused["outcome"]) == (1, 0, "refused")


def test_strangers_from_everywhere_fill_no_event() -> None:
    tally = ReadTally()
    for number in range(5000):
        tally.add(TalliedReads("", "search", "refused", "", f"10.0.{number // 256}.{number % 256}"), 0, NOON)
    (detail,) = tally.details(NOON)
    assert len(detail["reads"]) == 101
    assert sum(reads["requests"] for reads in detail["reads"]) == 5000
    assert detail["reads"][-1]["address"] == "others"
