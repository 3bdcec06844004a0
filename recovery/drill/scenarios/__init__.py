"""The scenarios that can be rehearsed, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.scenarios import (
    both_sites_lost,
    clock_wrong,
    key_disclosed,
    keys_lost,
    node_lost,
    objects_damaged,
    ransomware,
    signing_key_stolen,
    site_lost,
)

Rehearsal = Callable[[Drill], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of drill."""

    name: str
    what: str  # one line for people
    source: str  # the production site that it reads in bulk, "": none
    target: str  # what it recovers
    rehearse: Rehearsal
    copies: int = 0  # how often the objects of the subset come to lie in the scratch folder
    negative: bool = False  # it does harm to a copy, and fails when no alarm comes
    needs_escrow: bool = False
    recovers_from: str = ""  # what it recovers from, where that is no site of production: else ``source``


_ALL = (
    Scenario(
        "node-lost", "A node is gone with all it kept: a new one is rebuilt from the sites.",
        "primary", "hot tail and cache", node_lost.node,
    ),
    Scenario(
        "primary-lost", "The primary store is gone: a new one is restored from the standby.",
        "standby", "primary", site_lost.primary, copies=1,
    ),
    Scenario(
        "standby-lost", "The standby store is gone: a new one is restored from the primary.",
        "primary", "standby", site_lost.standby, copies=1,
    ),
    Scenario(
        "objects-damaged", "A copy is harmed on purpose: verify names all of it, repair mends it.",
        "primary", "standby", objects_damaged.rehearse, copies=1, negative=True,
    ),
    Scenario(
        "index-lost", "What finds entries is gone: it is rebuilt, and finds the same.",
        "primary", "index", node_lost.index,
    ),
    Scenario(
        "keys-lost", "The keys are gone: the shares of the escrow bring them back.",
        "primary", "keys", keys_lost.rehearse, needs_escrow=True,
    ),
    Scenario(
        "both-sites-lost", "Neither site is left: all comes back from the third copy.",
        "primary", "primary and standby", both_sites_lost.rehearse, copies=2, recovers_from="third copy",
    ),
    Scenario(
        "ransomware", "An intruder attacks a copy with every credential: it stays whole, and alarms come.",
        "standby", "primary", ransomware.rehearse, copies=2, negative=True,
    ),
    Scenario(
        "clock-wrong", "Clocks are hours off: nothing is locked, and stores judge by their own clock.",
        "", "", clock_wrong.rehearse, negative=True,
    ),
    Scenario(
        "key-disclosed", "Somebody holds the master keys: he adds nothing to a copy; they are rotated.",
        "standby", "keys", key_disclosed.rehearse, copies=2, negative=True,
    ),
    Scenario(
        "signing-key-stolen", "A thief signs on a copy and dates back: the key is revoked, nothing believed.",
        "standby", "keys", signing_key_stolen.rehearse, copies=2, negative=True,
    ),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
#: Those that need no shares of keys, and so nobody at the host.
UNATTENDED_DRILLS = tuple(
    one.name for one in _ALL if not one.needs_escrow and one.recovers_from != "third copy"
)
