"""Bugs in ``recovery/conditions``, and in what it rests on: coverage, custody, the standing of backups."""

from __future__ import annotations

from tests.mutants.model import Mutant

_ESCROW, _DAMAGE = "recovery/custody/standing.py", "recovery/coverage/damage.py"
_JUDGE, _WATCH = "recovery/conditions/judge.py", "recovery/conditions/watch.py"
_KEYS, _SEEN = "recovery/custody/known_keys.py", "recovery/conditions/first_seen.py"
_OF_KEYS = ("tests/recovery/custody/test_keys_missing.py",)
_OF_SEEN = ("tests/recovery/conditions/test_first_seen.py",)
_OF_ESCROW = ("tests/recovery/custody/test_standing.py",)
_OF_DAMAGE = ("tests/recovery/coverage/test_damage.py",)
_OF_JUDGE = ("tests/recovery/conditions/test_judge.py",)
_OF_WATCH = ("tests/recovery/conditions/test_watch.py",)
_OF_COPY = ("tests/recovery/backup/test_standing.py",)
_OF_STORY = ("tests/recovery/backup/test_stale_escrow.py",)

MUTANTS = (
    Mutant("split-proves-shares", _ESCROW, "judged", " if one.verified_at for key", " for key", _OF_ESCROW),
    Mutant(
        "stale-without-an-escrow",
        _ESCROW,
        "EscrowStanding.stale",
        "self.lacking if self.bundles else ()",
        "self.lacking",
        _OF_ESCROW,
    ),
    Mutant(
        "older-masters-need-no-escrow",
        _KEYS,
        "known_keys",
        "archive.keys.versions(purpose)]",
        "archive.keys.versions(purpose)[-1:]]",
        _OF_ESCROW,
    ),
    Mutant(
        "signing-key-needs-no-escrow",
        _KEYS,
        "known_keys",
        "(*masters, archive.signing.active().key_id)",
        "tuple(masters)",
        _OF_ESCROW,
    ),
    Mutant(
        "restored-keys-prove-nothing",
        _ESCROW,
        "escrow_standing",
        "(EventType.KEYS_ESCROW_VERIFIED, EventType.KEYS_RESTORED)",
        "(EventType.KEYS_ESCROW_VERIFIED,)",
        _OF_ESCROW,
    ),
    Mutant(
        "old-bundle-in-the-copy-passes",
        _ESCROW,
        "EscrowStanding.of_saved",
        "if key not in held.keys and",
        "if not held.keys and",
        _OF_ESCROW,
    ),
    Mutant("one-part-ends-damage", _DAMAGE, "_Parts.hold", "return all(", "return any(", _OF_DAMAGE),
    Mutant(
        "nameless-damage-is-nowhere",
        _DAMAGE,
        "_harmed",
        "run.named and count <= sum(named.values())",
        "run.named",
        _OF_DAMAGE,
    ),
    Mutant(
        "damage-stands-for-ever",
        _DAMAGE,
        "known_damage",
        "elif not clean[site].hold(run.subset):",
        "else:",
        _OF_DAMAGE,
    ),
    Mutant(
        "damage-since-it-was-last-found",
        _DAMAGE,
        "known_damage",
        "KnownDamage(run.finished, last.seen, last.findings)",
        "last",
        _OF_DAMAGE,
    ),
    Mutant(
        "half-a-repair-ends-damage",
        _DAMAGE,
        "known_damage",
        "run.finished <= mended_at",
        "run.finished != mended_at",
        _OF_DAMAGE,
    ),
    Mutant("warnings-told-first", _JUDGE, "conditions_of", '!= "error"', '== "error"', _OF_JUDGE),
    Mutant("copy-never-too-old", _JUDGE, "_of_backup", "if due < facts.now:", "if False:", _OF_JUDGE),
    Mutant("condition-begins-anew", _SEEN, "FirstSeen.known", "min(at, found", "max(at, found", _OF_SEEN),
    Mutant(
        "condition-that-is-over-is-remembered",
        _SEEN,
        "FirstSeen.remember",
        "in before.items() if name in unseen}",
        "in before.items()}",
        _OF_SEEN,
    ),
    Mutant("missing-key-is-held", _KEYS, "missing_of", "names.difference(masters, signing)", "()", _OF_KEYS),
    Mutant(
        "looks-only-at-what-is-new",
        _WATCH,
        "ConditionWatch._is_due",
        "(is_new or waited_s >= _EVERY_S)",
        "is_new",
        _OF_WATCH,
    ),
    Mutant(
        "status-passes-over-errors",
        "recovery/status/report.py",
        "StatusReport.exit_code",
        'one.severity == "error"',
        "False",
        _OF_ESCROW,
    ),
    Mutant(
        "backup-passes-over-the-escrow",
        "recovery/backup/run.py",
        "BackupReport.exit_code",
        "self.whole and not self.escrow",
        "self.whole",
        _OF_STORY,
    ),
    Mutant(
        "check-passes-over-the-escrow",
        "recovery/backup/check.py",
        "BackupCheck.problems",
        ", *self.escrow)",
        ")",
        _OF_STORY,
    ),
    Mutant(
        "unsound-copy-forgotten",
        "recovery/backup/standing.py",
        "_last",
        "since = event.at",
        "since = since or event.at",
        _OF_COPY,
    ),
    Mutant(
        "drill-takes-a-lacking-escrow",
        "recovery/drill/scenarios/both_sites_lost.py",
        "rehearse",
        "check_every_key(drill, keys, signing)",
        "pass",
        _OF_STORY,
    ),
)
