"""Bugs in ``archiver/people``."""

from __future__ import annotations

from tests.mutants.model import Mutant

MUTANTS = (
    Mutant(
        "token-dates-unchecked",
        "archiver/people/gateways.py",
        "Gateways.authenticate",
        "_check_dates(caller, clock.now())",
        "pass",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "token-good-at-its-end",
        "archiver/people/terms.py",
        "TokenTerms.state",
        "at >= self.not_after",
        "at > self.not_after",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "token-early-at-its-start",
        "archiver/people/terms.py",
        "TokenTerms.state",
        "at < self.not_before",
        "at <= self.not_before",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "token-with-any-scope",
        "archiver/people/terms.py",
        "TokenTerms.check_scope",
        "if scope not in self.scopes",
        "if False",
        ("tests/people/test_gateways.py", "tests/api/test_tokens.py"),
    ),
    Mutant(
        "token-from-anywhere",
        "archiver/people/terms.py",
        "TokenTerms.check_address",
        "if self.networks and not (",
        "if False and not (",
        ("tests/people/test_gateways.py", "tests/api/test_tokens.py"),
    ),
    Mutant(
        "token-from-nowhere",
        "archiver/people/terms.py",
        "TokenTerms.check_address",
        "address is not None and any(",
        "address is None or any(",
        ("tests/people/test_gateways.py", "tests/api/test_tokens.py"),
    ),
    Mutant(
        "gateway-name-given-again",
        "archiver/people/roster.py",
        "Roster.add",
        "if found is not None:\n            raise taken_by_removed(found.name, found.id)",
        "",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "gateway-removed-is-present",
        "archiver/people/roster.py",
        "Roster.present",
        "if one.removed_at is None",
        "if one",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "gateway-change-unseen",
        "archiver/people/gateways.py",
        "Gateways._now",
        "seen is None or seen.identity != identity",
        "seen is None",
        ("tests/people/test_gateways.py",),
    ),
    Mutant(
        "token-removal-on-record-ignored",
        "archiver/people/roster.py",
        "Roster.obey",
        "_obedient(one, tokens, removals.get(one.id))",
        "one",
        ("tests/people/test_gateways.py", "tests/recovery/test_gateways.py"),
    ),
    Mutant(
        "rotation-ends-nothing",
        "archiver/people/roster.py",
        "Roster.add_token",
        "_ended(one, others_end)",
        "one",
        ("tests/people/test_gateways.py",),
    ),
)
