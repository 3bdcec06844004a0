"""Bugs in ``recovery/custody``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "position-what-is-named-too-late",
        "recovery/custody/position.py",
        "_roots",
        "if one.made_us is not None and one.made_us < question.since_us:",
        "if True:",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-at-the-very-time",
        "recovery/custody/position.py",
        "_roots",
        "one.made_us < question.since_us",
        "one.made_us <= question.since_us",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-by-stores-unasked",
        "recovery/custody/position.py",
        "_roots",
        "if question.by_stores:",
        "if True:",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-by-stores-too-late",
        "recovery/custody/position.py",
        "_roots",
        "since < question.since_us",
        "True",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-withdraws-nothing",
        "recovery/custody/position.py",
        "plan_position",
        "signer == question.key_id and key not in named",
        "False",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-gone-waits",
        "recovery/custody/position.py",
        "plan_position",
        "key not in named and one.here",
        "key not in named",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "position-chain-forgotten",
        "recovery/custody/position.py",
        "_Chains.own",
        "one.own if before is None else (*one.own, before.key)",
        "one.own",
        ("tests/recovery/custody/test_position.py",),
    ),
    Mutant(
        "exposed-half-of-the-time",
        "recovery/custody/exposed.py",
        "_entries",
        "request.from_us <= us < request.to_us",
        "request.from_us < us < request.to_us",
        ("tests/recovery/custody/test_exposed.py",),
    ),
    Mutant(
        "exposed-large-forgotten",
        "recovery/custody/exposed.py",
        "_Found.what",
        "large in self.large or ",
        "",
        ("tests/recovery/custody/test_exposed.py",),
    ),
    Mutant(
        "exposed-one-site-is-believed",
        "recovery/custody/exposed.py",
        "_objects",
        "len(masters) > 1 or ",
        "",
        ("tests/recovery/custody/test_exposed.py",),
    ),
    Mutant(
        "stolen-key-signs-its-rotation",
        "recovery/custody/rotate.py",
        "rotate_keys",
        "if request.stolen:",
        "if False:",
        ("tests/cli/test_rotation.py",),
    ),
)
