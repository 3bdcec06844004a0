"""What the OpenAPI document says about each route: bodies, answers, examples."""

from __future__ import annotations

from typing import Any

from vanvault.api.batch_body import FRAMED, NDJSON
from vanvault.api.problems import MEDIA_TYPE
from vanvault.archiver.catalogue import HistogramQuery, Query
from vanvault.archiver.core.model import BUSINESS_FIELDS

_ID = "01m80g5b20pzaajt-1-0"
_KEY = "batch/01m80g5b20pzaajt/0000000001-" + "5f" * 32 + ".messages.parquet"

RECEIPT_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "gateway": "gateway-1",
    "message_id": "2026-000123",
    "size": 10240,
    "sha256": "ab" * 32,
    "sha512": "cd" * 64,
    "received_at": "2026-11-22T01:02:03.000004Z",
    "placements": [
        {"site": site, "key": _KEY, "version": "1m80g5b2mygtxjp-20371123T010203Z", "retain_until": until}
        for site, until in (("primary", "2037-11-23T01:02:03Z"), ("standby", "2037-11-23T01:02:03Z"))
    ],
    "archive": "6f3b0c52-7f9f-4a06-9d65-6f0f2f1f7c11",
    "format": "vanvault-receipt-v1",
    "object": _KEY,
    "row": 0,
    "policy": "all",
    "signing_key": "0f" * 8,
    "proof": {"index": 0, "size": 1, "path": []},
    "signature": "base64 of 64 bytes",
}
_PROBLEM_EXAMPLE = {
    "type": "urn:vanvault:problem:conflict",
    "title": "Same id, other bytes",
    "status": 409,
    "detail": "this gateway archived other bytes under this message id before",
    "hint": "Use a new id for new content; an archived original never changes.",
}
_ITEM_EXAMPLE = {
    "entry": "message",
    "id": _ID,
    "gateway": "gateway-1",
    "message_id": "2026-000123",
    "received_at": "2026-11-22T01:02:03.000004Z",
    "kind": "dossier",
    "employer_code": "TZ1234Z",
    "insurance_numbers": ["7912345678"],
    "dossier_number": "00123/2026/07900",
    "procedure": "600",
    "sha256": "ab" * 32,
    "verified_at": "2026-11-23T02:30:00.000000Z",
    "placements": RECEIPT_EXAMPLE["placements"],
    "held": False,
}


_PAGE_EXAMPLE = {"items": [_ITEM_EXAMPLE], "next": None, "partial": None, "unread": []}
_TIMELINE_EXAMPLE = {"transaction_id": "t-2026-000123", "items": [_ITEM_EXAMPLE], "unread": []}


def _answer(description: str, example: Any, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"example": example}}}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        400: "The request is wrong; nothing was stored.",
        401: "No valid bearer token.",
        403: "The token has no right to this.",
        404: "Nothing of this name within the caller's gateway.",
        408: "The body came too slowly; nothing was stored: send the same again.",
        409: "This gateway archived other bytes under this id; nothing was stored.",
        413: "Over a size limit; nothing was stored.",
        415: "The body has a Content-Encoding; send the bytes as they are. Nothing was stored.",
        503: "Not accepted now: wait Retry-After seconds and send the same again.",
    }
    return {status: _answer(texts[status], _PROBLEM_EXAMPLE, MEDIA_TYPE) for status in statuses}


