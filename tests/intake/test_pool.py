"""A group leaves when everybody who was expected is there, and never much later than its first ticket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.support.archives import message
from tests.support.waiting import PATIENCE_S
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.options import PoolLimits
from vanvault.archiver.intake import Ticket
from vanvault.archiver.intake.pool import Pool

#: Longer than any test waits: a group that comes did not come by this.
_NEVER_S = 10 * PATIENCE_S
_SOON_S = 0.05


def ticket(number: int) -> Ticket:
    return Ticket(message(f"m-{number}", b"<one/>"), [])


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found


def pool_of(linger_s: float, entries: int = 10) -> Pool:
    return Pool(PoolLimits(linger_s, waiting_entries=entries))


def taken(pool: Pool, threads: ThreadPoolExecutor) -> Future[list[Ticket]]:
    return threads.submit(pool.take)


def test_the_last_that_was_on_its_way_ends_the_wait(threads: ThreadPoolExecutor) -> None:
    pool = pool_of(_NEVER_S)
    group = taken(pool, threads)
    pool.arriving(2)
    pool.add(ticket(1), more=True)
    pool.added(1)
    with pytest.raises(TimeoutError):
        group.result(_SOON_S)
    pool.add(ticket(2), more=True)
    pool.added(1)
    assert len(group.result(PATIENCE_S)) == 2


def test_who_is_on_its_way_for_long_is_not_waited_for(threads: ThreadPoolExecutor) -> None:
    pool = pool_of(_SOON_S)
    group = taken(pool, threads)
    pool.arriving(1)
    pool.add(ticket(1), more=True)
    pool.added()
    assert len(group.result(PATIENCE_S)) == 1


def test_a_request_that_comes_to_nothing_ends_the_wait(threads: ThreadPoolExecutor) -> None:
    pool = pool_of(_NEVER_S)
    group = taken(pool, threads)
    pool.arriving(1)
    pool.add(ticket(1))
    pool.arriving(-1)
    assert len(group.result(PATIENCE_S)) == 1


def test_too_many_and_a_closed_pool() -> None:
    pool = pool_of(_SOON_S, entries=1)
    pool.add(ticket(1), more=True)
    with pytest.raises(Busy, match="too many"):
        pool.add(ticket(2), more=True)
    pool.close()
    with pytest.raises(Busy, match="shutting down"):
        pool.add(ticket(3))
    assert [len(pool.take()), pool.take()] == [1, []]
