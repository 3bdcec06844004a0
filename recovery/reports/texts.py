"""The templates of reports: titles, headings and words, in English and Vietnamese. Data, and look-ups.

A signed report holds names only; here is what people read in their place.
"""

from __future__ import annotations

from vanvault.archiver.people.accounts import ROLES
from vanvault.recovery.documents import LANGUAGES, Language

#: Name of a report -> its title.
TITLES: dict[str, tuple[str, str]] = {
    "accounts": ("Report on accounts", "Báo cáo tình hình tài khoản"),
    "review": ("Review of accounts", "Biên bản rà soát tài khoản"),
    "operation": ("Report on operation", "Báo cáo vận hành hệ thống"),
    "personal-data": (
        "Report on the keeping of personal data",
        "Báo cáo tình hình lưu trữ dữ liệu cá nhân",
    ),
}

#: Name of a table -> its heading.
TABLES: dict[str, tuple[str, str]] = {
    "summary": ("Summary", "Thông tin chung"),
    "figures": ("Figures", "Số liệu"),
    "law": ("Legal basis, and how it is known", "Căn cứ pháp lý và mức độ chắc chắn"),
    "lacking": ("What could not be read", "Dữ liệu không đọc được"),
    "list": ("All accounts at the end of the period", "Danh sách tài khoản cuối kỳ"),
    "changes": ("Changes of accounts", "Biến động tài khoản"),
    "late": ("Rights that were taken away late", "Thu hồi quyền chậm"),
    "late_looks": (
        "What was looked at between the day of effect and the entry",
        "Dữ liệu đã xem từ ngày có hiệu lực đến khi nhập vào hệ thống",
    ),
    "credentials": ("Credentials and tokens of people", "Thông tin xác thực và mã truy cập cá nhân"),
    "gateways": ("Gateways", "Cổng kết nối"),
    "by_type": ("Lines of the log by type", "Số dòng nhật ký theo loại"),
    "review": ("Accounts, and when each is to be confirmed", "Danh sách tài khoản và hạn xác nhận"),
    "confirmations": ("Confirmations in the period", "Các lần xác nhận trong kỳ"),
    "volumes": ("Volumes by gateway", "Khối lượng theo cổng kết nối"),
    "limits": ("Stops of the year so far against the limits", "Thời gian dừng từ đầu năm so với giới hạn"),
    "windows": ("Planned stops", "Các đợt dừng theo kế hoạch"),
    "drills": ("Recovery drills", "Diễn tập khôi phục"),
    "incidents": ("Incidents and their mending", "Sự cố và khắc phục"),
    "extractions": ("Extractions of data", "Khai thác dữ liệu"),
    "disposals": ("Disposals of data", "Hủy dữ liệu hết thời hạn lưu trữ"),
    "kept": (
        "What is kept when the report is made, and why",
        "Dữ liệu đang lưu trữ tại thời điểm lập báo cáo và lý do",
    ),
    "disposals_open": ("Disposals that are not over", "Các đợt hủy chưa hoàn tất"),
    "clearings": ("Batches cleared after they were compacted", "Xóa các lô đã được gộp"),
    "looks": ("Looks at the archive", "Lượt xem dữ liệu"),
}

