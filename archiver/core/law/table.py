"""The table of legal duties: what each text asks for, as far as it is known. Data only.

Rows of one name follow each other by date. A row has no clause where none was found, and its mark never
promises more than how it was learned.
"""

from __future__ import annotations

from vanvault.archiver.core.law.model import HowKnown, LegalDuty
from vanvault.archiver.core.law.texts import TEXTS


def _duty(
    name: str,
    text: str,
    clause: tuple[str, str],
    mark: HowKnown,
    figure: tuple[float | None, str],
    words: tuple[str, str],
) -> LegalDuty:
    """``clause`` and ``words``: in English and in Vietnamese."""
    return LegalDuty(name, TEXTS[text], *clause, mark, *figure, *words)


_NONE = (None, "")
_NO_CLAUSE = ("", "")

_KEEPING = (
    _duty(
        "log-kept",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        (10, "years"),
        (
            "The transaction log is kept for 10 years from the success of the transaction.",
            "Nhật ký giao dịch được lưu 10 năm kể từ thời điểm giao dịch thành công.",
        ),
    ),
    _duty(
        "log-kept",
        "ND166-2016",
        ("article 6(1)", "khoản 1 Điều 6"),
        HowKnown.EXCERPT,
        (10, "years"),
        (
            "The log is kept for 10 years from the completion of the transaction, accessible throughout.",
            "Nhật ký được lưu 10 năm kể từ khi hoàn thành giao dịch và luôn truy cập được.",
        ),
    ),
    _duty(
        "log-kept",
        "ND164-2025",
        _NO_CLAUSE,
        HowKnown.NOT_FOUND,
        _NONE,
        (
            "The log of transactions is kept; no clause of this decree on its period was found.",
            "Lưu nhật ký giao dịch; chưa tìm thấy điều khoản của nghị định này về thời hạn.",
        ),
    ),
    _duty(
        "originals-online",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        _NONE,
        (
            "Originals are kept and stay accessible online; no period is stated.",
            "Bản gốc được lưu và truy cập được trực tuyến; không quy định thời hạn.",
        ),
    ),
    _duty(
        "open-dossiers-kept",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        _NONE,
        (
            "Dossiers and results are kept while a transaction is open.",
            "Hồ sơ và kết quả được lưu trong khi giao dịch chưa hoàn thành.",
        ),
    ),
    _duty(
        "kept-after-expiry",
        "ND166-2016",
        ("article 11", "Điều 11"),
        HowKnown.EXCERPT,
        _NONE,
        (
            "What has expired is kept on while its destruction would touch the integrity of the system or of"
            " other transactions.",
            "Dữ liệu hết hạn vẫn được lưu nếu việc hủy ảnh hưởng đến tính toàn vẹn của hệ thống hoặc của giao"
            " dịch khác.",
        ),
    ),
    _duty(
        "destruction-recorded",
        "TT05-2025",
        ("articles 48-50", "Điều 48 đến Điều 50"),
        HowKnown.NOTES,
        _NONE,
        (
            "The system lists what has expired, a council decides in it, and the whole destruction is on"
            " record.",
            "Hệ thống lập danh mục hết giá trị, hội đồng xét duyệt trên hệ thống và toàn bộ việc hủy được"
            " ghi lại.",
        ),
    ),
    _duty(
        "original-intact",
        "L20-2023",
        _NO_CLAUSE,
        HowKnown.EXCERPT,
        _NONE,
        (
            "A data message is an original when it is intact since it was first created; its format, origin,"
            " destination and times are kept.",
            "Thông điệp dữ liệu là bản gốc khi còn nguyên vẹn từ lúc khởi tạo; giữ định dạng, nguồn gốc,"
            " nơi đến"
            " và thời gian.",
        ),
    ),
)

