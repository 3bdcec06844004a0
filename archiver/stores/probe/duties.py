"""Group 12: the worst attacks again, with each set of credentials that the appliance holds."""

from __future__ import annotations

from vanvault.archiver.stores.probe import attacks, versions
from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.clients import Attacker
from vanvault.archiver.stores.probe.context import ProbeContext
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