#: Name of a column or a figure -> what people read.
WORDS: dict[str, tuple[str, str]] = {
    "id": ("Id", "Mã"),
    "report": ("Report", "Báo cáo"),
    "archive": ("Archive", "Kho lưu trữ"),
    "archive_began": ("The archive began", "Kho lưu trữ bắt đầu hoạt động"),
    "period": ("Period", "Kỳ báo cáo"),
    "from": ("From", "Từ"),
    "to": ("To", "Đến"),
    "made_at": ("Made", "Lập lúc"),
    "who": ("By", "Người thực hiện"),
    "made_by": ("Made by", "Người lập"),
    "checked_by": ("Checked by", "Người kiểm tra"),
    "scope": ("Contents", "Nội dung"),
    "full_list": ("the full list, and the changes", "toàn bộ danh sách và biến động"),
    "changes_only": ("the changes since the report before", "biến động so với kỳ trước"),
    "signing_key": ("Signing key", "Khóa ký"),
    "complete": ("COMPLETE", "ĐẦY ĐỦ"),
    "provisional": ("PROVISIONAL: the period is not over", "TẠM THỜI: kỳ báo cáo chưa kết thúc"),
    "lacks": ("INCOMPLETE: a part of the record could not be read", "CHƯA ĐẦY ĐỦ: có nhật ký không đọc được"),
    "signed": (
        "The file report.json is signed; this page shows the same.",
        "Tệp report.json có chữ ký số; trang này thể hiện cùng nội dung.",
    ),
    "by_hand": ("signature", "ký, ghi rõ họ tên"),
    "not_measured": ("not measured", "không đo"),
    "none": ("none", "không có"),
    "more": ("and {} more", "và {} mục khác"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
    # columns
    "at": ("Time", "Thời điểm"),
    "change": ("Event", "Sự kiện"),
    "type": ("Type of event", "Loại sự kiện"),
    "account": ("Account", "Tài khoản"),
    "what": ("About", "Nội dung"),
    "effective": ("Effective", "Ngày có hiệu lực"),
    "until": ("Until", "Đến ngày"),
    "lag_days": ("Late by (days)", "Chậm (ngày)"),
    "reason": ("Reason", "Lý do"),
    "entered": ("Entered", "Nhập lúc"),
    "roles": ("Roles", "Vai trò"),
    "looks": ("Looks", "Lượt xem"),
    "act": ("Act", "Thao tác"),
    "outcome": ("Outcome", "Kết quả"),
    "count": ("Count", "Số lượng"),
    "shown": ("Entries shown", "Bản ghi đã xem"),
    "kind": ("Kind", "Loại"),
    "full_name": ("Full name", "Họ và tên"),
    "unit": ("Unit", "Đơn vị"),
    "owner": ("Owner", "Người chịu trách nhiệm"),
    "valid_from": ("Valid from", "Hiệu lực từ"),
    "valid_until": ("Valid until", "Hiệu lực đến"),
    "state": ("State", "Trạng thái"),
    "confirmed_at": ("Confirmed", "Xác nhận lúc"),
    "confirmed_by": ("Confirmed by", "Người xác nhận"),
    "review_due": ("Review due", "Hạn rà soát"),
    "concerns": ("To be looked at", "Điểm cần xem xét"),
    "gateway": ("Gateway", "Cổng kết nối"),
    "log_bytes": ("Size of log lines", "Dung lượng nhật ký"),
    "text": ("Text", "Văn bản"),
    "percent": ("Limit (%)", "Giới hạn (%)"),
    "allowed_ms": ("Allowed in the year", "Được phép trong năm"),
    "used_ms": ("Used", "Đã dừng"),
    "left_ms": ("Left", "Còn lại"),
    "window": ("Window", "Mã đợt"),
    "announced": ("On record", "Đăng ký lúc"),
    "notice": ("People told", "Thông báo lúc"),
    "in_time": ("10 days ahead", "Trước 10 ngày"),
    "cancelled": ("Cancelled", "Hủy lúc"),
    "site": ("Site", "Điểm lưu trữ"),
    "batches": ("Batches", "Số lô"),
    "copies_left": ("Copies left", "Bản sao còn lại"),
    "scenario": ("Scenario", "Kịch bản"),
    "result": ("Result", "Kết quả"),
    "rto_ms": ("Recovery time", "Thời gian khôi phục"),
    "lost": ("Messages lost", "Thông điệp bị mất"),
    "requests": ("Requests", "Số yêu cầu"),
    "kept_by": ("Kept because", "Lý do lưu trữ"),
    "duty": ("By what", "Căn cứ lưu trữ"),
    "clause": ("Text and clause", "Văn bản, điều khoản"),
    "entries": ("Entries", "Số bản ghi"),
    "transactions": ("Transactions", "Số giao dịch"),
    "insured": ("Name an insured person", "Có mã số BHXH"),
    "line_bytes": ("Size", "Dung lượng"),
    "first_day": ("First last day", "Ngày hết hạn đầu tiên"),
    "last_day": ("Last day", "Ngày hết hạn cuối cùng"),
    # figures
    "kept_entries": ("Entries that are kept for a reason", "Số bản ghi còn lý do lưu trữ"),
    "kept_insured": ("of them with an insured person's number", "trong đó: có mã số BHXH của cá nhân"),
    "kept_bytes": ("Size of them", "Dung lượng các bản ghi này"),
    "waiting_entries": (
        "Entries that nothing keeps: they wait for a disposal",
        "Số bản ghi đã hết thời hạn, chờ tiêu hủy",
    ),
    "waiting_insured": (
        "of them with an insured person's number, too",
        "trong số chờ tiêu hủy: có mã số BHXH của cá nhân",
    ),
    "waiting_bytes": ("Size of those that wait", "Dung lượng các bản ghi chờ tiêu hủy"),
    "uncompacted": (
        "Batches of the newest days, not counted here",
        "Số lô của những ngày gần nhất, chưa tính trong báo cáo này",
    ),
    "accounts": ("Accounts and gateways", "Số tài khoản và cổng kết nối"),
    "accounts_active": ("of them active", "trong đó: đang hoạt động"),
    "accounts_early": ("of them not valid yet", "trong đó: chưa đến ngày hiệu lực"),
    "accounts_over": ("of them over", "trong đó: hết hiệu lực"),
    "accounts_suspended": ("of them suspended", "trong đó: tạm khóa"),
    "accounts_idle": ("of them off because they were idle", "trong đó: bị tắt do không sử dụng"),
    "accounts_other": ("of them otherwise off", "trong đó: ngừng vì lý do khác"),
    "changes": ("Changes of accounts", "Số biến động tài khoản"),
    "added": ("Accounts added", "Tài khoản tạo mới"),
    "suspended": ("Suspensions", "Lượt tạm khóa"),
    "resumed": ("Accounts resumed", "Lượt mở lại"),
    "roles_granted": ("Roles granted", "Lượt cấp vai trò"),
    "roles_revoked": ("Roles revoked", "Lượt thu hồi vai trò"),
    "credentials": ("Changes of credentials and tokens", "Thay đổi thông tin xác thực, mã truy cập"),
    "gateways": ("Changes of gateways", "Thay đổi cổng kết nối"),
    "late": ("Rights taken away late", "Số lần thu hồi quyền chậm"),
    "late_looks": ("Looks in the days of delay", "Lượt xem trong thời gian chậm"),
    "confirmations": ("Confirmations", "Số lượt xác nhận"),
    "confirmed": ("Accounts confirmed", "Tài khoản đã xác nhận"),
    "to_confirm": ("Accounts whose confirmation is due", "Tài khoản đến hạn xác nhận"),
    "messages": ("Messages", "Số thông điệp"),
    "message_bytes": ("Size of messages", "Dung lượng thông điệp"),
    "log_lines": ("Log lines of gateways", "Dòng nhật ký của các cổng"),
    "own_events": ("Events of the archive itself", "Sự kiện của kho lưu trữ"),
    "up_ms": ("Time in service", "Thời gian hoạt động"),
    "degraded_ms": ("of it degraded", "trong đó: hoạt động hạn chế"),
    "planned_ms": ("Planned stops", "Dừng theo kế hoạch"),
    "unplanned_ms": ("Unplanned stops", "Dừng ngoài kế hoạch"),
    "year_down_ms": ("Stops of the year so far", "Tổng thời gian dừng từ đầu năm"),
    "drills": ("Drills", "Số lần diễn tập"),
    "drills_passed": ("of them passed", "trong đó: đạt"),
    "windows": ("Planned stops that begin in the period", "Số đợt dừng theo kế hoạch trong kỳ"),
    "windows_in_time": ("of them announced in time", "trong đó: thông báo đúng hạn"),
    "incidents": ("Incidents on record", "Số sự cố ghi nhận"),
    "extractions": ("Steps of extractions", "Số bước khai thác dữ liệu"),
    "extractions_ran": ("of them data taken out", "trong đó: đã lấy dữ liệu"),
    "sign_ons_refused": ("Sign-ons that were refused", "Số lần đăng nhập bị từ chối"),
    "open_too_long": (
        "Transactions open for longer than the setting, by the last count",
        "Số giao dịch chưa kết thúc quá thời gian đã đặt, theo lần đếm cuối",
    ),
    "disposals_planned": ("Plans of disposal", "Số kế hoạch hủy dữ liệu"),
    "disposals_certified": ("Disposals that were certified", "Số đợt hủy đã có biên bản"),
    "batches_cleared": ("Batches cleared, at each site", "Số lô đã xóa, tính theo từng điểm lưu trữ"),
    "cleared_bytes": ("Size of what was cleared", "Dung lượng đã xóa"),
    "looks_refused": ("of them refused", "trong đó: bị từ chối"),
}

#: Figures in the order in which people read them; the signed report has them by name.
FIGURES = (
    "accounts", "accounts_active", "accounts_early", "accounts_over", "accounts_suspended", "accounts_idle",
    "accounts_other", "changes", "added", "suspended", "resumed", "roles_granted", "roles_revoked",
    "credentials", "gateways", "late", "late_looks",
    "confirmations", "confirmed", "to_confirm",
    "kept_entries", "kept_insured", "kept_bytes", "waiting_entries", "waiting_insured", "waiting_bytes",
    "uncompacted",
    "messages", "message_bytes", "log_lines", "own_events",
    "up_ms", "degraded_ms", "planned_ms", "unplanned_ms", "year_down_ms", "windows", "windows_in_time",
    "drills", "drills_passed", "incidents", "extractions", "extractions_ran",
    "disposals_planned", "disposals_certified", "batches_cleared", "cleared_bytes",
    "open_too_long", "looks", "looks_refused", "sign_ons_refused",
)  # fmt: skip

#: Values of the columns ``change``, ``state``, ``kind``, ``act``, ``outcome`` and ``result``.
VALUES: dict[str, tuple[str, str]] = {
    "account.added": ("added", "tạo tài khoản"),
    "account.withdrawn": ("withdrawn", "rút lại tài khoản"),
    "account.changed": ("changed", "thay đổi thông tin"),
    "account.role-granted": ("role granted", "cấp vai trò"),
    "account.role-revoked": ("role revoked", "thu hồi vai trò"),
    "account.suspended": ("suspended", "tạm khóa"),
    "account.resumed": ("resumed", "mở lại"),
    "account.identity-added": ("identity added", "thêm định danh"),
    "account.identity-removed": ("identity removed", "bỏ định danh"),
    "account.credential-set": ("credential set", "đặt thông tin xác thực"),
    "account.token-added": ("token added", "cấp mã truy cập"),
    "account.token-removed": ("token removed", "thu hồi mã truy cập"),
    "gateway.added": ("gateway added", "thêm cổng kết nối"),
    "gateway.brought-back": ("gateway brought back", "kết nối lại cổng"),
    "gateway.removed": ("gateway removed", "gỡ cổng kết nối"),
    "gateway.policy-set": ("policy of a gateway", "đặt chính sách của cổng"),
    "gateway.token-added": ("token of a gateway added", "cấp mã của cổng"),
    "gateway.token-removed": ("token of a gateway removed", "thu hồi mã của cổng"),
    "access.emergency-declared": ("emergency declared", "khai báo tình trạng khẩn cấp"),
    "break-glass.used": ("break-glass used", "dùng quyền khẩn cấp"),
    "clock.accepted": ("wrong clock accepted", "chấp nhận thời gian sai đã ghi"),
    "conflict.found": ("one id with two contents", "một mã có hai nội dung"),
    "failover.promoted": ("standby took over", "chuyển sang điểm dự phòng"),
    "failover.failed-back": ("primary leads again", "trở lại điểm chính"),
    "keys.exposed": ("keys exposed", "lộ khóa"),
    "keys.restored": ("keys restored", "khôi phục khóa"),
    "keys.revoked": ("key revoked", "thu hồi khóa"),
    "quarantine.found": ("strange objects set aside", "cách ly đối tượng lạ"),
    "site.repaired": ("site repaired", "sửa chữa điểm lưu trữ"),
    "site.restored": ("site restored", "khôi phục điểm lưu trữ"),
    "verify.finished": ("verification found damage", "kiểm tra phát hiện hư hỏng"),
    "extraction.requested": ("requested", "yêu cầu"),
    "extraction.begun": ("begun", "bắt đầu"),
    "extraction.ran": ("ran", "thực hiện"),
    "disposal.planned": ("planned", "lập kế hoạch"),
    "disposal.withdrawn": ("withdrawn", "rút lại"),
    "disposal.begun": ("begun", "bắt đầu"),
    "disposal.halted": ("halted", "tạm dừng"),
    "disposal.emptied": ("nothing was due any more", "không còn dữ liệu đến hạn"),
    "disposal.certified": ("certified", "lập biên bản"),
    "disposal.backups-gone": ("backups are gone", "xác nhận không còn bản sao lưu"),
    "planned": ("planned", "chờ phê duyệt"),
    "cooling": ("cools", "đã phê duyệt, chờ đủ 14 ngày"),
    "ready": ("ready to run", "sẵn sàng thực hiện"),
    "running": ("running", "đang thực hiện"),
    "half-done": ("half-done", "thực hiện dở dang"),
    "extraction.handed-over": ("handed over", "bàn giao"),
    "suspended": ("suspended", "tạm khóa"),
    "role-revoked": ("role revoked", "thu hồi vai trò"),
    "ended": ("ended", "chấm dứt hiệu lực"),
    "active": ("active", "đang hoạt động"),
    "early": ("not valid yet", "chưa đến ngày hiệu lực"),
    "over": ("over", "hết hiệu lực"),
    "idle": ("idle", "không sử dụng"),
    "contested": ("name contested", "trùng tên"),
    "withdrawn": ("withdrawn", "đã rút lại"),
    "removed": ("removed", "đã gỡ"),
    "unclear": ("unclear", "chưa xác định"),
    "person": ("person", "cá nhân"),
    "service": ("service", "dịch vụ"),
    "gateway": ("gateway", "cổng kết nối"),
    "search": ("search", "tra cứu"),
    "display": ("display", "xem thông tin"),
    "original": ("original", "xem bản gốc"),
    "receipt": ("receipt", "xem biên nhận"),
    "timeline": ("timeline", "xem quá trình xử lý"),
    "export": ("export", "xuất dữ liệu"),
    "results": ("results of checks", "xem kết quả kiểm tra, diễn tập"),
    "extract": ("extraction", "khai thác theo phiếu yêu cầu"),
    "unwrap": ("key unwrapped", "mở khóa dữ liệu"),
    "access": ("record of looks", "xem nhật ký truy cập"),
    "count": ("count", "thống kê"),
    "shown": ("shown", "đã hiển thị"),
    "failed": ("failed", "không đạt"),
    "refused": ("refused", "bị từ chối"),
    "passed": ("passed", "đạt"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
}


def title(name: str, language: Language) -> str:
    """The title of a report."""
    return TITLES[name][LANGUAGES.index(language)]


def heading(name: str, language: Language) -> str:
    """The heading of a table."""
    return TABLES[name][LANGUAGES.index(language)]


def word(name: str, language: Language) -> str:
    """The name of a column or a figure, or a word of the report itself."""
    return WORDS[name][LANGUAGES.index(language)]


def shared_word(name: str) -> tuple[str, str] | None:
    """A word of reports that other documents and pages use, too, in both languages; None: it has no row."""
    return WORDS.get(name) or VALUES.get(name)


def role_told(name: str, language: Language) -> str:
    """A role as people read it; what is no role of this version is told as a value."""
    return ROLES[name].vietnamese if language == "vi" and name in ROLES else value_told(name, language)


def value_told(value: str, language: Language) -> str:
    """A value as people read it; one without a translation stands as it is."""
    return VALUES[value][LANGUAGES.index(language)] if value in VALUES else value
