"""The words of plans and certificates of disposals, in English and Vietnamese. Pure."""

from __future__ import annotations

from vanvault.recovery.documents import Language

_WORDS: dict[str, tuple[str, str]] = {
    "plan": ("Plan of a disposal", "Kế hoạch tiêu hủy dữ liệu hết thời hạn lưu trữ"),
    "certificate": ("Certificate of a disposal", "Biên bản tiêu hủy dữ liệu hết thời hạn lưu trữ"),
    "summary": ("Summary", "Thông tin chung"),
    "disposal": ("Disposal", "Mã đợt tiêu hủy"),
    "archive": ("Archive", "Kho lưu trữ"),
    "made_at": ("Made", "Thời điểm lập"),
    "made_by": ("Made by", "Người lập"),
    "planned_by": ("Planned by", "Người lập kế hoạch"),
    "planned_at": ("Planned", "Thời điểm lập kế hoạch"),
    "approved_by": ("Approved by", "Người phê duyệt"),
    "ran_by": ("Run by", "Người thực hiện"),
    "begun_at": ("Begun", "Thời điểm bắt đầu"),
    "until": ("What was due by", "Hết thời hạn đến ngày"),
    "gateways": ("Gateways", "Cổng kết nối"),
    "verified": ("Verified whole since", "Đã kiểm tra toàn vẹn từ"),
    "newest": ("Newest entry", "Bản ghi mới nhất"),
    "entries": ("Entries, with their originals", "Bản ghi, cùng bản gốc"),
    "originals": ("Originals of entries that stay", "Bản gốc của bản ghi được giữ lại"),
    "bytes": ("Size", "Dung lượng"),
    "segments": ("Segments", "Phân đoạn"),
    "segment": ("Segment", "Phân đoạn"),
    "ids_sha256": ("SHA-256 of the list of ids", "SHA-256 của danh sách mã bản ghi"),
    "plan_sha256": ("SHA-256 of the plan", "SHA-256 của kế hoạch"),
    "more": ("More is due", "Còn bản ghi khác đã hết hạn"),
    "for_next": ("It is for the next plan", "Chuyển sang kế hoạch sau"),
    "rules": ("By which rules", "Căn cứ"),
    "rule": ("Rule", "Thời hạn lưu trữ áp dụng"),
    "clause": ("Text and clause", "Văn bản, điều khoản"),
    "first_due": ("First day due", "Ngày hết hạn đầu tiên"),
    "last_due": ("Last day due", "Ngày hết hạn cuối cùng"),
    "kept": ("What stays, and why", "Bản ghi được giữ lại và lý do"),
    "reason": ("Reason", "Lý do"),
    "left_out": ("Segments that cannot be touched", "Phân đoạn chưa tiêu hủy được"),
    "dropped": ("No longer due when it ran", "Không còn đủ điều kiện tiêu hủy khi thực hiện"),
    "removed": ("Removed", "Đã xóa"),
    "site": ("Site", "Điểm lưu trữ"),
    "objects": ("Objects", "Số đối tượng"),
    "at": ("Time", "Thời điểm"),
    "remaining": ("What still holds a copy, or may", "Nơi còn hoặc có thể còn giữ bản sao"),
    "where": ("Where", "Nơi giữ"),
    "what": ("What", "Đối tượng"),
    "why": ("Why", "Lý do"),
    "ends": ("Until", "Giữ đến"),
    "unknown": ("not known", "chưa xác định"),
    "number": ("Certificate number", "Biên bản số"),
    "first": ("SHA-256 of the first certificate", "SHA-256 của biên bản thứ nhất"),
    "signing_key": ("Signing key", "Khóa ký"),
    "complete": ("What was to go is gone", "Đã tiêu hủy xong phần phải tiêu hủy"),
    "stayed": ("entries of the plan stayed, {count}", "số bản ghi trong kế hoạch được giữ lại: {count}"),
    "approved_at": ("Approved", "Thời điểm phê duyệt"),
    "replaced_by": ("In its place", "Thay bằng"),
    "in_part": ("Copies are left or may be, as named below", "Còn hoặc có thể còn bản sao, liệt kê dưới đây"),
    "backups_gone": ("No backup holds it, as said by", "Người xác nhận bản sao lưu không còn"),
    "backups_looked": ("The program looked into", "Hệ thống đã kiểm tra"),
    "looked_into": (
        "{repository}, {snapshots} snapshots: none holds anything of it",
        "{repository}, {snapshots} bản chụp: không còn dữ liệu của đợt tiêu hủy này",
    ),
    "looked_nowhere": (
        "nothing: the settings name no repository",
        "không kiểm tra: cấu hình không còn kho sao lưu nào",
    ),
    "signed_by_hand": ("name, signature, date", "họ tên, chữ ký, ngày"),
    "note": (
        "What counts is the signed report.json in the same bundle; it holds every id.",
        "Giá trị pháp lý thuộc về report.json có chữ ký số trong cùng gói; tệp này có danh sách mã bản ghi.",
    ),
    "count": ("Entries", "Số bản ghi"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
}


def paper_word(name: str, language: Language) -> str:
    """A word of a plan or a certificate."""
    return _WORDS[name][language == "vi"]
