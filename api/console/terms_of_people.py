"""The part of the table of terms that pages about people, reports, holds and disposals show."""

from __future__ import annotations

PEOPLE_TERMS: dict[str, tuple[str, str]] = {
    # accounts: kinds, how they stand, what they sign on with
    "account-kind:person": ("person", "người"),
    "account-kind:service": ("service", "dịch vụ"),
    "account-kind:gateway": ("gateway", "cổng kết nối"),
    "account:active": ("active", "đang hoạt động"),
    "account:early": ("not valid yet", "chưa đến ngày hiệu lực"),
    "account:over": ("over", "đã hết hiệu lực"),
    "account:suspended": ("suspended", "tạm khóa"),
    "account:idle": ("switched off, not used", "đã tắt do không sử dụng"),
    "account:contested": ("its name is another's", "trùng tên với tài khoản khác"),
    "account:withdrawn": ("withdrawn", "đã rút lại"),
    "account:removed": ("removed", "đã gỡ bỏ"),
    "account:unclear": ("not clear", "chưa rõ"),
    "factor:password": ("a password", "mật khẩu"),
    "factor:codes": ("codes of an app", "mã từ ứng dụng"),
    "factor:authenticators": ("an authenticator", "thiết bị xác thực"),
    "method:password": ("password alone", "chỉ mật khẩu"),
    "method:password+code": ("password and code", "mật khẩu và mã"),
    "method:authenticator": ("authenticator", "thiết bị xác thực"),
    "method:provider": ("identity provider", "hệ thống định danh"),
    "method:break-glass": ("break-glass secret", "mã khẩn cấp"),
    # reports, and how they stand
    "report:accounts": ("Accounts", "Báo cáo tài khoản"),
    "report:review": ("Review of accounts", "Báo cáo rà soát tài khoản"),
    "report:operation": ("Operation", "Báo cáo hoạt động"),
    "report:personal-data": ("Personal data", "Báo cáo dữ liệu cá nhân"),
    "report-state:made": ("made", "đã lập"),
    "report-state:due": ("due", "đến hạn"),
    "report-state:overdue": ("overdue", "quá hạn"),
    "report-state:coming": ("its period is not over", "chưa hết kỳ"),
}
