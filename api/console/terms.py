"""The table of terms: names of the program as people read them, in English and Vietnamese.

Words that reports have, too, stand there and are taken from there; here is what only the console shows.
"""

from __future__ import annotations

from vanvault.recovery.documents import LANGUAGES, Language
from vanvault.recovery.reports import shared_word

_TERMS: dict[str, tuple[str, str]] = {
    # units of an age
    "second": ("second", "giây"),
    "seconds": ("seconds", "giây"),
    "minute": ("minute", "phút"),
    "minutes": ("minutes", "phút"),
    "hour": ("hour", "giờ"),
    "hours": ("hours", "giờ"),
    "day": ("day", "ngày"),
    "days": ("days", "ngày"),
    # sites and their states
    "primary": ("primary", "điểm chính"),
    "standby": ("standby", "điểm dự phòng"),
    "healthy": ("healthy", "bình thường"),
    "suspect": ("suspect", "nghi ngờ"),
    "out": ("away", "mất kết nối"),
    "catching-up": ("catching up", "đang đồng bộ"),
    "error": ("error", "lỗi"),
    "warning": ("warning", "cảnh báo"),
    # permissions
    "search": ("search", "tra cứu"),
    "receipts": ("receipts", "xem biên nhận"),
    "originals": ("originals", "xem bản gốc"),
    "verify-results": ("results of checks", "xem kết quả kiểm tra, diễn tập"),
    "see-access": ("record of looks", "xem nhật ký truy cập"),
    # conditions
    "site-away": ("A site is away", "Mất kết nối với một điểm lưu trữ"),
    "site-clock-off": ("The clock of a site is off", "Đồng hồ của một điểm lưu trữ bị sai"),
    "clock-ahead": ("A clock was ahead", "Có đồng hồ đã chạy nhanh"),
    "clock-off": ("A clock is off", "Có đồng hồ bị sai"),
    "probe-missing": ("A site was not probed", "Điểm lưu trữ chưa được kiểm tra khả năng khóa"),
    "intake-refused": ("No message is accepted", "Hệ thống không tiếp nhận thông điệp"),
    "damage-known": ("Damage is known", "Có hư hỏng đã phát hiện"),
    "verification-overdue": ("A verification is overdue", "Quá hạn kiểm tra"),
    "lock-ends": ("A lock ends soon", "Khóa sắp hết hạn"),
    "escrow-stale": ("The escrow is older than the keys", "Bản ký gửi khóa đã cũ"),
    "escrow-unverified": ("The escrow was not checked", "Bản ký gửi khóa chưa được kiểm tra"),
    "escrow-missing": ("There is no escrow of the keys", "Chưa có bản ký gửi khóa"),
    "keys-missing": ("Keys are missing", "Thiếu khóa"),
    "key-acts-missing": ("The key folder is too old", "Thư mục khóa đã cũ"),
    "key-not-trusted": ("A signing key is not trusted", "Có khóa ký không được tin cậy"),
    "backup-failed": ("The third copy failed", "Sao lưu bản thứ ba thất bại"),
    "backup-overdue": ("The third copy is overdue", "Quá hạn sao lưu bản thứ ba"),
    "backup-missing": ("There is no third copy", "Chưa có bản sao thứ ba"),
    "backup-abroad": ("The third copy lies abroad", "Bản sao thứ ba đặt ở nước ngoài"),
    "look-emergency": ("An emergency of looks is in force", "Đang áp dụng chế độ truy cập khẩn cấp"),
    "drill-failed": ("A drill failed", "Diễn tập không đạt"),
    "drill-overdue": ("A drill is overdue", "Quá hạn diễn tập"),
    "job-failing": ("A job fails", "Tác vụ định kỳ thất bại"),
    "job-overdue": ("A job is overdue", "Tác vụ định kỳ quá hạn"),
    "job-wrong": ("A job's settings are wrong", "Thiết lập tác vụ bị sai"),
    "break-glass": ("Break-glass was used", "Quyền khẩn cấp đã được dùng"),
    "break-glass-overdue": ("A review of break-glass is overdue", "Quá hạn rà soát việc dùng quyền khẩn cấp"),
    "reviews-due": ("Accounts must be confirmed", "Tài khoản đến hạn rà soát"),
    "hold-unconfirmed": ("A hold is not confirmed", "Lệnh tạm giữ chưa được xác nhận"),
    "approvers-gone": ("Nobody can approve", "Không đủ người phê duyệt"),
    "approvers-few": ("Too few can approve", "Số người phê duyệt ít hơn mức yêu cầu"),
    "report-overdue": ("A report is overdue", "Quá hạn lập báo cáo"),
    "window-unannounced": ("A planned stop is not announced", "Đợt dừng theo kế hoạch chưa được thông báo"),
    "index-not-kept": ("A site lacks a part of the index", "Điểm lưu trữ thiếu một phần chỉ mục"),
    "site-behind": ("A site is behind", "Một điểm lưu trữ chậm đồng bộ"),
    "sites-together": ("Both sites can be lost at once", "Hai điểm lưu trữ có thể mất cùng lúc"),
    "set-aside": ("Strange objects lie at a site", "Có đối tượng lạ tại điểm lưu trữ"),
    "id-conflict": ("One id has two contents", "Một mã có hai nội dung"),
    "hot-tail-incomplete": ("Answers may lack entries", "Kết quả có thể thiếu bản ghi"),
}


def term(name: str, language: Language) -> str:
    """What people read in place of this name; a name without a row stands as it is."""
    found = _TERMS.get(name) or shared_word(name)
    return found[LANGUAGES.index(language)] if found else name
