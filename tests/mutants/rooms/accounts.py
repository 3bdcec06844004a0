"""Bugs in ``recovery/accounts``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_TESTS = ("tests/recovery/test_accounts.py",)

MUTANTS = (
    Mutant(
        "account-name-claimed-by-two-homes",
        "recovery/accounts/verbs.py",
        "_check_claimed_alone",
        "if others:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "gateway-under-an-account-s-name",
        "recovery/gateways/verbs.py",
        "_check_no_account",
        "if account is not None:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "account-verb-looks-at-no-site",
        "recovery/accounts/verbs.py",
        "_current",
        "desk.archive.refresh().away",
        "()",
        _TESTS,
    ),
    Mutant(
        "accounts-obeyed-for-ever",
        "recovery/accounts/view.py",
        "AccountsView._looked",
        "if seconds() - self._good_at > _STALE_S:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "accounts-known-before-a-fold",
        "recovery/accounts/view.py",
        "AccountsView._take",
        "if archive.behind:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "accounts-known-before-they-are-indexed",
        "recovery/accounts/view.py",
        "AccountsView._read_whole",
        "if before is None and record.is_passing:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "accounts-never-read-again",
        "recovery/accounts/view.py",
        "AccountsView._take",
        "elif folded != self._folded:",
        "elif False:",
        _TESTS,
    ),
    Mutant(
        "damage-takes-suspensions-away",
        "recovery/accounts/reading.py",
        "AccountRecord.after",
        "before.events | self.events",
        "self.events",
        _TESTS,
    ),
    Mutant(
        "gateways-unknown-until-on-record",
        "recovery/accounts/reading.py",
        "read_account_record",
        "{event.id: event for event in _unrecorded(archive)}",
        "{}",
        _TESTS,
    ),
    Mutant(
        "sign-ons-not-counted",
        "recovery/accounts/reading.py",
        "read_account_record",
        "seen[id] = max(at, seen.get(id, at))",
        "pass",
        _TESTS,
    ),
    Mutant(
        "suspension-waits-for-a-site",
        "recovery/accounts/verbs.py",
        "_record",
        "if any(one.kind not in _TAKING for one in changes):",
        "if True:",
        _TESTS,
    ),
    Mutant(
        "grant-at-one-site",
        "recovery/accounts/verbs.py",
        "_record",
        "if any(one.kind not in _TAKING for one in changes):",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "person-token-known-by-part-of-the-record",
        "recovery/person_tokens/view.py",
        "PersonTokensView._take",
        "if found.lacking:",
        "if False:",
        ("tests/recovery/test_person_tokens.py",),
    ),
    Mutant(
        "person-token-looked-for-at-each-request",
        "recovery/person_tokens/view.py",
        "PersonTokensView._look",
        "self._next_at = self._again_at",
        "self._next_at = 0.0",
        ("tests/recovery/test_person_tokens.py",),
    ),
)
