"""What answers about jobs hold, as models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Time
from vanvault.recovery.job_record import JobOutcome


class JobAnswer(BaseModel):
    """One job on record."""

    id: str = Field(description="Of the event that tells its end.")
    type: str = Field(description="Of that event, without vanvault., such as verify.finished.")
    at: Time = Field(description="When it was put on record, at its end.")
    began_at: Time | None = Field(description="Null where the record does not say how long it took.")
    outcome: JobOutcome = Field(description="unclear: the record does not say; never take it for a success.")
    about: str = Field(description="Scenario, part, job, export, extraction or disposal.")
    bytes: Count | None
    seconds: float | None
    who: str = Field(description="Empty where the record does not say.")


class JobsAnswer(BaseModel):
    """Jobs on record, newest first."""

    jobs: list[JobAnswer]
    next: str | None = Field(description="The before of the next page; null: this is the last.")
    partial: bool = Field(description="Something may be missing.")


class RunningJobAnswer(BaseModel):
    """A verb that runs now in the home of this node; counts are of its phase."""

    id: str
    verb: str
    about: str
    who: str
    job: str | None = Field(description="Of the schedule; null: somebody runs it by hand.")
    asked: str | None = Field(description="Id of the event by which a person asked for it.")
    host: str
    began_at: Time
    updated_at: Time = Field(description="Everything here is as of then.")
    phase: str
    objects: Count
    bytes: Count
    of_objects: Count | None = Field(description="Null: how much there is, is not known.")
    of_bytes: Count | None
    percent: int | None = Field(description="Of the phase; null: not known.")
    ends_at: Time | None = Field(description="The phase, if it goes on as it did; null: not known.")
    limit_at: Time | None = Field(description="Of a restore or a drill: the end of the 8 hours.")
    expected_seconds: float | None = Field(description="Of a drill: for everything, as last measured.")
    late: bool = Field(description="It is known that the 8 hours will not do.")


class LeasedRunAnswer(BaseModel):
    """A run of the schedule of which the record says that it goes on; how far it is, is not known here."""

    job: str
    run: str
    host: str
    since: Time
    until: Time = Field(description="By then it is over, or its host died.")
    this_home: bool


class RunningJobsAnswer(BaseModel):
    """What runs now."""

    at: Time
    here: list[RunningJobAnswer]
    leased: list[LeasedRunAnswer] = Field(description="Runs whose progress this node does not see.")


class AskJobBody(BaseModel):
    """What to run: a verification or a drill, and nothing else."""

    verb: Literal["verify", "drill"]
    subset: str = Field(
        default="1/1", description="The nth of t parts; of a verification also next: read longest ago."
    )
    scenario: str = Field(default="", description="Of a drill: one that needs no shares of keys.")


class AskedJobAnswer(BaseModel):
    """On record, and started as a process of its own; /v1/jobs/running shows how far it is."""

    asked: str = Field(description="Its id, also in /v1/jobs/running.")
    verb: Literal["verify", "drill"]
    subset: str
    scenario: str
    who: str
    already: bool = Field(description="One of this kind runs here already: this is that one.")


class JobPart(BaseModel):
    """An event that belongs to a job."""

    id: str
    type: str
    at: Time
    told: dict[str, Any]


class OneJobAnswer(JobAnswer):
    """One job whole."""

    told: dict[str, Any] = Field(description="All that its event tells.")
    parts: list[JobPart] = Field(description="What a clearing removed, oldest first.")
    more_parts: bool = Field(description="There are more parts than are told.")
    drill: str | None = Field(description="Of a drill: its id, for /v1/drills/{id}, its signed report.")
