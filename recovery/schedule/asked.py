"""A verification or a drill that a person asked for: on record first, and run as the record has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.drill import UNATTENDED_DRILLS
from vanvault.recovery.schedule.model import Command, Job
from vanvault.recovery.schedule.table import TABLE
from vanvault.recovery.verified import Subset

_MOST_PARTS = 10_000
_LOOKED_AT = 100  # of the newest that were asked for


@dataclass(frozen=True, slots=True)
class JobWish:
    """What a person may ask a node to run."""

    verb: str  # verify or drill
    subset: str = "1/1"  # or next: of a verification, the part that was read longest ago
    scenario: str = ""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """From a body or a form. Raises InvalidInput."""
        verb, subset, scenario = (given.get(name, "") for name in ("verb", "subset", "scenario"))
        if set(given) - {"verb", "subset", "scenario"} or verb not in ("verify", "drill"):
            raise InvalidInput("verb is verify or drill; there are subset and scenario besides", field="verb")
        if (verb == "drill") != (scenario in UNATTENDED_DRILLS) or (verb == "verify" and scenario):
            names = ", ".join(UNATTENDED_DRILLS)
            raise InvalidInput(
                "a drill has a scenario that needs no shares of keys; a verification has none",
                field="scenario",
                hint=f"One of: {names}. Others: vanvault drill run.",
            )
        if subset == "next" and verb == "verify":
            return cls(verb, "next")
        if not isinstance(subset, str) or len(subset) > 20:
            raise InvalidInput("subset is the nth of t parts, such as 3/30", field="subset")
        part = Subset.parse(subset or "1/1")
        if part.of > _MOST_PARTS:
            raise InvalidInput(f"there are at most {_MOST_PARTS} parts", field="subset")
        return cls(verb, str(part), scenario)

    @property
    def command(self) -> Command:
        """The same as words of a job."""
        if self.verb == "drill":
            return ("drill", "run", self.scenario, "--subset", self.subset)
        return ("verify", "--next") if self.subset == "next" else ("verify", "--subset", self.subset)

    def as_json(self) -> dict[str, str]:
        """As in the event, and in a body."""
        return {"verb": self.verb, "subset": self.subset, "scenario": self.scenario}


@dataclass(frozen=True, slots=True)
class AskedJob:
    """A wish on record."""

    id: str
    wish: JobWish
    who: str

    @property
    def job(self) -> Job:
        """The job of the schedule with this name, with the steps that were asked for."""
        usual = next(job for job in TABLE if job.name == self.wish.verb)
        return replace(usual, commands=(self.wish.command,), asked=self.id)


def asked_job(archive: Archive, id: str) -> AskedJob:
    """What was asked for under this id. Raises NotFound; InvalidInput: no wish that this version knows."""
    for event in own_events(archive.search, EventType.JOB_ASKED, most=_LOOKED_AT):
        try:
            told = event.detail
        except Damaged:
            continue
        if told.get("asked") == id:
            wish = {name: told.get(name) for name in ("verb", "subset") if told.get(name)}
            scenario = {"scenario": told["scenario"]} if told.get("scenario") else {}
            return AskedJob(id, JobWish.parse(wish | scenario), str(told.get("who", ""))[:200])
    raise NotFound(f"nobody asked for a job {id[:40]}", hint="Ask for it anew.")
