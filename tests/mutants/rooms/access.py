"""Bugs in the record of looks: ``recovery/access`` and the form of a look."""

from __future__ import annotations

from tests.mutants.model import Mutant

_TESTS = ("tests/recovery/test_access.py",)

MUTANTS = (
    Mutant(
        "look-shown-although-it-failed",
        "recovery/access/recorder.py",
        "LookRecorder._kept",
        "        return not_on_record(error)\n",
        "        return None\n",
        _TESTS,
    ),
    Mutant(
        "look-shown-although-intake-failed",
        "recovery/access/recorder.py",
        "LookRecorder.put",
        "if not isinstance(outcome, VanVaultError) or isinstance(outcome, Conflict):",
        "if True:",
        _TESTS,
    ),
    Mutant(
        "look-lost-when-intake-is-closed",
        "recovery/access/recorder.py",
        "LookRecorder.put",
        "        except VanVaultError:\n            self._put_aside(event, told)",
        "        except VanVaultError as error:\n            told(error)",
        _TESTS,
    ),
    Mutant(
        "look-hides-behind-a-request-id",
        "archiver/people/looks/look.py",
        "Look.identity",
        "self.as_detail()",
        "self.request",
        ("tests/people/test_looks.py",),
    ),
    Mutant(
        "look-is-another-each-moment",
        "archiver/people/looks/look.py",
        "Look.identity",
        "rfc3339_seconds(at)[:10]",
        "rfc3339_seconds(at)",
        ("tests/people/test_looks.py",),
    ),
    Mutant(
        "failed-look-not-on-record",
        "recovery/access/looking.py",
        "Looking.ended_by",
        "        if isinstance(error, _TELLING):\n            self._put(failed)\n            return\n",
        "        if isinstance(error, _TELLING):\n            return\n",
        _TESTS,
    ),
    Mutant(
        "verb-writes-beside-a-node",
        "recovery/access/looking.py",
        "Looking._put",
        "if handed_over(archive.home, look):",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "reads-counted-for-ever",
        "recovery/access/counter.py",
        "ReadCounter.check",
        "> _PATIENCE",
        "> 2000 * _PATIENCE",
        _TESTS,
    ),
    Mutant(
        "minute-written-twice",
        "recovery/access/counter.py",
        "ReadCounter.round",
        "            self._forget(one)\n",
        "            pass\n",
        _TESTS,
    ),
    Mutant(
        "emergency-for-ever",
        "recovery/access/emergency.py",
        "EmergencyFiles.now",
        "found.since <= self._clock.now() < found.until",
        "found.since <= self._clock.now()",
        _TESTS,
    ),
    Mutant(
        "waiting-looks-lost",
        "recovery/access/emergency.py",
        "EmergencyFiles.settle",
        "                write(events)\n",
        "                pass\n",
        _TESTS,
    ),
    Mutant(
        "looks-wait-for-every-site",
        "archiver/appliance/archive.py",
        "Archive.record_aside",
        "final=True, degraded=True",
        "final=True, degraded=False",
        _TESTS,
    ),
    Mutant(
        "clock-ahead-writes-looks",
        "archiver/journal/trust.py",
        "Trust.check_not_ahead",
        "if ahead > self._rules.max_skew:",
        "if False:",
        _TESTS,
    ),
    Mutant(
        "refused-read-not-counted",
        "api/looks.py",
        "counted",
        "                _count(request, node, act, outcome_of(error))\n",
        "                pass\n",
        ("tests/api/test_looks.py",),
    ),
)
