"""What the OpenAPI document says about the routes of jobs."""

from __future__ import annotations

from vanvault.api import examples, wire, wire_jobs
from vanvault.api.openapi_parts import (
    answer_of,
    body_of,
    parameter,
    problem_answer,
    problem_answers,
    route_of,
)

JOBS = route_of(
    "jobs",
    {"parameters": [parameter("before", "The next of the page before this one.", pattern="^[0-9]{1,16}$")]},
    {
        200: answer_of("Jobs, newest first.", wire_jobs.JobsAnswer, examples.JOBS),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
RUNNING_JOBS = route_of(
    "runningJobs",
    {},
    {
        200: answer_of("What runs now.", wire_jobs.RunningJobsAnswer, examples.RUNNING_JOBS),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
JOB = route_of(
    "job",
    {},
    {
        200: answer_of("The job.", wire_jobs.OneJobAnswer, examples.ONE_JOB),
        **problem_answers(400, 401, 403, 404, 500, 503),
    },
)
ASK_JOB = route_of(
    "askJob",
    body_of(
        {"application/json": {"schema": wire.reference(wire_jobs.AskJobBody), "example": examples.ASK_JOB}}
    ),
    {
        202: answer_of("It is started.", wire_jobs.AskedJobAnswer, examples.ASKED_JOB),
        200: answer_of("It runs already.", wire_jobs.AskedJobAnswer, {**examples.ASKED_JOB, "already": True}),
        **problem_answers(400, 401, 403, 408, 413, 500, 503),
        409: {**problem_answer(409), "description": "This node starts no jobs (schedule.in_serve)."},
    },
)
