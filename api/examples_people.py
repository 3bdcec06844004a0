"""Examples of what answers about accounts hold; ``examples.py`` has all others."""

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
