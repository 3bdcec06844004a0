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
    Mutant(
        "duplicate-latest-stands",
        "archiver/catalogue/hot_tail/tail.py",
        "HotTail._settle_duplicates",
        "keep, drop = min(first, position), max(first, position)",
        "keep, drop = max(first, position), min(first, position)",
        ("tests/catalogue/search/test_hot_tail.py", "tests/catalogue/search/test_repeats.py"),
    ),
    Mutant(
        "conflict-hidden-as-a-duplicate",
        "archiver/catalogue/hot_tail/tail.py",
        "HotTail._settle_duplicates",
        "if digest != sha256:",
        "if False:",
        ("tests/catalogue/search/test_hot_tail.py", "tests/recovery/test_conflicts.py"),
    ),
    Mutant(
        "compacted-conflict-hidden",
        "archiver/catalogue/hot_tail/tail.py",
        "HotTail._repeats",
        "if entry.sha256 == first.sha256",
        "if True",
        (
            "tests/catalogue/search/test_repeats.py",
            "tests/upkeep/compaction/test_catalogue.py",
            "tests/catalogue/search/test_hot_tail.py",
        ),
    ),
    Mutant(
        "covered-batch-folded-again",
        "archiver/catalogue/hot_tail/tail.py",
        "HotTail._apply",
        "return False  # another process",
        "pass  # another process",
        ("tests/catalogue/search/test_receipts_again.py",),
    ),
    Mutant(
        "commit-of-fewer-copies-replaces",
        "archiver/catalogue/hot_tail/commits.py",
        "_replaces",
        "return len(commit.placements) > len(other.placements)",
        "return len(commit.placements) < len(other.placements)",
        ("tests/catalogue/search/test_commits.py",),
    ),
    Mutant(
        "degraded-forgotten",
        "archiver/catalogue/hot_tail/commits.py",
        "mark",
        "if is_degraded(placements, large)",
        "if False",
        ("tests/catalogue/search/test_commits.py",),
    ),
    Mutant(
        "early-commit-lost",
        "archiver/catalogue/hot_tail/commits.py",
        "take_early",
        "record(connection, decode_commit(orjson.loads(text)))",
        "pass",
        ("tests/catalogue/search/test_commits.py",),
    ),
    Mutant(
        "claim-of-another-gateway",
        "archiver/catalogue/claims.py",
        "Claims._among",
        '(row["entry"], row["gateway"], row[f"{entry}_id"]) == wanted',
        'row[f"{entry}_id"] == wanted[2]',
        ("tests/catalogue/search/test_unindexed.py",),
    ),
    Mutant(
        "claim-absent-without-an-index",
        "archiver/catalogue/claims.py",
        "Claims._check_complete",
        "if lacking or unheld",
        "if False",
        ("tests/catalogue/search/test_unindexed.py",),
    ),
    Mutant(
        "claim-surely-absent",
        "archiver/catalogue/claims.py",
        "Claims.recall",
        "self._index.surely_lacks(state.logs, kind, client_id)",
        "True",
        ("tests/catalogue/search/test_unindexed.py",),
    ),
    Mutant(
        "receipt-degraded-is-cached",
        "archiver/catalogue/receipts.py",
        "FirstReceipts._tree",
        "if built[0].degraded:",
        "if False:",
        ("tests/catalogue/search/test_receipts_again.py",),
    ),
    Mutant(
        "receipt-old-record-stands",
        "archiver/catalogue/receipts.py",
        "FirstReceipts._tree",
        "cached is not None and stands in (None, cached[1])",
        "cached is not None",
        ("tests/catalogue/search/test_receipts_again.py",),
    ),
    Mutant(
        "lost-batch-forgotten-after-a-fold",
        "archiver/catalogue/lost_batches.py",
        "note_lost",
        "if one.reason == _MISSING",
        "if one.reason == _AWAY",
        ("tests/catalogue/search/test_lost_batches.py",),
    ),
    Mutant(
        "lost-batch-told-without-its-hole",
        "archiver/catalogue/hot_tail/lost.py",
        "holes",
        "if first > held:",
        "if first > held + 1:",
        ("tests/catalogue/search/test_lost_batches.py",),
    ),
    Mutant(
        "lost-batch-stays-lost-once-folded",
        "archiver/catalogue/hot_tail/lost.py",
        "LostTable.of",
        "if connection.execute(_FOLDED, (writer, sequence)).fetchone():",
        "if False:",
        ("tests/catalogue/search/test_lost_batches.py",),
    ),
    Mutant(
        "forged-batch-counts-as-lost",
        _FOLD,
        "_BatchFold.apply",
        "if isinstance(error, Forged):",
        "if False:",
        ("tests/catalogue/search/test_lost_batches.py",),
    ),
    Mutant(
        "new-id-while-refolding",
        "archiver/catalogue/hot_tail/tail.py",
        "HotTail.claim",
        "if row is None and (self._file.joined or refolding.mark(connection)):",
        "if False:",
        ("tests/faults/test_damaged_cache.py",),
    ),
    Mutant(
        "search-form-keeps-case",
        "archiver/core/search_form.py",
        "search_form",
        "text = text.lower()",
        "pass",
        ("tests/core/test_search_form.py",),
    ),
    Mutant(
        "search-form-keeps-decomposed-text",
        "archiver/core/search_form.py",
        "search_form",
        'text = unicodedata.normalize("NFC", text)',
        "pass",
        ("tests/core/test_search_form.py",),
    ),
    Mutant(
        "fold-passes-over-a-hole",
        "archiver/catalogue/hot_tail/folded_to.py",
        "_count",
        "if first > number:",
        "if False:",
        ("tests/catalogue/test_folded_to.py",),
    ),
    Mutant(
        "hot-tail-counts-as-looked-at-after-a-kill",
        "archiver/catalogue/hot_tail/soundness.py",
        "FileUse._begun",
        "self._read() == self._seal()",
        "self._read() in (_OPEN, self._seal())",
        ("tests/catalogue/test_soundness.py",),
    ),
)
