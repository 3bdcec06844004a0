"""The legal texts that duties come from, each with its dates. Pure.

What is known of them was gathered in November 2026 from source documents, excerpts of law sites and notes of
others; no full text was opened. A date that was not found is None, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class LegalText:
    """One text: a law, a decree, a decision, a standard or a dispatch."""

    id: str  # short, as in the names of profiles
    en: str
    vi: str
    in_force_from: date | None  # None: not found
    in_force_until: date | None = None  # the first day on which it no longer holds; None: no end was found
    limited: str = ""  # since when and for what it no longer holds in part, and how that is known
    limited_vi: str = ""

    def limits(self, language: str) -> str:
        """What of it no longer holds, in "vi" or "en"; empty: nothing is known to have ended."""
        return self.limited_vi if language == "vi" else self.limited

    def title(self, language: str) -> str:
        """Its name, in "vi" or "en"."""
        return self.vi if language == "vi" else self.en


TEXTS = {
    text.id: text
    for text in (
        LegalText(
            "QD08-2015",
            "Decision 08/2015/QĐ-TTg",
            "Quyết định 08/2015/QĐ-TTg",
            date(2015, 5, 1),
            date(2017, 3, 1),
        ),
        LegalText(
            "ND166-2016",
            "Decree 166/2016/NĐ-CP",
            "Nghị định 166/2016/NĐ-CP",
            date(2017, 3, 1),
            limited="since 2025-07-01 not applied to compulsory and voluntary social insurance: Decree"
            " 164/2025/NĐ-CP, article 27(3) (by an excerpt on a law site)",
            limited_vi="từ 01/07/2025 không áp dụng đối với bảo hiểm xã hội bắt buộc và tự nguyện: khoản 3"
            " Điều 27 Nghị định 164/2025/NĐ-CP (theo trích dẫn trên trang văn bản pháp luật)",
        ),
        LegalText("ND164-2025", "Decree 164/2025/NĐ-CP", "Nghị định 164/2025/NĐ-CP", date(2025, 7, 1)),
        LegalText(
            "L20-2023",
            "Law 20/2023/QH15 on electronic transactions",
            "Luật Giao dịch điện tử số 20/2023/QH15",
            date(2024, 7, 1),
        ),
        LegalText("TT05-2025", "Circular 05/2025/TT-BNV", "Thông tư 05/2025/TT-BNV", date(2025, 7, 1)),
        LegalText(
            "L91-2025",
            "Law 91/2025/QH15 on the protection of personal data",
            "Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15",
            date(2026, 1, 1),
        ),
        LegalText(
            "L116-2025",
            "Law 116/2025/QH15 on cybersecurity",
            "Luật An ninh mạng số 116/2025/QH15",
            date(2026, 7, 1),
        ),
        LegalText("ND331-2026", "Decree 331/2026/NĐ-CP", "Nghị định 331/2026/NĐ-CP", date(2026, 8, 19)),
        LegalText("ND333-2026", "Decree 333/2026/NĐ-CP", "Nghị định 333/2026/NĐ-CP", None),
        LegalText("TCVN14423-2026", "Standard TCVN 14423:2026", "Tiêu chuẩn quốc gia TCVN 14423:2026", None),
        LegalText(
            "CV907-2019",
            "Dispatch 907 of 2019 of Vietnam Social Security",
            "Công văn 907 năm 2019 của Bảo hiểm xã hội Việt Nam",
            None,
        ),
        LegalText(
            "QD352-2020",
            "Decision 352 of 2020 of Vietnam Social Security",
            "Quyết định 352 năm 2020 của Bảo hiểm xã hội Việt Nam",
            None,
        ),
    )
}
