"""Bugs in ``recovery/verify``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_CHAINS, _CONTENTS, _FOLD = (
    "recovery/verify/chains.py",
    "recovery/verify/contents.py",
    "recovery/verify/fold.py",
)
_CHAIN_TESTS, _LARGE = ("tests/recovery/test_chains.py",), ("tests/recovery/test_large_rows.py",)

MUTANTS = (
    Mutant(
        "chain-after-the-end",
        _CHAINS,
        "Chain._link_flaws",
        "if self._final is not None and name.sequence > self._final",
        "if False",
        _CHAIN_TESTS,
    ),
    Mutant(
        "chain-equal-times",
        _CHAINS,
        "Chain._link_flaws",
        "content.first_us <= self._last_us",
        "content.first_us < self._last_us",
        _CHAIN_TESTS,
    ),
    Mutant(
        "chain-link-unchecked",
        _CHAINS,
        "Chain._link_flaws",
        "not self._follows(header.previous)",
        "False",
        _CHAIN_TESTS,
    ),
    Mutant(
        "chain-gap-unseen",
        _CHAINS,
        "Chain.add",
        "yield from self._missing(name.sequence, named)",
        "pass",
        _CHAIN_TESTS,
    ),
    Mutant(
        "chain-fork-unseen",
        _CHAINS,
        "Chain.add",
        "if name.sequence == self._next - 1",
        "if False",
        _CHAIN_TESTS,
    ),
    Mutant(
        "row-of-another-writer",
        _CONTENTS,
        "_matches",
        '(large.family, large.writer) == ("large", writer)',
        'large.family == "large"',
        _LARGE,
    ),
    Mutant("row-with-two-bodies", _CONTENTS, "_matches", "entry.body is None and ", "", _LARGE),
    Mutant("orphan-despite-unseen-rows", _FOLD, "Fold._large", " and self._all_rows_seen", "", _LARGE),
    Mutant(
        "orphan-unseen",
        _FOLD,
        "Fold._large",
        "if reference is None and self._whole_subset",
        "if False",
        _LARGE,
    ),
)
