"""What no genuine object exceeds: sizes by the settings and the format, locks by the retention rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.names import batch_key, large_key, segment_key

from vanvault.archiver.core.names import ObjectName, new_writer_id, parse_key
from vanvault.archiver.core.object_limits import LockRules, ObjectSizes
from vanvault.archiver.core.options import PoolLimits
from vanvault.archiver.core.retention import profile, retain_until, with_years

NOW = datetime(2026, 11, 29, tzinfo=UTC)
STARTED = NOW - timedelta(days=200)
WRITER = new_writer_id(STARTED, bytes(5))
DIGEST = bytes(32)
FOR_EVER = datetime(9998, 12, 31, tzinfo=UTC)
RULES = LockRules()


def name_of(key: str) -> ObjectName:
    name = parse_key(key)
    assert name is not None
    return name


BATCH = name_of(batch_key(WRITER, 0, "messages", DIGEST))
LARGE = name_of(large_key(WRITER, 0, DIGEST))
PART = name_of(segment_key(WRITER, 0, "log", DIGEST))
MANIFEST = name_of(segment_key(WRITER, 3, "manifest", DIGEST))
NAMES = st.sampled_from((BATCH, LARGE, PART, MANIFEST))
MOMENTS = st.timedeltas(timedelta(days=-2000), timedelta(days=365 * 7900)).map(lambda gap: NOW + gap)


@given(NAMES, st.none() | MOMENTS, st.none() | MOMENTS)
def test_no_copy_is_ever_locked_beyond_the_longest_period(
    name: ObjectName, shown: datetime | None, signed: datetime | None
) -> None:
    until = RULES.of_copy(name, shown=shown, signed=signed, now=NOW)
    assert NOW < until <= RULES.longest(NOW)


@given(NAMES, MOMENTS)
def test_a_signed_date_decides_whatever_the_site_shows(name: ObjectName, shown: datetime) -> None:
    signed = NOW + timedelta(days=400)
    assert RULES.of_copy(name, shown=shown, signed=signed, now=NOW) == signed


@pytest.mark.parametrize("name", [BATCH, LARGE, PART, MANIFEST], ids=lambda name: name.kind)
def test_a_lock_for_ever_is_told_and_not_believed(name: ObjectName) -> None:
    assert RULES.is_beyond(name, FOR_EVER, None, NOW)
    believed = RULES.believed(name, FOR_EVER, NOW)
    assert believed is None or believed <= retain_until(RULES.profile.log, STARTED)


@pytest.mark.parametrize(
    ("name", "days"), [(BATCH, 45), (LARGE, 365 * 10), (PART, 365 * 10)], ids=["batch", "large", "part"]
)
def test_what_the_rules_can_have_asked_for_is_believed(name: ObjectName, days: int) -> None:
    shown = NOW + timedelta(days=days)
    assert RULES.believed(name, shown, NOW) == shown
    assert not RULES.is_beyond(name, shown, None, NOW)
    assert RULES.of_copy(name, shown=shown, signed=None, now=NOW) == shown


@pytest.mark.parametrize("shown", [None, FOR_EVER], ids=["nothing", "for ever"])
def test_a_batch_whose_site_tells_nothing_of_use_is_locked_as_a_new_one(shown: datetime | None) -> None:
    """So the copy is locked no less than the header asks for, which nobody has read yet."""
    until = RULES.of_copy(BATCH, shown=shown, signed=None, now=NOW)
    assert until == NOW.replace(microsecond=0) + RULES.batch_lock


def test_a_segment_is_counted_from_its_own_start_and_not_from_today() -> None:
    late = NOW + timedelta(days=365 * 11)
    assert RULES.believed(PART, late, NOW) == retain_until(RULES.profile.log, STARTED) < late
    later = NOW + timedelta(days=300)
    assert RULES.believed(PART, late, NOW) == RULES.believed(PART, late, later)


def test_a_date_that_a_signed_header_asks_for_is_not_beyond() -> None:
    shown = NOW + timedelta(days=300)
    assert RULES.is_beyond(BATCH, shown, None, NOW)
    assert not RULES.is_beyond(BATCH, shown, shown, NOW)


def test_longer_periods_of_the_settings_count() -> None:
    longer = LockRules(with_years(profile("QD08-2015"), originals=30))
    shown = NOW + timedelta(days=365 * 25)
    assert longer.believed(LARGE, shown, NOW) == shown
    assert longer.longest(NOW) > shown


def test_a_setting_that_is_lowered_makes_no_older_object_too_large() -> None:
    before = ObjectSizes.under(pool=PoolLimits(batch_bytes=2**30), max_message_bytes=2**30)
    after = ObjectSizes.under(pool=PoolLimits(batch_bytes=2**16), max_message_bytes=1024)
    for name in (BATCH, LARGE, PART, MANIFEST):
        assert after.of(name).greatest == before.of(name).greatest
        assert after.of(name).usual <= before.of(name).usual <= before.of(name).greatest
