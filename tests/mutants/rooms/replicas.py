"""Bugs in ``archiver/replicas``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PLACING, _POLICY = "archiver/replicas/placing.py", "archiver/replicas/policy.py"
_PLACED, _ASKED = ("tests/replicas/test_placing.py",), ("tests/replicas/test_policy.py",)

MUTANTS = (
    Mutant(
        "receipt-without-the-leader",
        _POLICY,
        "AckPolicy.refusal",
        "leadership.leader in whole_at if leadership.alone else bool(whole_at)",
        "bool(whole_at)",
        _ASKED,
    ),
    Mutant(
        "receipt-degraded-for-all",
        _POLICY,
        "AckPolicy.refusal",
        "self.admits_degraded(gateway)",
        "True",
        _ASKED,
    ),
    Mutant(
        "open-without-the-leader",
        _POLICY,
        "AckPolicy.check_open",
        "self.admits_degraded(gateway) and not unled",
        "self.admits_degraded(gateway)",
        _ASKED,
    ),
    Mutant(
        "on-without-the-leader",
        _POLICY,
        "AckPolicy.goes_on_without",
        " and not (leadership.alone and leadership.leader == site)",
        "",
        _ASKED,
    ),
    Mutant(
        "held-under-a-shorter-lock",
        _PLACING,
        "find_held",
        "version.retain_until < retain_until",
        "False",
        _PLACED,
    ),
    Mutant(
        "held-with-other-bytes",
        _PLACING,
        "find_held",
        "if holds(site, version, sha256)",
        "if version",
        _PLACED,
    ),
    Mutant(
        "held-newest",
        _PLACING,
        "find_held",
        "in reversed(site.versions(key))",
        "in site.versions(key)",
        _PLACED,
    ),
    Mutant(
        "retry-without-a-look",
        _PLACING,
        "Placing.put_one",
        "look_first or site.site in self.failures",
        "look_first",
        _PLACED,
    ),
    Mutant("doubt-forgotten", _PLACING, "Placing._fail", "self.in_doubt.add(name)", "pass", _PLACED),
    Mutant(
        "doubt-undone-by-a-refusal",
        _PLACING,
        "Placing._fail",
        """            self.in_doubt.add(name)
""",
        """            self.in_doubt.add(name)
        else:
            self.in_doubt.discard(name)
""",
        _PLACED,
    ),
)
