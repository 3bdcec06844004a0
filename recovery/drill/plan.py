"""What a drill will do, and whether it fits. Pure."""

from __future__ import annotations

from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.drill.model import DrillPlan
from vanvault.recovery.drill.scenarios import Scenario
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Extent

#: Bytes of a scratch folder for one of objects: file systems round up, and the hot tail needs room.
_SPARE = 1.2
_LEAST = 16 * 2**20


def plan_drill(
    scenario: Scenario, total: Extent, todo: Extent, subset: Subset, bytes_per_s: float | None
) -> DrillPlan:
    """The plan; ``bytes_per_s`` is the last measured rate of a whole recovery."""
    return DrillPlan(
        scenario=scenario.name,
        source=scenario.recovers_from or scenario.source,
        target=scenario.target,
        total=total,
        subset=f"{subset.number}/{subset.of}",
        todo=todo,
        scratch_bytes=round(todo.bytes * scenario.copies * _SPARE) + _LEAST,
        expected_s=total.bytes / bytes_per_s if bytes_per_s else None,
    )


def check_room(plan: DrillPlan, free: int) -> None:
    """Raises InvalidInput when the scratch folder is too small for the plan."""
    if free < plan.scratch_bytes:
        raise InvalidInput(
            f"the drill needs {plan.scratch_bytes} bytes of room, and its scratch folder has {free}",
            field="scratch",
            hint="Name another folder with --scratch, or recover a part: --subset 1/12.",
        )
