"""The bounded cache: never larger than its limit, and what was used last stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.caches import BoundedCache

OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["get", "put", "remove"]), st.integers(0, 6), st.integers(0, 5))
)


@given(OPERATIONS, st.integers(0, 10), st.none() | st.integers(0, 6))
def test_it_holds_what_was_used_last_within_its_limit(
    operations: list[tuple[str, int, int]], limit: int, largest: int | None
) -> None:
    cache: BoundedCache[int, tuple[int, int]] = BoundedCache(limit, largest=largest)
    model: list[tuple[int, tuple[int, int]]] = []  # used longest ago first
    for turn, (name, key, size) in enumerate(operations):
        held = dict(model)
        if name == "get":
            assert cache.get(key) == held.get(key)
            if key in held:
                model = [one for one in model if one[0] != key] + [(key, held[key])]
        elif name == "remove":
            cache.remove(key)
            model = [one for one in model if one[0] != key]
        else:
            cache.put(key, (turn, size), size)
            model = [one for one in model if one[0] != key]
            if size <= (limit if largest is None else largest):
                model.append((key, (turn, size)))
            while sum(value[1] for _, value in model) > limit:
                model.pop(0)
        assert cache.size == sum(value[1] for _, value in model) <= limit


def test_without_sizes_the_limit_is_a_number_of_values() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_the_cache_keeps_what_was_used_last_within_its_limit() -> None:
    cache: BoundedCache[str, str] = BoundedCache(10)
    loaded: list[str] = []

    def ask(key: str, size: int = 4) -> str:
        def load() -> tuple[str, int]:
            loaded.append(key)
            return key, size

        return cache.get_or_load(key, load)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert ask(key) == key
    assert loaded == ["a", "b", "c", "b"]
    assert ask("large", 11) == "large"
    assert cache.size == 8


def test_a_value_is_loaded_once_while_it_is_held() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(10)
    loads: list[str] = []

    def load() -> tuple[bytes, int]:
        loads.append("load")
        return b"value", 5

    assert [cache.get_or_load("key", load) for _ in range(3)] == [b"value"] * 3
    assert loads == ["load"]
    cache.clear()
    assert cache.size == 0
    assert cache.get_or_load("key", load) == b"value"
    assert loads == ["load", "load"]


def test_what_cannot_be_loaded_is_not_held() -> None:
    cache: BoundedCache[str, int] = BoundedCache(1)

    def fail() -> tuple[int, int]:
        raise LookupError("away")

    with pytest.raises(LookupError):
        cache.get_or_load("key", fail)
    assert cache.get("key") is None


def test_a_value_that_is_too_large_is_given_but_not_held() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(100, largest=25)
    cache.put("key", b"old", 20)
    assert cache.get_or_load("large", lambda: (b"large", 26)) == b"large"
    assert cache.get("large") is None
    cache.put("key", b"new", 26)
    assert cache.get("key") is None, "a value that was replaced is never given again"


def test_many_threads_never_see_more_than_the_limit() -> None:
    cache: BoundedCache[int, int] = BoundedCache(50)

    def work(start: int) -> bool:
        for step in range(500):
            key = (start * 7 + step) % 40
            assert cache.get_or_load(key, lambda key=key: (key, 1 + key % 5)) == key  # type: ignore[misc]
        return cache.size <= 50

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert 0 < cache.size <= 50
