"""What a run will do to its cluster: derived from the seed and the number of the run alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

POLICIES = ("all", "any", "fall-back")
#: Ones that need more than processes on loopback: lines that can be cut, and drives that can be full.
NEED_NAMESPACES = frozenset(("gateway-cut", "link-down", "disk-full"))
#: Ones that need a clock of each host's own (``tests/servers/host_clock.py``).
NEED_CLOCKS = frozenset(("clock-jump",))
#: What harms stored bytes; only ever at the victim, so that the other site has all of it.
DAMAGE = ("flip", "truncate", "delete")
NEMESES = (
    "node-kill",
    "node-freeze",
    "store-kill",
    "store-freeze",
    "compact",
    "compact-kill",
    "compact-freeze",
    "partition",
    "partition-one-way",
    "node-cut",
    "gateway-cut",
    "link-down",
    "slow",
    "lossy",
    "disk-full",
    "clock-jump",
    "promote",
    *DAMAGE,
)
_SITES = ("primary", "standby")


@dataclass(frozen=True, slots=True)
class Step:
    """One nemesis: from ``at`` for ``seconds`` of the load."""

    at: float
    seconds: float
    nemesis: str
    site: str
    node: int  # index
    seed: int  # of what else it chooses


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    name: str
    policy: str
    nodes: int  # at each site
    victim: str  # the one site whose stored bytes may be harmed, or that is wiped
    wiped: bool  # at the end of the load
    steps: tuple[Step, ...]

    @property
    def sudden(self) -> bool:
        """Is the victim wiped at any moment? Not where something may have been acknowledged by it alone."""
        alone = self.policy != "all" or any(step.nemesis == "promote" for step in self.steps)
        return self.wiped and not alone


def plan_of(
    seed: int, number: int, *, seconds: float, namespaces: bool, clocks: bool = True, nodes: int = 2
) -> Plan:
    """The plan of run ``number`` (from 1). Policies take turns; no two runs of a seed are alike."""
    random = Random(f"chaos/{seed}/{number}")
    policy = POLICIES[(seed + number) % len(POLICIES)]
    victim = random.choice(_SITES)
    lacking = frozenset().union(*(() if namespaces else NEED_NAMESPACES, () if clocks else NEED_CLOCKS))
    pool = [name for name in NEMESES if name not in lacking]
    steps, at = [], random.uniform(1.0, 2.0)
    while at < seconds - 3:
        name = random.choice(pool)
        length = random.uniform(1.5, 5.0)
        site = victim if name in DAMAGE else random.choice(_SITES)
        steps.append(Step(at, length, name, site, random.randrange(2 * nodes), random.getrandbits(32)))
        # Some come while the last one is still on.
        at += random.uniform(0.3, length) if random.random() < 0.35 else length + random.uniform(0.3, 1.5)
    return Plan(f"seed-{seed}-run-{number}", policy, nodes, victim, random.random() < 0.3, tuple(steps))
