"""Examples for the OpenAPI document. Problems are made as the API makes them."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from vanvault.api.health import Health
from vanvault.api.problems import problem_of
from vanvault.archiver.core.errors import (
    AccessDenied,
    Busy,
    Conflict,
    Damaged,
    EncodedBody,
    EntryDisposed,
    InvalidInput,
    NotFound,
    SiteUnavailable,
    TooLarge,
    TooSlow,
)

_ID = "01m80g5b20pzaajt-1-0"
_KEY = f"batch/01m80g5b20pzaajt/0000000001-{'5f' * 32}-{'0' * 103}.messages.parquet"
_EVENT_KEY = _KEY.replace("messages", "events")
_KEY_ID = "9756ec927ce00f03"
_RECEIVED = "2026-11-22T01:02:03.000004Z"


def _placements(key: str) -> list[dict[str, str]]:
    return [
        {
            "site": site,
            "key": key,
            "version": "1m80g5b2mygtxjp-20371123T010203Z",
            "retain_until": "2037-11-23T01:02:03Z",
        }
        for site in ("primary", "standby")
    ]


def _receipt(key: str, **ids: str) -> dict[str, Any]:
    return {
        "id": _ID,
        "gateway": "gateway-1",
        **ids,
        "size": 10240,
        "sha256": "ab" * 32,
        "sha512": "cd" * 64,
        "received_at": _RECEIVED,
        "placements": _placements(key),
        "archive": "6f3b0c52-7f9f-4a06-9d65-6f0f2f1f7c11",
        "format": "vanvault-receipt-v1",
        "object": key,
        "row": 0,
        "policy": "all",
        "signing_key": _KEY_ID,
        "proof": {"index": 0, "size": 1, "path": []},
        "signature": base64.b64encode(bytes(range(64))).decode(),
    }


RECEIPT = _receipt(_KEY, message_id="2026-000123")
MESSAGE_LINE = {"message_id": "2026-000123", "content_type": "application/xml", "body": "PEhvc28+Li4u"}
MESSAGE_LINES = orjson.dumps(MESSAGE_LINE).decode() + "\n"
EVENT = {
    "event_id": "e-2026-000123-2",
    "occurred_at": "2026-11-22T08:02:03+07:00",
    "type": "receipt.accepted",
    "transaction_id": "t-2026-000123",
    "actor": "VSS 07900",
    "state": "accepted",
    "detail": {"note": "01/TB-GD"},
}
EVENT_LINES = orjson.dumps(EVENT).decode() + "\n"

#: By status: what the API says, made as the API makes it.
PROBLEMS: dict[int, dict[str, Any]] = {
    problem["status"]: problem
    for problem in map(
        problem_of,
        (
            InvalidInput(
                "message_id is missing", field="message_id", hint="Give each entry an id of your own."
            ),
            AccessDenied("there is no bearer token", hint="Send: Authorization: Bearer TOKEN."),
            AccessDenied("a gateway may search its own entries only", authenticated=True),
            NotFound(f"the archive holds no entry {_ID}"),
            TooSlow("the body came too slowly", field="body", hint="Send it again, without pauses."),
            Conflict(
                "this gateway archived other bytes under this message id before",
                hint="Use a new id for new content; an archived original never changes.",
            ),
            EntryDisposed(
                f"{_ID} was disposed of on 2037-12-01, under certificate d-0123456789abcdef",
                certificate="d-0123456789abcdef",
                on="2037-12-01",
                hint="Its time was over. The certificate says by which rule, and who approved it.",
            ),
            TooLarge("the body is too large", limit=64 * 2**20, field="body"),
            EncodedBody(
                "the body is encoded: Content-Encoding is not identity",
                field="Content-Encoding",
                hint="Send the bytes of the original, without a coding.",
            ),
            Damaged(f"{_KEY} is damaged at every site", key=_KEY, hint="Run: vanvault verify."),
            SiteUnavailable("the site standby is away", site="standby", may_be_stored=False),
        ),
    )
}
MESSAGE_ENTRIES = {"items": [RECEIPT, {**PROBLEMS[409], "index": 1}]}
EVENT_ENTRIES = {"items": [_receipt(_EVENT_KEY, event_id="e-2026-000123-2")]}
ENTRY = {
    "entry": "message",
    "id": _ID,
    "gateway": "gateway-1",
    "message_id": "2026-000123",
    "received_at": _RECEIVED,
    "size": 10240,
    "sha256": "ab" * 32,
    "sha512": "cd" * 64,
    "kind": "dossier",
    "transaction_id": "t-2026-000123",
    "ivan": "00099",
    "employer_code": "TZ1234Z",
    "tax_code": "0312345678",
    "insurance_numbers": ["7912345678"],
    "dossier_number": "00123/2026/07900",
    "procedure": "600",
    "period": "11/2026",
    "state": "submitted",
    "agency": "07906",
    "content_type": "application/xml",
    "metadata_note": "",
    "large_object": "",
    "object": _KEY,
    "row": 0,
    "segment": None,
    "verified_at": "2026-11-23T02:30:00.000000Z",
    "placements": _placements(_KEY),
    "held": False,
}
READING = {
    "id": _ID,
    "original": {"size": 10240, "sha256": "ab" * 32, "content_type": "application/xml"},
    "language": "vi",
    "title": "Hồ sơ điện tử bảo hiểm xã hội",
    "sections": [
        {
            "heading": "Hồ sơ điện tử bảo hiểm xã hội",
            "file": None,
            "lines": [{"level": 4, "name": "SoHoSo", "words": "Số hồ sơ", "text": "00123/2026/07900"}],
        }
    ],
    "files": [{"number": 1, "name": "D02-TS.xml", "kind": "XML", "size": 4096, "sha256": "cd" * 32}],
    "notes": [],
}
READING_TEXT = "== Hồ sơ điện tử bảo hiểm xã hội\n        Số hồ sơ [SoHoSo]: 00123/2026/07900\n"
READING_PAGE = '<!doctype html>\n<html lang="vi">...</html>\n'
SEARCHED = {
    "fields": {"message_id": "2026-000123"},
    "by": "receipt",
    "covers": "messages and events, by the time at which the archive received them",
    "from": "2026-10-31T17:00:00.000000Z",
    "to": "2026-11-30T17:00:00.000000Z",
    "from_local": "2026-11-01T00:00:00+07:00",
    "to_local": "2026-12-01T00:00:00+07:00",
    "time_zone": "Asia/Ho_Chi_Minh",
}
PAGE = {
    "items": [ENTRY],
    "next": None,
    "partial": None,
    "unread": [],
    "searched": SEARCHED,
    "near": [],
    "near_complete": True,
}
TIMELINE: dict[str, Any] = {
    "transaction_id": "t-2026-000123",
    "items": [ENTRY],
    "unread": [],
    "by": "receipt",
    "retention": [
        {
            "gateway": "gateway-1",
            "state": "succeeded",
            "due": "2036-11-30T17:00:00Z",
            "last_day": "2036-11-30",
            "due_originals": "2036-11-30T17:00:00Z",
            "at_least": "2036-11-30",
            "at_least_originals": "2036-11-30",
            "rule": "10 years",
            "clause": "QĐ 08/2015, art. 5",
            "profile": "QD08-2015",
            "disposed": [],
            "partial": False,
        }
    ],
}
KEPT = {
    **TIMELINE["retention"][0],
    "kept_until_at_least": "2036-11-30",
    "lock": "2037-11-23T01:02:03Z",
    "locks": [
        {"site": site, "key": _KEY, "retain_until": "2037-11-23T01:02:03Z", "problem": None}
        for site in ("primary", "standby")
    ],
    "receipt_says": "2027-01-13T01:02:03Z",
    "words": {
        "vi": ["Được lưu ít nhất đến hết ngày 2036-11-30 theo giờ Việt Nam: 10 năm."],
        "en": ["It is kept until the end of 2036-11-30 in Vietnam at least: 10 years."],
    },
}
HISTOGRAM = {
    "by": "day",
    "bars": [{"value": "2026-11-22", "entries": 2, "bytes": 20480}],
    "entries": 2,
    "bytes": 20480,
    "unread": [],
    "from": "2026-11-01",
    "to": "2026-11-30",
    "time_zone": "UTC",
}
KEYS = {
    "archive": RECEIPT["archive"],
    "keys": [
        {
            "key_id": _KEY_ID,
            "version": 1,
            "algorithm": "Ed25519",
            "pem": "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEA9mES2lyB6ZflK8TbJf+xYMJsexEgyC7X/tUtkEBhueI=\n"
            "-----END PUBLIC KEY-----\n",
            "active": True,
            "from": None,
            "until": None,
            "introduced_by": None,
            "revoked": None,
        }
    ],
}
_SITES: list[dict[str, Any]] = [
    {"site": site, "state": "healthy", "since": None, "reason": "", "barred": [], "lag": None}
    for site in ("primary", "standby")
]
_TASKS = [
    {
        "task": "probe",
        "state": "waiting",
        "failures": 0,
        "error": "",
        "last_success": "2026-11-22T01:02:03Z",
    }
]
READY = {**Health("ready").body(), "sites": _SITES, "tasks": _TASKS}
NOT_READY = {
    **Health("draining", Busy("the node is shutting down", retry_after=2, hint="Use another node.")).body(),
    "sites": _SITES,
    "tasks": _TASKS,
}
NOT_LIVE = Health("failed", Busy("the node failed")).body()
METRICS = "# TYPE vanvault_ready gauge\nvanvault_ready 1.0\n"

SIGN_ON = {"account": "lan", "password": "Mưa rào ở Huế", "code": "123456"}
ACCESS = {
    "looks": [
        {
            "id": "1m8pcmra4jnthhb8-7-0",
            "at": "2026-11-22T01:32:05.123456Z",
            "who": "lan",
            "by": "account",
            "by_id": "a-0123456789abcdef",
            "address": "10.0.0.7",
            "port": 50123,
            "session": "s-0f3a5c7e9b1d2f40",
            "roles": ["auditor-log"],
            "os_account": "",
            "act": "search",
            "outcome": "shown",
            "reason": "",
            "asked": {"employer_code": "TZ1234Z"},
            "shown": ["1m8pcmve2h7yn7kr-3-0"],
            "count": 1,
            "objects": [],
            "purpose": "",
            "request": "0123456789abcdef0123456789abcdef",
            "requests": 1,
        }
    ],
    "more": False,
    "partial": False,
    "others_until": "2026-11-22T08:02:03Z",
}
VERIFICATIONS = {
    "verifications": [
        {
            "finished_at": "2026-11-22T02:30:00Z",
            "subset": "3/30",
            "whole": True,
            "findings": {},
            "asked": ["primary", "standby"],
            "sites": {
                site: {"objects": 120, "bytes": 3145728, "damaged": [], "aside": 0}
                for site in ("primary", "standby")
            },
            "seconds": 12.5,
        }
    ],
    "partial": False,
}
JOB = {
    "id": "1m8pcmra4jnthhb8-7-0",
    "type": "verify.finished",
    "at": "2026-11-22T02:30:12Z",
    "began_at": "2026-11-22T02:30:00Z",
    "outcome": "succeeded",
    "about": "3/30",
    "bytes": 6291456,
    "seconds": 12.5,
    "who": "vanvault",
}
JOBS = {"jobs": [JOB], "next": "1795314612000000", "partial": False}
ASK_JOB = {"verb": "drill", "scenario": "index-lost", "subset": "1/1"}
ASKED_JOB = {**ASK_JOB, "asked": "0f3a5c7e9b1d2f40", "who": "lan", "already": False}
RUNNING_JOBS = {
    "at": "2026-11-22T03:10:02Z",
    "here": [
        {
            "id": "0f3a5c7e9b1d2f40",
            "verb": "restore",
            "about": "from primary",
            "who": "lan",
            "job": None,
            "asked": None,
            "host": "node-1",
            "began_at": "2026-11-22T02:30:00Z",
            "updated_at": "2026-11-22T03:10:00Z",
            "phase": "restoring standby",
            "objects": 5000,
            "bytes": 2500000000,
            "of_objects": 20000,
            "of_bytes": 10000000000,
            "percent": 25,
            "ends_at": "2026-11-22T05:10:00Z",
            "limit_at": "2026-11-22T10:30:00Z",
            "expected_seconds": None,
            "late": False,
        }
    ],
    "leased": [
        {
            "job": "backup",
            "run": "9b1d2f400f3a5c7e",
            "host": "node-2",
            "since": "2026-11-22T02:00:00Z",
            "until": "2026-11-22T22:10:00Z",
            "this_home": False,
        }
    ],
}
ONE_JOB = {
    **JOB,
    "told": {"whole": True, "share": "3/30", "findings": {}, "ms": 12500, "who": "vanvault"},
    "parts": [],
    "more_parts": False,
    "drill": None,
}
DRILLS = {
    "drills": [
        {
            "scenario": "primary-lost",
            "last": {
                "id": "d-20261122",
                "finished_at": "2026-11-22T03:00:00Z",
                "passed": True,
                "rto_seconds": 5400.0,
                "rpo_messages": 0,
                "rpo_later_messages": 0,
                "report_sha256": "ab" * 32,
            },
            "last_passed": "2026-11-22T03:00:00Z",
            "every_days": 90,
            "due": "2027-02-20T03:00:00Z",
            "overdue": False,
        }
    ],
    "overdue": [],
    "partial": False,
}
APPROVAL = {
    "id": "q-0f3a5c7e9b1d2f40",
    "act": "key-unwrap",
    "about": "show the data key of an object",
    "subject": {"object": "batch/2026/11/22/1m8pcmra4jnthhb8-7", "reason": "hồ sơ 12/TT"},
    "beneficiaries": [],
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "requester": "a-0123456789abcdef",
    "requested_by": "lan",
    "requested_at": "2026-11-22T01:30:00Z",
    "state": "open",
    "why": "0 of 1 approvals",
    "needed": 1,
    "until": "2026-11-25T01:30:00Z",
    "approved_by": [],
    "used_by": [],
}
APPROVALS = {"approvals": [APPROVAL], "own_only": False, "partial": False}
APPROVED = {
    **APPROVAL,
    "state": "approved",
    "why": "",
    "until": "2026-11-23T01:40:00Z",
    "approved_by": [{"account": "binh", "at": "2026-11-22T01:40:00Z"}],
}
APPROVAL_REFUSED = {**APPROVAL, "state": "refused", "why": "binh refused it: not needed", "until": None}
DISPOSAL = {
    "disposal": "d-0f3a5c7e9b1d2f40",
    "state": "cooling",
    "plan": "disposal-d-0f3a5c7e9b1d2f40.plan",
    "plan_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "planned_at": "2037-11-22T01:30:00Z",
    "who": "lan",
    "entries": 1200,
    "originals": 400,
    "bytes": 52428800,
    "segments": 2,
    "approval": {
        "request": "q-0f3a5c7e9b1d2f40",
        "state": "approved",
        "why": None,
        "approved_by": ["binh", "hoa"],
        "approved_at": "2037-11-23T02:00:00Z",
        "until": "2038-01-06T02:00:00Z",
    },
    "cools_until": "2037-12-07T02:00:00Z",
    "withdrawn": None,
    "begun": None,
    "rechecked": [],
    "replaced": [],
    "removed": [],
    "halted": [],
    "dropped": {},
    "backups_gone": None,
    "certificates": [],
}
DISPOSALS = {"disposals": [DISPOSAL], "partial": False}
EXTRACTION = {
    "extraction": "x-0f3a5c7e9b1d2f40",
    "state": "requested",
    "form": {
        "letter": {
            "number": "123/TTr-BHXH",
            "day": "2026-11-20",
            "agency": "Thanh tra BHXH tỉnh Đắk Lắk",
            "scan_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
        "fields": ["dossier_number", "received_at"],
        "filter": {"employer_code": "TA0001A"},
        "purpose": "Thanh tra đóng BHXH năm 2026",
        "recipient": {"name": "Nguyễn Văn Minh", "agency": "Thanh tra BHXH tỉnh Đắk Lắk"},
        "until": "2026-12-31",
        "copies": ["pdf"],
        "version": 1,
    },
    "form_sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "absent": ["insurance_numbers", "original", "receipt"],
    "count": 12,
    "before": "2026-11-22T01:30:00.000001Z",
    "scan": "extraction-x-0f3a5c7e9b1d2f40-letter",
    "requested_at": "2026-11-22T01:30:00Z",
    "who": "lan",
    "approval": None,
    "ran": None,
    "handed_over": None,
}
EXTRACTIONS = {"extractions": [EXTRACTION], "partial": False}
ASKED_EXTRACTION = {**EXTRACTION, "already": False, "approval_request": "q-0f3a5c7e9b1d2f40"}
ASK_EXTRACTION = {
    "form": {name: value for name, value in dict(EXTRACTION["form"]).items() if name != "version"},  # type: ignore[call-overload]
    "scan": "JVBERi0xLjcK",
}
DRILL_REPORT = {
    "report": {"id": "d-20261122", "scenario": "primary-lost", "passed": True, "signature": "..."}
}
SESSION = {
    "id": "s-0f3a5c7e9b1d2f40",
    "account": "lan",
    "account_id": "a-0123456789abcdef",
    "method": "password+code",
    "roles": ["auditor-log"],
    "permissions": ["search", "receipts", "verify-results"],
    "opened_at": "2026-11-22T01:30:00Z",
    "authenticated_at": "2026-11-22T01:30:00Z",
    "until": "2026-11-22T09:30:00Z",
    "idle_s": 900,
}
SESSION_OPENED = {"secret": "vvs_" + "A" * 43, **SESSION}
DEVICE = {
    "device": "5f0c...",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://login.example.vn/realms/staff/device",
    "verification_uri_complete": "https://login.example.vn/realms/staff/device?user_code=WDJB-MJHT",
    "interval_s": 5,
    "lifetime_s": 600,
}
SESSIONS = {
    "sessions": [
        {
            "id": "s-0f3a5c7e9b1d2f40",
            "account": "lan",
            "account_id": "a-0123456789abcdef",
            "method": "password+code",
            "address": "10.0.0.7",
            "opened_at": "2026-11-22T01:30:00Z",
            "authenticated_at": "2026-11-22T01:30:00Z",
            "used_at": "2026-11-22T01:42:00Z",
            "until": "2026-11-22T09:30:00Z",
        }
    ]
}
CHALLENGE = {
    "options": {
        "challenge": "A" * 43,
        "rpId": "archive.example.vn",
        "timeout": 120000,
        "userVerification": "required",
        "allowCredentials": [{"id": "B" * 43, "type": "public-key"}],
    },
    "ticket": "5f0c...",
}
CHALLENGE_MET = {"ticket": "5f0c...", "answer": {"id": "B" * 43, "rawId": "B" * 43, "type": "public-key"}}
AUTHENTICATOR = {"id": "B" * 43, "label": "key on my ring"}
BREAK_GLASS = {"account": "lan", "secret": f"VVB-{'-'.join(['AAAA'] * 8)}"}
BREAK_GLASS_TRIED = {"test": True, "account": "lan", "roles": ["operator"]}
