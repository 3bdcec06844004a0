"""Bugs in ``recovery/sign_on``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_TESTS = ("tests/recovery/test_sign_on.py",)
_BREAK_GLASS = ("tests/recovery/test_break_glass.py",)
_AUTHENTICATORS = ("tests/recovery/test_authenticators.py",)

MUTANTS = (
    Mutant(
        "code-of-another-node-forgotten",
        "recovery/sign_on/sign_ons.py",
        "SignOns._judged",
        "last_step=max(held.last_step, state.steps.get(account.id, 0))",
        "last_step=held.last_step",
        _TESTS,
    ),
    Mutant(
        "suspended-person-still-in",
        "recovery/sign_on/sign_ons.py",
        "SignOns.caller",
        "if not may_go_on(account, session, now):",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "provider-never-asked-again",
        "recovery/sign_on/sign_ons.py",
        "SignOns._check_standing",
        'if standing == "recheck":',
        "if False:",
        _TESTS,
    ),
    Mutant(
        "provider-says-no-and-the-session-lives",
        "recovery/sign_on/at_provider.py",
        "ProviderSignOns.recheck",
        'self._opening.end(SessionEnd("provider", now, session=session.id))',
        "pass",
        _TESTS,
    ),
    Mutant(
        "guesses-uncounted",
        "recovery/sign_on/opening.py",
        "SessionOpening.admit",
        "if wait > 0:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "name-that-may-be-a-password-recorded",
        "recovery/sign_on/sign_ons.py",
        "SignOns.local",
        "self._opening.refused(account, verdict.outcome, place)",
        "self._opening.refused(account, name, place)",
        _TESTS,
    ),
    Mutant(
        "password-of-before-put-back",
        "recovery/sign_on/sign_ons.py",
        "SignOns._keep_renewed",
        "if before.password == judged.password:",
        "if True:",
        _TESTS,
    ),
    Mutant(
        "another-nodes-refresh-token-forgotten",
        "recovery/sign_on/at_provider.py",
        "ProviderSignOns.recheck",
        "self._opening.tell(RENEWED, told)",
        "pass",
        _TESTS,
    ),
    Mutant(
        "beginnings-uncounted",
        "recovery/sign_on/opening.py",
        "SessionOpening.admit_beginning",
        "if wait > 0:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "counter-of-an-authenticator-forgotten",
        "recovery/sign_on/with_authenticator.py",
        "AuthenticatorSignOns._keep_counter",
        "if not used.counter:",
        "if True:",
        _AUTHENTICATORS,
    ),
    Mutant(
        "only-second-factor-removed",
        "recovery/sign_on/with_authenticator.py",
        "AuthenticatorSignOns.remove",
        "if self._settings.two_factors and not left.has_second_factor:",
        "if False:",
        _AUTHENTICATORS,
    ),
    Mutant(
        "anybodys-ticket-taken",
        "recovery/sign_on/with_authenticator.py",
        "AuthenticatorSignOns._of_ticket",
        'if told["for"] != purpose or',
        "if",
        _AUTHENTICATORS,
    ),
    Mutant(
        "test-credential-opens-a-session",
        "recovery/sign_on/break_glass.py",
        "BreakGlassSignOns.sign_on",
        "if found.test:",
        "if False:",
        _BREAK_GLASS,
    ),
    Mutant(
        "envelope-good-twice",
        "recovery/sign_on/break_glass.py",
        "read_break_glass",
        'state = "used" if id in uses else',
        "state =",
        _BREAK_GLASS,
    ),
    Mutant(
        "own-use-reviewed",
        "recovery/sign_on/envelopes.py",
        "review_break_glass",
        "if found.account == reviewer.id:",
        "if False:",
        _BREAK_GLASS,
    ),
)