_SERVICE = (
    _duty(
        "data-recovered",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        (8, "hours"),
        (
            "Data are recovered at most 8 hours after an incident.",
            "Dữ liệu được khôi phục chậm nhất 8 giờ sau khi xảy ra sự cố.",
        ),
    ),
    _duty(
        "data-recovered",
        "ND166-2016",
        _NO_CLAUSE,
        HowKnown.NOT_FOUND,
        _NONE,
        (
            "Data are recovered after an incident; no clause of this decree on the time was found.",
            "Khôi phục dữ liệu sau sự cố; chưa tìm thấy điều khoản của nghị định này về thời gian.",
        ),
    ),
    _duty(
        "downtime-limit",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        (3, "percent of a year"),
        (
            "The service is stopped for at most 3 % of the hours of a year.",
            "Thời gian dừng hệ thống không quá 3 % tổng số giờ trong năm.",
        ),
    ),
    _duty(
        "downtime-limit",
        "ND166-2016",
        ("article 6(1)", "khoản 1 Điều 6"),
        HowKnown.EXCERPT,
        (2, "percent of a year"),
        (
            "The service runs day and night and is stopped for at most 2 % of the hours of a year.",
            "Hệ thống hoạt động 24/7, thời gian dừng không quá 2 % tổng số giờ trong năm.",
        ),
    ),
    _duty(
        "downtime-limit",
        "ND164-2025",
        _NO_CLAUSE,
        HowKnown.NOT_FOUND,
        _NONE,
        (
            "No clause of this decree on the time of stops was found.",
            "Chưa tìm thấy điều khoản của nghị định này về thời gian dừng hệ thống.",
        ),
    ),
    _duty(
        "maintenance-notice",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.EXCERPT,
        (10, "days"),
        (
            "A stop for maintenance is announced 10 days ahead, by e-mail, to employers and to Vietnam Social"
            " Security.",
            "Việc dừng hệ thống để bảo trì được thông báo trước 10 ngày qua thư điện tử cho người sử dụng lao"
            " động và Bảo hiểm xã hội Việt Nam.",
        ),
    ),
    _duty(
        "receipt-notice",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.EXCERPT,
        (15, "minutes"),
        (
            "The receipt of a dossier is confirmed within 15 minutes.",
            "Việc tiếp nhận hồ sơ được thông báo trong vòng 15 phút.",
        ),
    ),
    _duty(
        "forwarded",
        "ND166-2016",
        ("article 30", "Điều 30"),
        HowKnown.EXCERPT,
        (2, "hours"),
        (
            "A dossier is forwarded to Vietnam Social Security within 2 hours.",
            "Hồ sơ được chuyển đến Bảo hiểm xã hội Việt Nam trong vòng 2 giờ.",
        ),
    ),
    _duty(
        "attacks-detected",
        "ND166-2016",
        ("article 6(1)", "khoản 1 Điều 6"),
        HowKnown.EXCERPT,
        _NONE,
        (
            "Attacks are detected, warned of and prevented.",
            "Phát hiện, cảnh báo và ngăn chặn việc xâm nhập trái phép.",
        ),
    ),
    _duty(
        "data-in-country",
        "L116-2025",
        ("article 25", "Điều 25"),
        HowKnown.NOTES,
        _NONE,
        (
            "Data of users in Viet Nam are kept in Viet Nam.",
            "Dữ liệu của người sử dụng tại Việt Nam được lưu tại Việt Nam.",
        ),
    ),
)

_COPIES = (
    _duty(
        "sets-on-independent-media",
        "TT05-2025",
        ("articles 26-31", "Điều 26 đến Điều 31"),
        HowKnown.NOTES,
        (2, "sets"),
        (
            "At least 2 sets lie on independent media; changes are saved daily, everything monthly, and the"
            " whole is checked within 3 years.",
            "Lưu ít nhất 2 bộ trên phương tiện độc lập; sao lưu thay đổi hằng ngày, toàn bộ hằng tháng,"
            " kiểm tra toàn bộ trong 3 năm.",
        ),
    ),
    _duty(
        "backups-kept",
        "TCVN14423-2026",
        ("section 5.11", "mục 5.11"),
        HowKnown.NOTES,
        (3, "copies"),
        (
            "Backups run by themselves: 3 copies on 2 kinds of media, 1 elsewhere, encrypted, with tests of"
            " the restore.",
            "Sao lưu tự động: 3 bản, 2 loại phương tiện, 1 bản ở nơi khác, có mã hóa và kiểm tra khôi phục.",
        ),
    ),
)

