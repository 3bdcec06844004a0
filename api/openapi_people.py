"""What the OpenAPI document says about routes of accounts, holds, certificates, reports and legal duties."""

from __future__ import annotations

from vanvault.api import examples_people, wire_disposal, wire_people
from vanvault.api.openapi_parts import answer_of, parameter, problem_answers, route_of

_READS = (400, 401, 403, 404, 500, 503)
_BYTES = {"schema": {"type": "string", "format": "binary"}}

ACCOUNTS = route_of(
    "accounts",
    {"parameters": [parameter("all", "Those too that can do nothing any more.", type="boolean")]},
    {
        200: answer_of("Accounts and gateways.", wire_people.AccountsAnswer, examples_people.ACCOUNTS),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
ACCOUNT = route_of(
    "account",
    {},
    {
        200: answer_of("It.", wire_people.OneAccountAnswer, {"account": examples_people.ACCOUNT}),
        **problem_answers(400, 401, 403, 404, 500, 503),
    },
)
REPORTS = route_of(
    "reports",
    {},
    {
        200: answer_of("Made, and due.", wire_people.ReportsAnswer, examples_people.REPORTS),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
REPORT = route_of(
    "report",
    {},
    {
        200: answer_of("It.", wire_people.SignedReportAnswer, examples_people.SIGNED_REPORT),
        **problem_answers(*_READS),
    },
)
REPORT_FILES = route_of(
    "reportFiles",
    {},
    {
        200: {"description": "A ZIP of its files.", "content": {"application/zip": _BYTES}},
        **problem_answers(*_READS),
    },
)
LAW = route_of(
    "law",
    {"parameters": [parameter("on", "Only what is known to be in force on this day.", format="date")]},
    {
        200: answer_of("The table.", wire_people.LawAnswer, examples_people.LAW),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
DISPOSAL_CERTIFICATE = route_of(
    "disposalCertificate",
    {},
    {
        200: {
            "description": "The file: report.json, certificate.en.pdf or certificate.vi.pdf.",
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {"format": "vanvault-disposal-certificate-v1", "number": 1},
                },
                "application/pdf": _BYTES,
            },
        },
        **problem_answers(*_READS),
    },
)
HOLDS = route_of(
    "holds",
    {"parameters": [parameter("all", "Those too that are released.", type="boolean")]},
    {
        200: answer_of("Holds.", wire_disposal.HoldsAnswer, examples_people.HOLDS),
        **problem_answers(400, 401, 403, 500, 503),
    },
)
HOLD = route_of(
    "hold",
    {},
    {
        200: answer_of("It.", wire_disposal.CountedHoldAnswer, examples_people.COUNTED_HOLD),
        **problem_answers(*_READS),
    },
)
