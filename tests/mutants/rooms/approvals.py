"""Bugs in ``people/approvals``, in ``recovery/approvals``, and in the verbs that wait for approvals."""

from __future__ import annotations

from tests.mutants.model import Mutant

_JUDGING, _FOLD = "archiver/people/approvals/judging.py", "archiver/people/approvals/fold.py"
_NEED = "recovery/approvals/need.py"
_PURE = ("tests/people/approvals/test_judging.py",)
_TABLES = ("tests/people/approvals/test_table.py",)
_OPEN = ("tests/recovery/test_approvals.py",)
_VERBS = ("tests/cli/test_acts_that_ask.py",)

MUTANTS = (
    Mutant(
        "approved-by-oneself",
        _JUDGING,
        "may_vote",
        'if request.wish.requester in (account, f"os:{name}"):',
        "if False:",
        _PURE,
    ),
    Mutant(
        "approved-by-who-gains",
        _JUDGING,
        "may_vote",
        "if {account, name} & set(request.wish.beneficiaries):",
        "if False:",
        _PURE,
    ),
    Mutant(
        "approved-after-an-old-sign-on",
        _JUDGING,
        "_said",
        "-SKEW <= proof_age <= FRESH + SKEW",
        "True",
        _PURE,
    ),
    Mutant("approved-with-one-factor", _JUDGING, "_said", "vote.method in TWO_FACTORS", "True", _PURE),
    Mutant(
        "approved-before-the-role-came",
        _JUDGING,
        "_said",
        "_permits(people.known_at(vote.at), vote, vote.at)",
        "True",
        _PURE,
    ),
    Mutant(
        "approved-by-who-is-off-now",
        _JUDGING,
        "_votes_that_count",
        "_permits(people.now, vote, vote.at) and _permits(people.now, vote, now)",
        "True",
        _PURE,
    ),
    Mutant(
        "approved-after-its-time",
        _JUDGING,
        "_votes_that_count",
        "vote.at <= request.until",
        "True",
        _PURE,
    ),
    Mutant(
        "approved-by-one-where-nobody-known-asks",
        _JUDGING,
        "judge_request",
        "needed if is_person else max(needed, HUMANS)",
        "needed",
        _PURE,
    ),
    Mutant(
        "approved-for-ever",
        _JUDGING,
        "judge_request",
        "if now < good_until:",
        "if True:",
        _PURE,
    ),
    Mutant(
        "request-under-another-digest",
        _FOLD,
        "_requested",
        "if wish.digest != digest:",
        "if False:",
        _PURE,
    ),
    Mutant(
        "vote-on-another-form",
        _FOLD,
        "_said",
        'if _text(detail, "digest") != request.digest:',
        "if False:",
        _PURE,
    ),
    Mutant(
        "taken-back-by-anybody",
        _FOLD,
        "_said",
        'and _text(detail, "requester") == request.wish.requester',
        "",
        _PURE,
    ),
    Mutant(
        "table-weaker-by-fewer-approvals",
        "archiver/people/approvals/table.py",
        "ActRule.is_weaker",
        "self.approvals < other.approvals",
        "False",
        _TABLES,
    ),
    Mutant(
        "used-at-two-nodes",
        _NEED,
        "_check_alone",
        "if uses == [use]:",
        "if True:",
        _OPEN,
    ),
    Mutant(
        "used-while-a-site-is-away",
        _NEED,
        "_check_whole",
        "if unread and act not in _WITHOUT_A_SITE:",
        "if False:",
        _OPEN,
    ),
    Mutant(
        "table-for-two-people",
        "recovery/approvals/setting.py",
        "_check_people",
        "if len(able) >= table.least_people:",
        "if True:",
        _OPEN,
    ),
    Mutant(
        "table-weakened-by-one",
        "recovery/approvals/setting.py",
        "set_table",
        "table.is_weaker(known.table) and not escrow_set",
        "False",
        _OPEN,
    ),
    Mutant(
        "approver-s-credentials-ask-nobody",
        "cli/account_desk.py",
        "ask_for_roles",
        '(*_LETS_IN, "credential-set")',
        "_LETS_IN",
        _VERBS,
    ),
)
