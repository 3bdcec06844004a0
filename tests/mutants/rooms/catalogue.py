"""Bugs in ``archiver/catalogue``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_BLOCKS = "archiver/catalogue/hot_tail/token_blocks.py"
_FOLD = "archiver/catalogue/fold.py"
_BLOCK_TESTS = ("tests/catalogue/search/test_token_blocks.py",)
_FOLD_TESTS = ("tests/catalogue/search/test_fold.py",)

MUTANTS = (
    Mutant(
        "tokens-probed-for-nothing",
        _BLOCKS,
        "intersection",
        "if all(has(connection, token, position) for token in probed)",
        "if position",
        _BLOCK_TESTS,
    ),
    Mutant(
        "tokens-last-position-lost", _BLOCKS, "_ranges", "WHERE high >= ?", "WHERE high > ?", _BLOCK_TESTS
    ),
    Mutant("tokens-first-position-lost", _BLOCKS, "_bisect", "< wanted", "<= wanted", _BLOCK_TESTS),
    Mutant(
        "tokens-drop-misses-the-last",
        _BLOCKS,
        "drop_positions",
        "WHERE high >= ?",
        "WHERE high > ?",
        _BLOCK_TESTS,
    ),
    Mutant(
        "tokens-drop-misses-the-first", _BLOCKS, "drop_positions", "AND low <= ?", "AND low < ?", _BLOCK_TESTS
    ),
    Mutant(
        "tokens-merge-loses-a-block",
        _BLOCKS,
        "_merge",
        "for block in ids:",
        "for block in ids[1:]:",
        _BLOCK_TESTS,
    ),
    Mutant(
        "fold-complete-despite-skipped", _FOLD, "SiteFold.batches", " and not fold.skipped", "", _FOLD_TESTS
    ),
    Mutant(
        "fold-newest-version",
        _FOLD,
        "_oldest",
        "        held = version\n    if",
        "        held = held if held is not None and held.key == version.key else version\n    if",
        _FOLD_TESTS,
    ),
    Mutant(
        "index-filter-after-file",
        "archiver/catalogue/key_index.py",
        "KeyIndex._put",
        """            self._store.put(name + _FILTER, filter_path(path))
            self._store.put(name, path)
""",
        """            self._store.put(name, path)
            self._store.put(name + _FILTER, filter_path(path))
""",
        ("tests/catalogue/index/test_half_stored.py",),
    ),
    Mutant(
        "rollups-end-at-the-last-span",
        "archiver/catalogue/index/merge.py",
        "_merge_rollups",
        "end = max(last for _, last in spans)",
        "end = spans[-1][1]",
        ("tests/catalogue/index/test_rollups.py",),
    ),
    Mutant(
        "rollups-start-at-the-last-span",
        "archiver/catalogue/index/merge.py",
        "_merge_rollups",
        "day = min(first for first, _ in spans)",
        "day = spans[-1][0]",
        ("tests/catalogue/index/test_rollups.py",),
    ),
)
