"""Words for why something is kept, in English and Vietnamese. Pure."""

from __future__ import annotations

from vanvault.recovery.documents import Language

#: Why something stays, by the reasons of ``archiver/disposal``.
_REASONS: dict[str, tuple[str, str]] = {
    "own": ("lines of the archive's own", "nhật ký của chính kho lưu trữ"),
    "unread": ("could not be read whole", "chưa đọc được đầy đủ"),
    "open": ("the transaction is open", "giao dịch chưa kết thúc"),
    "not-due": ("not due for 30 days yet", "chưa hết thời hạn lưu trữ 30 ngày"),
    "held": ("a legal hold", "đang có lệnh tạm giữ"),
    "conflict": ("an id has two contents", "một mã có hai nội dung"),
    "asked-for": ("an extraction waits for it", "đang được khai thác theo yêu cầu"),
    "locked": ("locked at a site", "còn khóa tại điểm lưu trữ"),
    "overlap": ("shares batches with another segment", "trùng một phần với phân đoạn khác"),
    "not-asked": ("not asked for in this plan", "ngoài phạm vi kế hoạch này"),
    "closes-others": (
        "closed a transaction of which entries stay",
        "dòng kết thúc của giao dịch còn bản ghi",
    ),
    "next-plan": ("for the next plan", "chuyển sang kế hoạch sau"),
    "waits": ("nothing keeps it; it waits for a disposal", "đã hết thời hạn, chờ tiêu hủy"),
    "gone": ("disposed of already", "đã tiêu hủy trước đó"),
}

#: What a duty is about, by the last word of its name.
_ABOUT: dict[str, tuple[str, str]] = {
    "log": ("log", "nhật ký"),
    "originals": ("originals", "bản gốc"),
    "entry": ("whole entries", "toàn bộ bản ghi"),
    "original": ("originals", "bản gốc"),
}


def reason_told(name: str, language: Language) -> str:
    """A reason, or the name of one that this version does not know."""
    return _REASONS.get(name, (name, name))[language == "vi"]


def duty_told(name: str, language: Language) -> str:
    """The duty of a ``KeptLine``; ids of holds and extractions stay as they are."""
    profile, _, about = name.rpartition(" ")
    if about not in _ABOUT:
        return name
    words = _ABOUT[about][language == "vi"]
    return f"{profile}: {words}" if profile else words
