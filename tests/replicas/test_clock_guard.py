"""The clock guard: which clock is off, and when nobody can tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.replicas import ClockVerdict
from vanvault.archiver.replicas.clock_guard import UNKNOWN

HOST = ClockVerdict.HOST
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SKEW = timedelta(seconds=30)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


# name: (host, primary, standby, last archived; seconds from noon), (ok, culprit)
CASES = {
    "all agree": ((0, 0, 0, -60), (True, "")),
    "at the edge": ((0, 30, 15, 30), (True, "")),
    "nothing archived yet": ((0, 1, -1, None), (True, "")),
    "no site answers": ((0, None, None, -5), (True, "")),
    "host ahead": ((3600, 0, 1, -60), (False, HOST)),
    "host behind": ((-3600, 0, 1, None), (False, HOST)),
    "primary ahead": ((0, 86_400 * 400, 2, -60), (False, "primary")),
    "standby behind": ((0, 1, -40, None), (False, "standby")),
    "two clocks that differ": ((0, 3600, None, None), (False, UNKNOWN)),
    "three clocks that all differ": ((0, 3600, 7200, None), (False, UNKNOWN)),
    "a chain of three, ends too far apart": ((0, 25, 50, None), (False, UNKNOWN)),
    "host set back before the archive": ((-3600, 0, 0, -60), (False, HOST)),
    "host set back, sites silent": ((-3600, None, None, 0), (False, HOST)),
    "all set back": ((-3600, -3600, -3600, 0), (False, UNKNOWN)),
    "two set back": ((-3600, -3600, 0, 0), (False, UNKNOWN)),
    "standby set back, two clocks": ((0, None, -3600, 0), (False, "standby")),
}


@pytest.mark.parametrize("name", CASES)
def test_each_case_of_clocks_has_its_verdict(name: str) -> None:
    (host, primary, standby, last), (ok, culprit) = CASES[name]
    verdict = ClockVerdict.of(
        NOON + timedelta(seconds=host), {"primary": at(primary), "standby": at(standby)}, at(last), SKEW
    )
    assert (verdict.ok, verdict.culprit) == (ok, culprit), verdict.detail


def test_the_detail_says_who_and_how_much() -> None:
    verdict = ClockVerdict.of(NOON, {"primary": at(3600), "standby": at(0)}, None, SKEW)
    assert "primary is off" in verdict.detail
    assert "3600 s apart; allowed: 30 s" in verdict.detail


spans = st.integers(-100_000, 100_000).map(lambda n: timedelta(milliseconds=n))


@given(host=spans, primary=st.none() | spans, standby=st.none() | spans, last=st.none() | spans)
def test_ok_means_exactly_that_all_agree_and_none_is_before_the_archive(
    host: timedelta, primary: timedelta | None, standby: timedelta | None, last: timedelta | None
) -> None:
    given_times = {"primary": primary, "standby": standby}
    sites = {name: None if span is None else NOON + span for name, span in given_times.items()}
    verdict = ClockVerdict.of(NOON + host, sites, None if last is None else NOON + last, SKEW)
    spans_known = [host, *(span for span in given_times.values() if span is not None)]
    agree = max(spans_known) - min(spans_known) <= SKEW
    forward = last is None or min(spans_known) >= last - SKEW
    assert verdict.ok == (agree and forward)
    assert (verdict.culprit == "") == verdict.ok
    assert verdict.culprit in ("", HOST, UNKNOWN, "primary", "standby")


@given(host=spans, primary=spans, standby=spans, shift=spans)
def test_only_differences_count(
    host: timedelta, primary: timedelta, standby: timedelta, shift: timedelta
) -> None:
    def verdict_at(base: datetime) -> tuple[bool, str]:
        found = ClockVerdict.of(
            base + host, {"primary": base + primary, "standby": base + standby}, None, SKEW
        )
        return found.ok, found.culprit

    assert verdict_at(NOON) == verdict_at(NOON + shift)


@given(off=st.integers(61, 10**9), near=st.integers(0, 30), sign=st.sampled_from((-1, 1)))
def test_one_clock_far_off_is_always_named(off: int, near: int, sign: int) -> None:
    for name in (HOST, "primary", "standby"):
        times = {HOST: NOON, "primary": NOON + timedelta(seconds=near), "standby": NOON}
        times[name] = NOON + timedelta(seconds=sign * off)
        verdict = ClockVerdict.of(times[HOST], {k: v for k, v in times.items() if k != HOST}, None, SKEW)
        assert verdict.culprit == name, verdict.detail
