"""The parts that every row of the OpenAPI document is made of: answers, problems, parameters, bodies."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from vanvault.api import examples, wire
from vanvault.api.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]
Security = list[dict[str, list[str]]]

TEXTS = {
    400: "The request is wrong; nothing was stored.",
    401: "No valid bearer token.",
    403: "The caller has no right to this.",
    404: "Nothing of this name within what the caller may see.",
    408: "The body came too slowly; nothing was stored: send the same again.",
    409: "This gateway archived other bytes under this id; nothing was stored.",
    410: "It was here, and was disposed of under the certificate that is named; nothing is stored.",
    413: "Over a size limit; nothing was stored.",
    415: "The body has a Content-Encoding; nothing was stored: send the bytes as they are.",
    500: "Bytes in the archive are damaged, or the program is at fault; the node's log has more.",
    503: "Not accepted now: wait Retry-After seconds and send the same again.",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "Bearer.", "required": True, "schema": {"type": "string"}}},
    408: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
#: What was said of each operation's answers. The framework leaves nulls out of examples.
DESCRIBED: dict[str, Responses] = {}


def answer_of(
    description: str, model: type[BaseModel], example: Any, media_type: str = "application/json"
) -> dict[str, Any]:
    content = {media_type: {"schema": wire.reference(model), "example": example}}
    return {"description": description, "content": content}


def problem_answer(
    status: int, model: type[BaseModel] = wire.ProblemAnswer, example: Any = None
) -> dict[str, Any]:
    found = answer_of(TEXTS[status], model, example or examples.PROBLEMS[status], MEDIA_TYPE)
    return {**found, "headers": _HEADERS[status]} if status in _HEADERS else found


def problem_answers(*statuses: int) -> Responses:
    return {status: problem_answer(status) for status in statuses}


def route_of(
    name: str,
    extra: dict[str, Any],
    responses: Responses,
    security: Security | None = None,
) -> dict[str, Any]:
    """What a route is registered with; ``security``: a gateway's token unless told otherwise."""
    DESCRIBED[name] = responses
    return {
        "operation_id": name,
        "openapi_extra": {"security": [{"bearer": []}] if security is None else security, **extra},
        "responses": responses,
        "response_model": None,
        "response_class": Response,  # has no media type of its own, so the framework adds no empty schema
    }


def header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    described = {"type": "string", **schema}
    return {"name": name, "in": "query", "description": description, "schema": described}


def body_of(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def lines_of(model: type[BaseModel], example: str) -> dict[str, Any]:
    """A body of one JSON object a line, which JSON Schema has no words for."""
    described = f"One `{model.__name__}` a line: see the schema of this name."
    return {"schema": {"type": "string", "description": described}, "example": example}
