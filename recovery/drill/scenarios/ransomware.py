"""``ransomware``: an intruder with every credential attacks a copy; it must stay whole, and say so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta

from vanvault.archiver.core.errors import LockRefused
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.readers import Overlay, in_subset
from vanvault.recovery.drill.stores import AttackedSite

_VICTIMS = 12  # objects that are attacked
_LITTER = 100  # foreign names
_FORGED = 4  # objects with names like ours
_WRITER = "0drdrdrdrdrdrdrd"  # in the alphabet of writers; older than any


def rehearse(drill: Drill) -> None:
    for site, verdict in drill.means.probes.items():
        sound = verdict in ("pass", "weak")
        drill.check(f"the store of {site} withstood its last probe", sound, verdict or "it was never probed")
    expected = steps.expected_answers(drill)
    good = drill.production_from("standby")
    attacked = drill.means.store(
        drill.scratch / "attacked", "primary", drill.production.settings.archive, drill.clock
    )
    elsewhere = drill.scratch_site("standby")
    node = steps.new_node(drill, {"primary": attacked})
    try:
        steps.restore_in_drill(drill, good, attacked, "copy to attack", counts=False)
        before = sum(1 for _ in attacked.list())
        with drill.phase("attack", counts=False):
            victims = steps.pick(drill, attacked, _VICTIMS)
            for key in victims:
                _attack(drill, attacked, key)
        with drill.phase("flood", counts=False):
            litter, forged = list(_litter(drill, attacked)), list(_forged(drill, attacked))
        drill.check("objects were attacked", bool(victims), f"{len(victims)} of {before}")
        _verify(drill, Overlay(attacked, good, drill.means.subset), {*victims, *litter, *forged})
        # The catalogue of the node is gone: the new one starts from the attacked store.
        steps.fold(drill, node, "rebuild the wiped catalogue", garbage=forged)
        steps.restore_in_drill(drill, attacked, elsewhere, "restore elsewhere")
        steps.verify_recovered(drill, elsewhere, good, node, garbage=forged)
        steps.compare_answers(drill, node, expected)
    finally:
        node.close()
        attacked.close()
        elsewhere.close()


def _attack(drill: Drill, store: AttackedSite, key: str) -> None:
    """Delete, shorten and overwrite; what the store says to it."""
    version = store.versions(key)[0]
    soon = store.now().replace(microsecond=0) + timedelta(hours=1)
    attempts: dict[str, Callable[[], object]] = {
        "shorten": lambda: store.extend(key, version.version, soon),
        "delete": lambda: store.delete(key, version.version),
    }
    for name, attempt in attempts.items():
        drill.expect_alarm(f"{name} refused: {key}")
        try:
            attempt()
        except LockRefused:
            drill.saw_alarm(f"{name} refused: {key}")
    garbage = hashlib.sha512(key.encode()).digest()
    store.put(key, garbage, sha256=hashlib.sha256(garbage).digest(), retain_until=soon)
    drill.expect_alarm(f"damaged {key}")


def _litter(drill: Drill, store: AttackedSite) -> Iterator[str]:
    """Names of no object: a ransom note and encrypted copies, as it were."""
    soon = store.now().replace(microsecond=0) + timedelta(hours=1)
    for number in range(_LITTER):
        key, data = f"encrypted/{number:04d}.locked", hashlib.sha512(b"%d" % number).digest()
        store.put(key, data, sha256=hashlib.sha256(data).digest(), retain_until=soon)
        drill.expect_alarm(f"extra {key}")
        yield key


def _forged(drill: Drill, store: AttackedSite) -> Iterator[str]:
    """Objects whose names are spelled right, and which no key of the archive signed or opens."""
    soon = store.now().replace(microsecond=0) + timedelta(hours=1)
    subset, made, attempt = drill.means.subset, 0, 0
    while made < _FORGED:
        attempt += 1
        data = b"PAR1" + hashlib.shake_128(b"%d" % attempt).digest(300) + b"PARE"
        digest, signature = hashlib.sha256(data).digest(), hashlib.sha512(data).digest()
        key = ObjectName("batch", _WRITER, made, "events", digest, signature).key
        if not in_subset(key, subset):
            continue
        store.put(key, data, sha256=digest, retain_until=soon)
        drill.expect_alarm(f"unproved {key}")
        made += 1
        yield key


def _verify(drill: Drill, attacked: Overlay, bad: set[str]) -> None:
    """Everything that was put there is named, and every object still has a whole version."""
    with drill.phase("verify the attacked store") as note:
        report = steps.verify_in_drill(drill, {"primary": attacked}, drill.production)
        note.extent = report.sites["primary"]
    for finding in report.findings:
        if finding.failing:
            drill.saw_alarm(f"{finding.problem} {finding.key}")
    harmed = [
        finding
        for finding in report.findings
        if finding.failing
        and (finding.key not in bad or (finding.problem == "damaged" and not finding.whole_version))
        and not (parse_key(finding.key) is not None and _WRITER in finding.key)
    ]
    drill.check(
        "every object still has its whole, locked version",
        not harmed,
        ", ".join(f"{one.problem} {one.key}" for one in harmed[: steps.NAMED]) or f"{report.objects} objects",
    )
