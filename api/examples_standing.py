"""Examples of answers about the standing of the archive, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_AT = "2026-11-22T03:10:00Z"
_SUMS = {
    "up_s": 2505600.0,
    "degraded_s": 600.0,
    "planned_s": 3600.0,
    "unplanned_s": 120.0,
    "before_s": 0.0,
    "ahead_s": 0.0,
    "down_percent": 0.1482,
}
STATUS: dict[str, Any] = {
    "at": _AT,
    "archive": "0123456789abcdef",
    "epoch": 0,
    "leader": "primary",
    "conditions": [
        {
            "id": "drill-overdue",
            "severity": "warning",
            "since": "2026-11-20T00:00:00Z",
            "text": "the drill primary-lost is overdue",
            "remedy": "Run: vanvault drill run.",
            "runbook": "runbooks/work-overdue.en.md",
        }
    ],
    "sites": [
        {
            "site": site,
            "url": f"s3+https://{site}.example.vn/vault",
            "reachable": True,
            "detail": "",
            "lock": "s3-compliance",
            "lock_strength": "nobody can delete before the date",
        }
        for site in ("primary", "standby")
    ],
    "sites_together": "",
    "third_copy": {"configured": True, "last_good": _AT, "last_saved": _AT, "age_seconds": 3600},
    "escrow": {"possible": True, "age_seconds": 86400, "verified_age_seconds": 86400},
    "keys": {"originals": [1], "metadata": [1]},
    "keys_missing": [],
    "signing": {"active": "0123456789abcdef", "public": 1, "revoked": []},
    "hot_tail": {"batches": 12, "complete": True},
    "segments": {"segments": 3, "rows": 2113004, "uncompacted": 12, "alarms": []},
    "retention": {"profile": "hanoi-van", "log_years": 10, "originals_years": 10, "margin_days": 30},
    "gateways": 2,
    "disposals": [],
    "set_aside": [],
    "drills": {"overdue": ["primary-lost"]},
    "schedule": {"failing": [], "overdue": [], "alarms": [], "wrong": []},
    "verification": {"overdue": {}},
    "health": {"from": "server", "sites": []},
}
SCHEDULE: dict[str, Any] = {
    "in_serve": True,
    "jobs": [
        {
            "name": "verify",
            "on": True,
            "why_off": "",
            "commands": ["vanvault verify --next"],
            "every": "1d",
            "deadline": "6h",
            "missed": "once",
            "last": {
                "started": "2026-11-22T02:00:00Z",
                "finished": "2026-11-22T02:30:00Z",
                "result": "ok",
                "exit_code": 0,
                "seconds": 1800.0,
                "host": "node-1",
            },
            "last_ok": "2026-11-22T02:00:00Z",
            "due": False,
            "next": "2026-11-23T02:00:00Z",
            "failing": False,
            "overdue_since": None,
            "running": None,
        }
    ],
    "failing": [],
    "overdue": [],
    "wrong": [],
    "partial": False,
}
AVAILABILITY: dict[str, Any] = {
    "year": 2026,
    "months": [{"month": "2026-11", **_SUMS}],
    "total": _SUMS,
    "limit_percent": 2.0,
    "allowance_s": 630720.0,
    "used_s": 3720.0,
    "remaining_s": 627000.0,
    "forecast_s": 4100.0,
    "forecast_within_limit": True,
    "provisional": {"since": _AT, "seconds": 30.0},
    "profile": "hanoi-van",
    "partial": False,
}
FORECAST: dict[str, Any] = {
    "at": _AT,
    "growth": {
        "objects": 120000,
        "bytes": 3145728000,
        "first": "2026-01-02",
        "window_days": 325,
        "objects_per_day": 369.2,
        "bytes_per_day": 9679163,
        "error": 0.04,
    },
    "measured": 2,
    "cost": {"us_per_object": 1500.0, "ns_per_byte": 8.0, "error": 0.1},
    "limit_seconds": 28800,
    "restores": [
        {
            "years": years,
            "objects": 120000 * (years + 1),
            "bytes": 3145728000 * (years + 1),
            "seconds": 205.2 * (years + 1),
            "low": 186.5 * (years + 1),
            "high": 225.7 * (years + 1),
            "in_time": True,
            "times": {"searchable": 90.0 * (years + 1)},
        }
        for years in (0, 1, 3, 10)
    ],
    "breaks_on": None,
    "breaks_earliest": None,
    "breaks_latest": None,
    "remedies": [],
}
COVERAGE: dict[str, Any] = {
    "at": _AT,
    "max_age_days": 35.0,
    "overdue": False,
    "runs": 30,
    "last_run": "2026-11-22T02:30:00Z",
    "sites": {
        "primary": {
            "objects": 120000,
            "bytes": 3145728000,
            "verified": {"objects": 119000, "bytes": 3119513600, "share": 0.991667},
            "young": {"objects": 1000, "bytes": 26214400},
            "overdue": {"objects": 0, "bytes": 0},
            "oldest_unverified": None,
        }
    },
    "away": ["standby"],
    "damaged": {},
    "next": "4/30",
}
FAILOVER: dict[str, Any] = {
    "at": _AT,
    "epoch": 0,
    "leader": "primary",
    "alone": False,
    "sites": [
        {
            "site": site,
            "role": role,
            "reachable": role == "follows",
            "detail": "" if role == "follows" else "it does not answer",
            "last_entry": _AT,
            "missing": {"batches": 0, "entries": 0, "oldest": None},
        }
        for site, role in (("primary", "leads"), ("standby", "follows"))
    ],
    "conflicts": 0,
    "writers_open": ["0123456789abcdef"],
    "promotion": {
        "id": "0f3a5c7e9b1d2f40",
        "action": "promote",
        "stand": {"epoch": 0, "leader": "primary"},
        "epoch": 1,
        "leader": "standby",
        "blockers": [],
        "effects": ["standby leads from epoch 1 on; nodes that reach it accept, with degraded receipts"],
        "done": False,
    },
    "approval": {
        "by_table": True,
        "second_person": False,
        "requests": [
            {
                "request": "q-0f3a5c7e9b1d2f40",
                "state": "open",
                "needed": 1,
                "approved": 0,
                "until": "2026-11-23T03:10:00Z",
                "own": True,
                "reason": "fire at site A",
            }
        ],
        "partial": False,
    },
    "command": "vanvault failover promote --site standby --reason TEXT",
}
ASK_PROMOTION = {"plan": "0f3a5c7e9b1d2f40", "reason": "fire at site A"}
ASKED_PROMOTION = {"request": "q-0f3a5c7e9b1d2f40"}