_PEOPLE = (
    _duty(
        "regular-reports",
        "QD08-2015",
        _NO_CLAUSE,
        HowKnown.EXCERPT,
        _NONE,
        (
            "Reports go to Vietnam Social Security regularly, and when it asks.",
            "Báo cáo Bảo hiểm xã hội Việt Nam định kỳ và theo yêu cầu.",
        ),
    ),
    _duty(
        "no-display-without-right",
        "QD352-2020",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        _NONE,
        (
            "Originals are not displayed, copied, moved or disclosed without right.",
            "Không được hiển thị, sao chép, di chuyển, tiết lộ thông điệp khi không có quyền.",
        ),
    ),
    _duty(
        "account-locked-on-decision",
        "CV907-2019",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        (0, "days"),
        (
            "An account is locked or changed on the day on which a personnel decision takes effect.",
            "Tài khoản bị khóa hoặc thay đổi ngay trong ngày quyết định nhân sự có hiệu lực.",
        ),
    ),
    _duty(
        "extraction-approved",
        "CV907-2019",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        _NONE,
        (
            "Data are extracted with the approval of the leadership, an official letter and a form that"
            " names the fields.",
            "Việc khai thác dữ liệu phải có phê duyệt của lãnh đạo, công văn và phiếu yêu cầu nêu rõ các"
            " trường dữ liệu.",
        ),
    ),
    _duty(
        "accounts-reported",
        "CV907-2019",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        (10, "day of the next month"),
        (
            "Changes of accounts are reported each quarter, before the 10th of the month after it; the"
            " first time,"
            " the full list.",
            "Báo cáo biến động tài khoản hằng quý, trước ngày 10 của tháng sau quý; lần đầu báo cáo toàn bộ"
            " danh sách.",
        ),
    ),
    _duty(
        "single-sign-on",
        "CV907-2019",
        _NO_CLAUSE,
        HowKnown.SOURCE,
        _NONE,
        ("People sign on once, with their official account.", "Đăng nhập một lần bằng tài khoản công vụ."),
    ),
    _duty(
        "accounts-reviewed",
        "TCVN14423-2026",
        ("section 5.6", "mục 5.6"),
        HowKnown.NOTES,
        (6, "months"),
        ("Accounts are reviewed every 6 months.", "Rà soát tài khoản 6 tháng một lần."),
    ),
    _duty(
        "idle-account-off",
        "TCVN14423-2026",
        ("section 5.6", "mục 5.6"),
        HowKnown.NOTES,
        (45, "days"),
        (
            "An account that was not used for 45 days is switched off.",
            "Tài khoản không sử dụng trong 45 ngày bị vô hiệu hóa.",
        ),
    ),
    _duty(
        "access-log-kept",
        "ND333-2026",
        ("articles 16(6), 20(3)", "khoản 6 Điều 16, khoản 3 Điều 20"),
        HowKnown.NOTES,
        (12, "months"),
        (
            "Logs of accounts and sign-ons, with address and source port, can be retrieved for 12 months.",
            "Nhật ký tài khoản và đăng nhập, gồm địa chỉ và cổng nguồn, truy xuất được trong 12 tháng.",
        ),
    ),
    _duty(
        "central-log-kept",
        "TCVN14423-2026",
        ("section 5.8", "mục 5.8"),
        HowKnown.NOTES,
        (3, "months"),
        (
            "Logs are kept in one place for 3 months, with source, target, account, time and act, by"
            " synchronised clocks.",
            "Nhật ký lưu tập trung 3 tháng, gồm nguồn, đích, tài khoản, thời gian, thao tác, theo đồng hồ"
            " đồng bộ.",
        ),
    ),
    _duty(
        "copies-stamped",
        "TT05-2025",
        ("articles 37-42", "Điều 37 đến Điều 42"),
        HowKnown.NOTES,
        _NONE,
        (
            'Copies are stamped "BẢN SAO", and the agency\'s name stands on each page.',
            "Bản sao được đóng dấu “BẢN SAO”, mỗi trang ghi tên cơ quan.",
        ),
    ),
)

_INCIDENTS = (
    _duty(
        "incident-reported",
        "ND331-2026",
        ("article 31(2)(d)", "điểm d khoản 2 Điều 31"),
        HowKnown.NOTES,
        (72, "hours"),
        (
            "Cause, extent and remedy of an incident are reported within 72 hours of its discovery; of a"
            " serious"
            " one, a first notice within 24 hours.",
            "Báo cáo nguyên nhân, phạm vi, biện pháp khắc phục trong 72 giờ kể từ khi phát hiện; sự cố"
            " nghiêm trọng"
            " thông báo ban đầu trong 24 giờ.",
        ),
    ),
    _duty(
        "yearly-figures",
        "ND331-2026",
        ("article 35", "Điều 35"),
        HowKnown.NOTES,
        (25, "day of December"),
        (
            "The owner of a system reports each year, from 15 December to 14 December, to the Ministry of"
            " Public Security by 25 December.",
            "Chủ quản hệ thống báo cáo Bộ Công an hằng năm trước 25/12, số liệu từ 15/12 năm trước đến"
            " 14/12.",
        ),
    ),
    _duty(
        "personal-data-breach-notified",
        "L91-2025",
        ("article 23(1)", "khoản 1 Điều 23"),
        HowKnown.EXCERPT,
        (72, "hours"),
        (
            "A violation that may harm persons is notified within 72 hours of its discovery.",
            "Vi phạm có thể gây thiệt hại cho cá nhân được thông báo trong 72 giờ kể từ khi phát hiện.",
        ),
    ),
)

#: Every duty that is known, by subject.
DUTIES = (*_KEEPING, *_SERVICE, *_COPIES, *_PEOPLE, *_INCIDENTS)
