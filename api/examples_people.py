"""Examples of what answers about accounts, holds, reports and duties hold; others: ``examples.py``."""

from __future__ import annotations

ACCOUNT = {
    "id": "a-0123456789abcdef",
    "account": "lan",
    "kind": "person",
    "full_name": "Nguyễn Thị Lan",
    "unit": "Phòng Kiểm tra",
    "owner": "",
    "state": "active",
    "why": "",
    "roles": ["auditor-log"],
    "grants": [
        {
            "role": "auditor-log",
            "from": "2026-11-22",
            "until": None,
            "granted_at": "2026-11-22T01:02:03Z",
            "granted_by": "minh",
        }
    ],
    "valid_from": None,
    "valid_until": None,
    "suspensions": [],
    "late": [],
    "identities": [],
    "added_at": "2026-11-22T01:02:03Z",
    "last_seen": "2026-11-30T01:30:00Z",
    "idle_days": 1,
    "reviewed_at": None,
    "review_due": "2027-05-22",
    "review_is_due": False,
    "look_at": [],
    "factors": ["codes", "password"],
}
ACCOUNTS = {"accounts": [ACCOUNT], "lacking": []}
MADE_REPORT = {
    "id": "operation-2026-10-1f0c9a2e",
    "report": "operation",
    "period": "2026-10",
    "at": "2026-11-01T17:10:00Z",
    "complete": True,
    "full": False,
    "sha256": "0" * 64,
    "who": "minh",
}
REPORTS = {
    "reports": [MADE_REPORT],
    "due": [
        {
            "report": "operation",
            "period": "2026-10",
            "due_before": "2026-11-10",
            "state": "made",
            "made": MADE_REPORT,
        }
    ],
    "partial": False,
}
SIGNED_REPORT = {"report": {"format": "vanvault-report-v1", "id": "operation-2026-10-1f0c9a2e"}}
LAW = {
    "on": None,
    "duties": [
        {
            "name": "data-recovered",
            "text": "QD08-2015",
            "title": {"en": "Decision 08/2015/QD-TTg", "vi": "Quyết định 08/2015/QĐ-TTg"},
            "clause": {"en": "", "vi": ""},
            "mark": "source",
            "value": 8,
            "unit": "hours",
            "in_force_from": "2015-05-01",
            "in_force_until": None,
            "limited": None,
            "duty": {
                "en": "Data are recovered at most 8 hours after an incident.",
                "vi": "Dữ liệu được khôi phục chậm nhất 8 giờ sau khi xảy ra sự cố.",
            },
            "citation": {"en": "Decision 08/2015/QD-TTg", "vi": "Quyết định 08/2015/QĐ-TTg"},
            "met": {
                "by": {"en": "Drills recover a copy.", "vi": "Diễn tập khôi phục trên bản sao."},
                "evidence": ["vanvault drill list"],
            },
        }
    ],
}
HOLD = {
    "hold": "h-0123456789abcdef",
    "state": "placed",
    "in_force": True,
    "late": False,
    "case": "12/2026/HS-ST",
    "reason": "the court asks for it",
    "authority": None,
    "entries": [],
    "filters": {"employer_code": "TA0001A"},
    "from": None,
    "to": None,
    "future": True,
    "placed": {"at": "2026-11-22T01:02:03.000000Z", "who": "lan", "reason": None},
    "confirmed": [],
    "released": [],
}
COUNTED_HOLD = {**HOLD, "over": 17, "over_more": False}
HOLDS = {"holds": [HOLD], "partial": False}