def _route(extra: dict[str, Any], responses: dict[int | str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "openapi_extra": {"security": [{"bearer": []}], **extra},
        "responses": responses,
        "response_model": None,
    }


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _parameter(name: str, description: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


_BYTES = {"schema": {"type": "string", "format": "binary"}}

PUSH = _route(
    {
        **_body({"application/xml": _BYTES, "application/octet-stream": _BYTES}),
        "parameters": [
            _header("Vanvault-Message-Id", "The gateway's own id of the message.", required=True),
            *(
                _header(
                    "Vanvault-" + name.replace("_", "-").title(),
                    "Metadata that the message itself does not tell; percent-encode what is not ASCII.",
                )
                for name in BUSINESS_FIELDS
            ),
        ],
    },
    {
        201: _answer("Archived: locked at both sites.", RECEIPT_EXAMPLE),
        200: _answer("Archived before: the first receipt again.", RECEIPT_EXAMPLE),
        **_problems(400, 401, 403, 408, 409, 413, 415, 503),
    },
)
_BATCH_EXAMPLE = {"message_id": "2026-000123", "content_type": "application/xml", "body": "PEhvc28+Li4u"}
BATCH = _route(
    _body({FRAMED: _BYTES, NDJSON: {"example": _BATCH_EXAMPLE}}),
    {
        200: _answer(
            "One receipt or problem for each entry, in order.",
            {"items": [RECEIPT_EXAMPLE, {**_PROBLEM_EXAMPLE, "index": 1}]},
        ),
        **_problems(400, 401, 403, 408, 413, 415, 503),
    },
)
EVENT_EXAMPLE = {
    "event_id": "e-2026-000123-2",
    "occurred_at": "2026-11-22T08:02:03+07:00",
    "type": "receipt.accepted",
    "transaction_id": "t-2026-000123",
    "actor": "VSS 07900",
    "state": "accepted",
    "detail": {"note": "01/TB-GD"},
}
EVENTS = _route(
    _body({"application/json": {"example": [EVENT_EXAMPLE]}, NDJSON: {"example": EVENT_EXAMPLE}}),
    {
        200: _answer("One receipt or problem for each event, in order.", {"items": [RECEIPT_EXAMPLE]}),
        **_problems(400, 401, 403, 408, 413, 415, 503),
    },
)
_MEANINGS = {"dossier_prefix": "The dossier number begins so; 3 characters or more."}
SEARCH = _route(
    {
        "parameters": [
            *(_parameter(name, _MEANINGS.get(name, "Equals this value.")) for name in Query.FIELDS),
            _parameter("from", "Received at or after this RFC 3339 time."),
            _parameter("to", "Received before this RFC 3339 time."),
            _parameter("order", "newest (default) or oldest."),
            _parameter("limit", "1 to 1000 items a page; 50 unless told."),
            _parameter("cursor", "next of the page before."),
        ]
    },
    {
        200: _answer("One page.", _PAGE_EXAMPLE),
        **_problems(400, 401, 403, 503),
    },
)
_HISTOGRAM_EXAMPLE = {
    "by": "day",
    "bars": [{"value": "2026-11-22", "entries": 2, "bytes": 20480}],
    "entries": 2,
    "bytes": 20480,
    "unread": [],
}
HISTOGRAM = _route(
    {
        "parameters": [
            _parameter("by", f"{', '.join(HistogramQuery.BY)}; day unless told."),
            *(_parameter(name, "Only entries with this value.") for name in HistogramQuery.FIELDS),
            _parameter("from", "First day (YYYY-MM-DD, UTC)."),
            _parameter("to", "Last day (YYYY-MM-DD, UTC), included."),
        ]
    },
    {200: _answer("Counts and bytes.", _HISTOGRAM_EXAMPLE), **_problems(400, 401, 403, 503)},
)
_KEYS_EXAMPLE = {
    "archive": RECEIPT_EXAMPLE["archive"],
    "keys": [
        {
            "key_id": RECEIPT_EXAMPLE["signing_key"],
            "version": 1,
            "algorithm": "Ed25519",
            "pem": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA...\n-----END PUBLIC KEY-----\n",
            "active": True,
            "from": None,
            "until": None,
            "introduced_by": None,
            "revoked": None,
        }
    ],
}
KEYS: dict[str, Any] = {
    "responses": {200: _answer("The public signing keys, by version.", _KEYS_EXAMPLE), **_problems(503)},
    "response_model": None,
}
MESSAGE = _route({}, {200: _answer("The entry.", _ITEM_EXAMPLE), **_problems(400, 401, 403, 404, 503)})
ORIGINAL = _route(
    {},
    {
        200: {"description": "The exact bytes.", "content": {"application/octet-stream": _BYTES}},
        **_problems(400, 401, 403, 404, 503),
    },
)
RECEIPT = _route(
    {},
    {
        200: _answer("The first receipt, or the one that followed a degraded one.", RECEIPT_EXAMPLE),
        **_problems(400, 401, 403, 404, 503),
    },
)
TRANSACTION = _route(
    {},
    {
        200: _answer("The timeline.", _TIMELINE_EXAMPLE),
        **_problems(400, 401, 403, 404, 503),
    },
)
