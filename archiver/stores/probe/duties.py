"""Group 12: the worst attacks again, with each set of credentials that the appliance holds."""

from __future__ import annotations

from vanvault.archiver.stores.probe import attacks, versions
from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.clients import Attacker
from vanvault.archiver.stores.probe.context import ProbeContext, attempt
from vanvault.archiver.stores.verdict import ProbeFinding

_ATTACKS: dict[str, attacks.Attack] = {
    "delete": attacks.delete_version,
    "delete with bypass": attacks.delete_bypass,
    "DeleteObjects": attacks.delete_objects,
    "shorten": attacks.shorten_bypass,
    "downgrade": attacks.downgrade,
    "clear": attacks.clear_bypass,
    "overwrite": versions.overwrite,
    "delete marker": versions.delete_marker,
}
_LEAST = ("writer", "reader", "keeper")


def duty(ctx: ProbeContext, attacker: Attacker) -> list[ProbeFinding]:
    """All attacks by one set of credentials on one version that the owner planted."""
    check = f"duty-{attacker.duty}"
    planted = ctx.plant(check)
    taken = []
    for name, attack in _ATTACKS.items():
        if attack(attacker.client, planted).accepted:
            taken.append(name)
        if why := ctx.broken(planted):
            return [finding(check, False, f"{name}: {why}")]
    answered = f"without effect, though the store said yes to: {', '.join(taken)}" if taken else "all refused"
    return [finding(check, True, f"{len(_ATTACKS)} attacks as {attacker.duty}: {answered}")]


def privilege(ctx: ProbeContext) -> list[ProbeFinding]:
    """May the everyday credentials delete what is not locked? They never need to."""
    everyday = [attacker for attacker in ctx.attackers if attacker.duty in _LEAST]
    if not everyday:
        return [finding("least-privilege", True, "no credentials of a writer, reader or keeper were given")]
    may = []
    for attacker in everyday:
        planted = ctx.plant_unlocked(f"unlocked-{attacker.duty}")
        if attacks.delete_version(attacker.client, planted).accepted:
            may.append(attacker.duty)
    shared = len({one.access_key for one in ctx.attackers}) < len(ctx.attackers)
    detail = f"may delete what is not locked: {', '.join(may)}" if may else "none of them may delete anything"
    if shared:
        detail += "; several duties share one access key"
    return [finding("least-privilege", not may and not shared, detail)]


def disposer(ctx: ProbeContext) -> list[ProbeFinding]:
    """May the disposer do more than remove a version that no lock protects?"""
    check = "disposer-rights"
    found = next((one for one in ctx.attackers if one.duty == "disposer"), None)
    if found is None:
        return [finding(check, True, "no credentials of a disposer were given")]
    client, locked = found.client, ctx.plant(check)
    hidden, free = ctx.plant_unlocked(f"{check}-hidden"), ctx.plant_unlocked(f"{check}-free")
    at = {"Bucket": locked.bucket, "Key": locked.key, "VersionId": locked.version}
    bucket, retention = locked.bucket, {"Mode": "COMPLIANCE", "RetainUntilDate": ctx.until(ctx.lock)}
    rule = {"ID": check, "Status": "Enabled", "Filter": {"Prefix": f"{check}/"}, "Expiration": {"Days": 1}}
    more = {
        "put": attempt(client.put_object, Bucket=bucket, Key=f"{check}-new", Body=b"x"),
        "extend": attempt(client.put_object_retention, **at, Retention=retention),
        "hold": attempt(client.put_object_legal_hold, **at, LegalHold={"Status": "OFF"}),
        "hide by a marker": versions.delete_marker(client, hidden),
        "change versioning": attempt(
            client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        ),
        "change Object Lock": attempt(
            client.put_object_lock_configuration,
            Bucket=bucket,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
        ),
        "set a lifecycle": attempt(
            client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
        ),
        "change policies": attempt(client.delete_bucket_policy, Bucket=bucket),
    }
    may = [name for name, outcome in more.items() if outcome.accepted]
    if why := ctx.broken(locked):
        return [finding(check, False, why)]
    removes = attacks.delete_version(client, free)
    detail = f"may also {', '.join(may)}" if may else "nothing else"
    detail += f"; removal of a version that is not locked: {removes.code}"
    return [finding(check, not may and removes.accepted, detail)]
