"""What the OpenAPI document says about each route, with the models of ``wire.py`` and ``examples.py``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from vanvault.api import (
    examples,
    wire,
    wire_disposal,
    wire_extraction,
    wire_search,
)
from vanvault.api.batch_body import FRAMED, NDJSON
from vanvault.api.openapi_parts import DESCRIBED as _DESCRIBED
from vanvault.api.openapi_parts import Responses as _Responses
from vanvault.api.openapi_parts import Security as _Security
from vanvault.api.openapi_parts import answer_of as _answer
from vanvault.api.openapi_parts import body_of as _body
from vanvault.api.openapi_parts import header as _header
from vanvault.api.openapi_parts import lines_of as _lines
from vanvault.api.openapi_parts import parameter as _parameter
from vanvault.api.openapi_parts import problem_answer as _problem
from vanvault.api.openapi_parts import problem_answers as _problems
from vanvault.api.openapi_parts import route_of as _route
from vanvault.archiver.catalogue import HistogramQuery, Query
from vanvault.archiver.core.model import BUSINESS_FIELDS
from vanvault.archiver.people.looks import ACTS, MOST_PURPOSE, OUTCOMES

_READS = (400, 401, 403, 404, 500, 503)
_READS_OF_ENTRY = (400, 401, 403, 404, 410, 500, 503)
_BYTES = {"schema": {"type": "string", "format": "binary"}}


PUSH = _route(
    "pushMessage",
    {
        **_body({"application/xml": _BYTES, "application/octet-stream": _BYTES}),
        "parameters": [
            _header(
                "Vanvault-Message-Id",
                "The gateway's own id of the message; percent-encode what is not ASCII.",
                required=True,
            ),
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
        201: _answer("Archived: locked at both sites.", wire.ReceiptAnswer, examples.RECEIPT),
        200: _answer("Archived before: the first receipt again.", wire.ReceiptAnswer, examples.RECEIPT),
        **_problems(400, 401, 403, 408, 409, 410, 413, 415, 500, 503),
    },
)
BATCH = _route(
    "pushBatch",
    _body({FRAMED: _BYTES, NDJSON: _lines(wire.MessageLine, examples.MESSAGE_LINES)}),
    {
        200: _answer(
            "One receipt or problem for each entry, in order.", wire.EntriesAnswer, examples.MESSAGE_ENTRIES
        ),
        **_problems(400, 401, 403, 408, 413, 415, 500, 503),
    },
)
EVENTS = _route(
    "pushEvents",
    _body(
        {
            "application/json": {
                "schema": {"type": "array", "items": wire.reference(wire.EventLine), "minItems": 1},
                "example": [examples.EVENT],
            },
            NDJSON: _lines(wire.EventLine, examples.EVENT_LINES),
        }
    ),
    {
        200: _answer(
            "One receipt or problem for each event, in order.", wire.EntriesAnswer, examples.EVENT_ENTRIES
        ),
        **_problems(400, 401, 403, 408, 413, 415, 500, 503),
    },
)
_PURPOSE = [
    _parameter(
        "purpose", "Why, in words; of a person required, and on record.", minLength=1, maxLength=MOST_PURPOSE
    ),
    _header("Purpose", "The same as the parameter; percent-encode what is not ASCII."),
]
_VALUE = {"minLength": 1, "maxLength": Query.MAX_VALUE}
_SEARCHED: dict[str, dict[str, Any]] = {
    "entry": {"description": "Messages or events only.", "enum": ["message", "event"]},
    "dossier_prefix": {"description": "The dossier number begins so; 3 characters or more.", "minLength": 3},
    "sha256": {"description": "Of an original, or of a canonical event.", "pattern": "^[0-9A-Fa-f]{64}$"},
}
_DURING = _parameter(
    "during", "In place of from and to: the whole of 2026-03-31, 03/2026, Q1/2026, 2026 or 01/2026..03/2026."
)
_FIELDS = [
    *(
        _parameter(name, **{"description": "Has this value (docs/search.md).", **_VALUE, **more})
        for name in Query.FIELDS
        for more in [_SEARCHED.get(name, {})]
    ),
    _parameter("from", "Received at or after this RFC 3339 time, or date: its midnight in search.time_zone."),
    _parameter("to", "Received before this RFC 3339 time, or before this date."),
    _DURING,
]
SEARCH = _route(
    "search",
    {
        "parameters": [
            *_FIELDS,
            _parameter("order", "Newest first, or oldest.", enum=["newest", "oldest"], default="newest"),
            _parameter(
                "limit", "Items a page.", type="integer", minimum=1, maximum=Query.MAX_LIMIT, default=50
            ),
            _parameter("cursor", "next of the page before."),
            _parameter(
                "by",
                "Which time is meant; occurrence: of events only, which alone tell it.",
                enum=["receipt", "occurrence"],
                default="receipt",
            ),
            _parameter(
                "due",
                "Say of each entry until when it is kept (retention); for limits up to 100.",
                type="boolean",
                default=False,
            ),
        ]
    },
    {
        200: _answer("One page.", wire_search.PageAnswer, examples.PAGE),
        **_problems(400, 401, 403, 500, 503),
    },
)
HISTOGRAM = _route(
    "histogram",
    {
        "parameters": [
            _parameter("by", "What to count by.", enum=list(HistogramQuery.BY), default="day"),
            *(_parameter(name, "Only entries with this value.", **_VALUE) for name in HistogramQuery.FIELDS),
            _parameter("from", "First day (UTC).", format="date"),
            _parameter("to", "Last day (UTC), included.", format="date"),
            _parameter("during", "In place of both: 2026-03-31, 03/2026, Q1/2026 or 2026, of days of UTC."),
        ]
    },
    {
        200: _answer("Counts and bytes.", wire_search.HistogramAnswer, examples.HISTOGRAM),
        **_problems(400, 401, 403, 500, 503),
    },
)
MESSAGE = _route(
    "entry",
    {},
    {200: _answer("The entry.", wire_search.EntryAnswer, examples.ENTRY), **_problems(*_READS_OF_ENTRY)},
)
ORIGINAL = _route(
    "original",
    {"parameters": _PURPOSE},
    {
        200: {
            "description": "The exact bytes, with the Content-Type that the gateway sent.",
            "headers": {
                "Vanvault-Sha256": {
                    "description": "SHA-256 of the bytes, as hexadecimal digits.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            },
            "content": {"*/*": _BYTES},
        },
        **_problems(*_READS_OF_ENTRY),
    },
)
_READING = _answer("The reading.", wire_search.ReadingAnswer, examples.READING)
READABLE = _route(
    "readable",
    {
        "parameters": [
            *_PURPOSE,
            _parameter("form", "How it comes.", enum=["json", "text", "html"], default="json"),
            _parameter("lang", "Language of its words.", enum=["vi", "en"], default="en"),
        ]
    },
    {
        200: {
            **_READING,
            "content": {
                **_READING["content"],
                "text/plain": {"schema": {"type": "string"}, "example": examples.READING_TEXT},
                "text/html": {"schema": {"type": "string"}, "example": examples.READING_PAGE},
            },
            "headers": {
                "Vanvault-Sha256": {
                    "description": "SHA-256 of the original, as hexadecimal digits.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            },
        },
        **_problems(*_READS_OF_ENTRY),
    },
)
RECEIPT = _route(
    "receipt",
    {},
    {
        200: {
            **_answer(
                "The first receipt, or the one after a degraded one.",
                wire.ReceiptAnswer,
                examples.RECEIPT,
            ),
            "headers": {
                "Vanvault-Cleared-Into": {
                    "description": "Its object was cleared: id of the segment that holds its rows.",
                    "required": False,
                    "schema": {"type": "string"},
                },
                "Vanvault-Cleared-At": {
                    "description": "Sites at which it was cleared, with commas.",
                    "required": False,
                    "schema": {"type": "string"},
                },
            },
        },
        **_problems(*_READS_OF_ENTRY),
    },
)
KEPT = _route(
    "kept",
    {},
    {
        200: _answer("What is owed, and what locks it now.", wire_search.KeptAnswer, examples.KEPT),
        **_problems(*_READS_OF_ENTRY),
    },
)
TRANSACTION = _route(
    "transaction",
    {
        "parameters": [
            _parameter(
                "by",
                "The time that orders the entries; of a message, which has no other, its receipt.",
                enum=["receipt", "occurrence"],
                default="receipt",
            )
        ]
    },
    {200: _answer("The timeline.", wire_search.TimelineAnswer, examples.TIMELINE), **_problems(*_READS)},
)
KEYS = _route(
    "keys",
    {},
    {
        200: _answer("The public signing keys, by version.", wire.KeysAnswer, examples.KEYS),
        **_problems(500, 503),
    },
    security=[],
)
_ANYBODY: _Security = [{}, {"bearer": []}]
LIVE = _route(
    "live",
    {},
    {
        200: _answer("The process answers.", wire.LiveAnswer, {"status": "live"}),
        503: {
            **_problem(503, wire.NotLiveProblem, examples.NOT_LIVE),
            "description": "The node failed; only a new start helps.",
        },
    },
    security=_ANYBODY,
)
READY = _route(
    "ready",
    {},
    {
        200: _answer("A message would be accepted now.", wire.ReadyAnswer, examples.READY),
        503: {
            **_problem(503, wire.NotReadyProblem, examples.NOT_READY),
            "description": "No message would be accepted now; the answer says why.",
        },
    },
    security=_ANYBODY,
)
SIGN_ON = _route(
    "signOn",
    _body(
        {"application/json": {"schema": wire.reference(wire.SignOnBody), "example": examples.SIGN_ON}},
    ),
    {
        201: _answer("Signed on.", wire.SessionAnswer, examples.SESSION_OPENED),
        **_problems(400, 401, 408, 413, 500, 503),
    },
    security=_ANYBODY,
)
BEGIN_DEVICE = _route(
    "beginDevice",
    {},
    {
        200: _answer("What the person confirms in a browser.", wire.DeviceAnswer, examples.DEVICE),
        **_problems(400, 404, 500, 503),
    },
    security=_ANYBODY,
)
POLL_DEVICE = _route(
    "pollDevice",
    _body(
        {
            "application/json": {
                "schema": wire.reference(wire.DeviceBody),
                "example": {"device": examples.DEVICE["device"]},
            }
        },
    ),
    {
        201: _answer("Signed on.", wire.SessionAnswer, examples.SESSION_OPENED),
        202: _answer("Not confirmed yet.", wire.DeviceStateAnswer, {"state": "pending"}),
        **_problems(400, 401, 404, 408, 413, 500, 503),
    },
    security=_ANYBODY,
)
SESSION = _route(
    "session",
    {},
    {
        200: _answer("Who is signed on.", wire.SessionAnswer, examples.SESSION),
        **_problems(400, 401, 403, 500, 503),
    },
)
SIGN_OFF = _route(
    "signOff",
    {},
    {204: {"description": "The session is over at every node."}, **_problems(400, 401, 403, 500, 503)},
)


def _json_body(model: type[BaseModel], example: object) -> dict[str, Any]:
    return _body({"application/json": {"schema": wire.reference(model), "example": example}})


BREAK_GLASS = _route(
    "breakGlass",
    _json_body(wire.BreakGlassBody, examples.BREAK_GLASS),
    {
        200: _answer("A test credential was right.", wire.BreakGlassAnswer, examples.BREAK_GLASS_TRIED),
        201: _answer("Signed on.", wire.SessionAnswer, {**examples.SESSION_OPENED, "method": "break-glass"}),
        **_problems(400, 401, 408, 413, 500, 503),
    },
    security=_ANYBODY,
)
_CHALLENGE = _answer("A challenge.", wire.ChallengeAnswer, examples.CHALLENGE)
BEGIN_AUTHENTICATOR = _route(
    "beginAuthenticator",
    _json_body(wire.ChallengeBody, {"account": "lan"}),
    {200: _CHALLENGE, **_problems(400, 404, 408, 413, 500, 503)},
    security=_ANYBODY,
)
FINISH_AUTHENTICATOR = _route(
    "finishAuthenticator",
    _json_body(wire.AssertionBody, examples.CHALLENGE_MET),
    {
        201: _answer("Signed on.", wire.SessionAnswer, examples.SESSION_OPENED),
        **_problems(400, 401, 404, 408, 413, 500, 503),
    },
    security=_ANYBODY,
)
AUTHENTICATORS = _route(
    "authenticators",
    {},
    {
        200: _answer("One's own.", wire.AuthenticatorsAnswer, {"authenticators": [examples.AUTHENTICATOR]}),
        **_problems(400, 401, 403, 500, 503),
    },
)
BEGIN_ENROLMENT = _route("beginEnrolment", {}, {200: _CHALLENGE, **_problems(400, 401, 403, 404, 500, 503)})
FINISH_ENROLMENT = _route(
    "finishEnrolment",
    _json_body(wire.EnrolmentBody, {**examples.CHALLENGE_MET, "label": "key on my ring"}),
    {
        201: _answer("It is enrolled.", wire.AuthenticatorAnswer, examples.AUTHENTICATOR),
        **_problems(400, 401, 403, 404, 408, 409, 413, 500, 503),
    },
)
REMOVE_AUTHENTICATOR = _route(
    "removeAuthenticator",
    {},
    {204: {"description": "It is removed."}, **_problems(400, 401, 403, 404, 409, 500, 503)},
)
_WHOSE = {"parameters": [_parameter("account", "Name of another account; without it, one's own sessions.")]}
SESSIONS = _route(
    "sessions",
    _WHOSE,
    {
        200: _answer("Those that may still be used.", wire.SessionsAnswer, examples.SESSIONS),
        **_problems(400, 401, 403, 404, 500, 503),
    },
)
END_SESSIONS = _route(
    "endSessions",
    _WHOSE,
    {204: {"description": "All are over at every node."}, **_problems(400, 401, 403, 404, 500, 503)},
)
END_SESSION = _route(
    "endSession",
    _WHOSE,
    {204: {"description": "It is over at every node."}, **_problems(400, 401, 403, 404, 500, 503)},
)
ACCESS = _route(
    "access",
    {
        "parameters": [
            _parameter("who", "Only this account, or this gateway."),
            _parameter("message", "Who has seen this message: its id in the archive, or its gateway's."),
            _parameter("employer", "Who has seen entries of this employer, or asked for them."),
            _parameter("act", "Only this.", enum=list(ACTS)),
            _parameter("outcome", "Only what came to this.", enum=list(OUTCOMES)),
            _parameter("from", "On record at or after this RFC 3339 time, or date."),
            _parameter("to", "On record before this RFC 3339 time, or date."),
            _DURING,
            _parameter("limit", "Looks, at most.", type="integer", minimum=1, maximum=1000, default=50),
        ]
    },
    {200: _answer("The looks.", wire.AccessAnswer, examples.ACCESS), **_problems(400, 401, 403, 500, 503)},
)
_EXPORT_HEADERS = {
    "Vanvault-Export": "The id of the export, as the record has it.",
    "Vanvault-Sha256": "SHA-256 of the ZIP, as hexadecimal digits.",
    "Vanvault-Unreadable": "How much could be read at no site; the manifest names it.",
}
EXPORT = _route(
    "export",
    {"parameters": [*_FIELDS, *_PURPOSE]},
    {
        200: {
            "description": "A ZIP of originals, receipts and a signed manifest (docs/export.md).",
            "headers": {
                name: {"description": text, "required": True, "schema": {"type": "string"}}
                for name, text in _EXPORT_HEADERS.items()
            },
            "content": {"application/zip": _BYTES},
        },
        **_problems(400, 401, 403, 413, 500, 503),
    },
)
VERIFICATIONS = _route(
    "verifications",
    {
        "parameters": [
            _parameter("limit", "Runs, at most.", type="integer", minimum=1, maximum=1000, default=50)
        ]
    },
    {
        200: _answer("Verifications, newest first.", wire.VerificationsAnswer, examples.VERIFICATIONS),
        **_problems(400, 401, 403, 500, 503),
    },
)
DRILLS = _route(
    "drills",
    {},
    {
        200: _answer("Every scenario, and its last drill.", wire.DrillsAnswer, examples.DRILLS),
        **_problems(400, 401, 403, 500, 503),
    },
)
_OF_APPROVALS: _Responses = {
    404: {**_problem(404), "description": "No request of this id that the caller may see."},
    409: {**_problem(409), "description": "It is not open any more, or not the one with this digest."},
}
APPROVALS = _route(
    "approvals",
    {"parameters": [_parameter("all", "Those too that are good for nothing any more.", type="boolean")]},
    {
        200: _answer("Requests for approval.", wire.ApprovalsAnswer, examples.APPROVALS),
        **_problems(400, 401, 403, 500, 503),
    },
)
APPROVAL = _route(
    "approval",
    {},
    {
        200: _answer("The request.", wire.ApprovalAnswer, examples.APPROVAL),
        **_problems(400, 401, 403, 500, 503),
        404: _OF_APPROVALS[404],
    },
)


def _saying(name: str, model: type[BaseModel], said: dict[str, str], after: dict[str, Any]) -> dict[str, Any]:
    """What a person says to a request for approval."""
    content = {"application/json": {"schema": wire.reference(model), "example": said}}
    answer = _answer("The request as it stands now.", wire.ApprovalAnswer, after)
    problems = {**_problems(400, 401, 403, 408, 413, 500, 503), **_OF_APPROVALS}
    return _route(name, _body(content), {200: answer, **problems})


_DIGEST = {"digest": str(examples.APPROVAL["digest"])}
APPROVE = _saying("approve", wire.ApproveBody, _DIGEST, examples.APPROVED)
REFUSE = _saying("refuse", wire.RefuseBody, {**_DIGEST, "reason": "not needed"}, examples.APPROVAL_REFUSED)
DISPOSALS = _route(
    "disposals",
    {},
    {
        200: _answer("Disposals on record.", wire_disposal.DisposalsAnswer, examples.DISPOSALS),
        **_problems(400, 401, 403, 500, 503),
    },
)
DISPOSAL = _route(
    "disposal",
    {},
    {
        200: _answer("The disposal.", wire_disposal.DisposalAnswer, examples.DISPOSAL),
        **_problems(400, 401, 403, 404, 500, 503),
    },
)
EXTRACTIONS = _route(
    "extractions",
    {},
    {
        200: _answer("Extractions by form.", wire_extraction.ExtractionsAnswer, examples.EXTRACTIONS),
        **_problems(400, 401, 403, 500, 503),
    },
)
EXTRACTION = _route(
    "extraction",
    {},
    {
        200: _answer("The extraction.", wire_extraction.ExtractionAnswer, examples.EXTRACTION),
        **_problems(400, 401, 403, 404, 500, 503),
    },
)
_NO_EXTRACTION: _Responses = {
    409: {**_problem(409), "description": "Other entries are found than were approved, or it ran already."}
}
ASK_EXTRACTION = _route(
    "askExtraction",
    _body(
        {
            "application/json": {
                "schema": wire.reference(wire_extraction.AskExtractionBody),
                "example": examples.ASK_EXTRACTION,
            }
        }
    ),
    {
        201: _answer(
            "On record; others approve it.", wire_extraction.AskedExtractionAnswer, examples.ASKED_EXTRACTION
        ),
        200: _answer(
            "It waits already.",
            wire_extraction.AskedExtractionAnswer,
            {**examples.ASKED_EXTRACTION, "already": True},
        ),
        **_problems(400, 401, 403, 408, 413, 500, 503),
    },
)
RUN_EXTRACTION = _route(
    "runExtraction",
    {},
    {
        200: {
            "description": "A ZIP of the fields of the form, with a signed manifest (docs/extraction.md).",
            "headers": {
                name: {"description": text, "required": True, "schema": {"type": "string"}}
                for name, text in _EXPORT_HEADERS.items()
            },
            "content": {"application/zip": _BYTES},
        },
        **_problems(400, 401, 403, 404, 500, 503),
        **_NO_EXTRACTION,
    },
)
DRILL = _route(
    "drill",
    {},
    {
        200: _answer("Its signed report.", wire.DrillReportAnswer, examples.DRILL_REPORT),
        **_problems(*_READS),
    },
)
METRICS = _route(
    "metrics",
    {},
    {
        200: {
            "description": "The Prometheus text format.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}},
        },
        **_problems(401, 500),
    },
    security=_ANYBODY,
)


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's document with our schemas, and without what it adds that is not so."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A gateway's, or a person's session.",
        }
    }
    components["schemas"] = wire.schemas()
    for methods in document["paths"].values():
        for route in methods.values():
            route["responses"].pop("422", None)  # no route gives it
            for status, answer in _DESCRIBED[route["operationId"]].items():
                if "content" in answer:
                    route["responses"][str(status)]["content"] = answer["content"]
    return document


DRILL_FILE = _route(
    "drillFile",
    {},
    {
        200: {
            "description": "report.json, report.en.pdf, report.vi.pdf, report.en.html, report.vi.html.",
            "content": {"application/json": _BYTES, "application/pdf": _BYTES, "text/html": _BYTES},
        },
        **_problems(400, 401, 403, 404, 500, 503),
    },
)
