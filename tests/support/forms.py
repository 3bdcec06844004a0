"""A form of an extraction, filled in as a clerk would after the letter of an inspectorate."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

#: What a scanner gives: only the first bytes are looked at.
SCAN = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 a letter\n"

AGENCY = "Thanh tra Bảo hiểm xã hội tỉnh Đắk Lắk"


def told_form(**changed: Any) -> dict[str, Any]:
    """The form as JSON values, with some of its fields changed."""
    return {
        "letter": {
            "number": "123/TTr-BHXH",
            "day": "2026-11-27",
            "agency": AGENCY,
            "scan_sha256": hashlib.sha256(SCAN).hexdigest(),
        },
        "fields": ["received_at", "dossier_number", "procedure"],
        "filter": {"employer_code": "TA0001A"},
        "purpose": "Thanh tra việc đóng bảo hiểm xã hội năm 2026",
        "recipient": {"name": "Nguyễn Văn Minh", "agency": AGENCY},
        "until": date(2026, 12, 31).isoformat(),
        "copies": [],
        **changed,
    }
