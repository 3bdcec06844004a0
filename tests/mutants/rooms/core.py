"""Bugs in ``archiver/core``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PROFILES = "tests/core/retention/test_profiles.py"
_RETENTION = "archiver/core/retention.py"

MUTANTS = (
    Mutant(
        "retention-margin-a-day-short", _RETENTION, "", "MARGIN_DAYS = 366", "MARGIN_DAYS = 365", (_PROFILES,)
    ),
    Mutant("retention-rounded-down", _RETENTION, "rounded_up", " + timedelta(seconds=1)", "", (_PROFILES,)),
    Mutant(
        "retention-leap-day-short",
        _RETENTION,
        "retain_until",
        "month=3, day=1",
        "month=2, day=28",
        (_PROFILES,),
    ),
    Mutant(
        "retention-log-may-shrink", _RETENTION, "with_years", "log < base.log.years", "log < 1", (_PROFILES,)
    ),
    Mutant(
        "purpose-begun-anew",
        "archiver/core/key_port.py",
        "newest_version",
        "if not versions and purpose not in NEEDED:",
        "if not versions:",
        ("tests/keys/test_providers.py",),
    ),
)
