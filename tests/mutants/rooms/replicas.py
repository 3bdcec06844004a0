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
    Mutant(
        "clock-behind-the-archive",
        "archiver/replicas/clock_guard.py",
        "ClockVerdict.of",
        "if time < last_archived - max_skew",
        "if False",
        ("tests/replicas/test_clock_guard.py",),
    ),
    Mutant(
        "clock-apart",
        "archiver/replicas/clock_guard.py",
        "ClockVerdict.of",
        "if spread <= max_skew",
        "if True",
        ("tests/replicas/test_clock_guard.py",),
    ),
    Mutant(
        "clock-culprit-of-two",
        "archiver/replicas/clock_guard.py",
        "_outlier",
        "len(others) >= 2 and",
        "len(others) >= 1 and",
        ("tests/replicas/test_clock_guard.py",),
    ),
    Mutant(
        "health-never-out",
        "archiver/replicas/health.py",
        "_after_failure",
        "if failed.failures >= rules.failures",
        "if False",
        ("tests/replicas/test_health.py",),
    ),
    Mutant(
        "health-back-unlevel",
        "archiver/replicas/health.py",
        "_after_success",
        'SiteHealth("catching-up", now, health.reason',
        'SiteHealth("healthy", now, health.reason',
        ("tests/replicas/test_health.py",),
    ),
    Mutant(
        "health-barred-comes-back",
        "archiver/replicas/health.py",
        "_after_success",
        "if health.barred or ",
        "if ",
        ("tests/replicas/test_health.py",),
    ),
    Mutant(
        "health-looks-mend-puts",
        "archiver/replicas/health.py",
        "_after_success",
        'if what.sort == "look" and health.puts_failed',
        "if False",
        ("tests/replicas/test_health.py",),
    ),
    Mutant(
        "read-newest-unchecked",
        "archiver/replicas/promised.py",
        "read_whole",
        "if hashlib.sha256(newest).digest() == digest",
        "if newest",
        ("tests/replicas/test_promised.py",),
    ),
    Mutant(
        "read-older-unchecked",
        "archiver/replicas/promised.py",
        "_first_whole",
        "if hashlib.sha256(data).digest() == digest",
        "if data",
        ("tests/replicas/test_promised.py",),
    ),
    Mutant(
        "read-away-is-damage",
        "archiver/replicas/promised.py",
        "_first_whole",
        "if unreadable is not None:",
        "if False:",
        ("tests/replicas/test_promised.py",),
    ),
    Mutant(
        "read-damage-hides-a-site-that-is-away",
        "archiver/replicas/promised.py",
        "read_anywhere",
        "away = away or absent",
        "pass",
        ("tests/replicas/test_promised.py",),
    ),
)
