"""What the OpenAPI document says about routes that tell how the archive stands."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from vanvault.api import examples_standing, wire, wire_standing
from vanvault.api.openapi_parts import answer_of, body_of, parameter, problem_answers, route_of


def _standing(
    name: str, model: type[BaseModel], example: Any, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """How the archive stands, as a verb of this name tells it."""
    told = f"As vanvault {name} tells it."
    extra = {"parameters": parameters} if parameters else {}
    return route_of(
        name, extra, {200: answer_of(told, model, example), **problem_answers(400, 401, 403, 500, 503)}
    )


STATUS = _standing("status", wire_standing.StatusAnswer, examples_standing.STATUS)
SCHEDULE = _standing("schedule", wire_standing.ScheduleAnswer, examples_standing.SCHEDULE)
AVAILABILITY = _standing(
    "availability",
    wire_standing.AvailabilityAnswer,
    examples_standing.AVAILABILITY,
    [
        parameter("year", "Of Vietnam's calendar; by default this year.", type="integer"),
        parameter("month", "This month of it only.", type="integer", minimum=1, maximum=12),
    ],
)
FORECAST = _standing("forecast", wire_standing.ForecastAnswer, examples_standing.FORECAST)
COVERAGE = _standing("coverage", wire_standing.CoverageAnswer, examples_standing.COVERAGE)
FAILOVER = _standing("failover", wire_standing.FailoverAnswer, examples_standing.FAILOVER)
ASK_PROMOTION = route_of(
    "askPromotion",
    body_of(
        {
            "application/json": {
                "schema": wire.reference(wire_standing.AskPromotionBody),
                "example": examples_standing.ASK_PROMOTION,
            }
        }
    ),
    {
        201: answer_of(
            "Asked for: others approve it.",
            wire_standing.AskedPromotionAnswer,
            examples_standing.ASKED_PROMOTION,
        ),
        **problem_answers(400, 401, 403, 408, 409, 413, 500, 503),
    },
)
