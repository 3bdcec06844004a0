"""What of this program meets each duty, and what shows it. Data only.

A row says no more than what is built. Where people or other systems meet
a duty, it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DutyMet:
    """How the duty of one name is met. ``evidence``: commands that show it, if any do."""

    name: str
    en: str
    vi: str
    evidence: tuple[str, ...] = ()

    @property
    def is_here(self) -> bool:
        """Does this program meet it, or give evidence for it?"""
        return bool(self.evidence)

    def words(self, language: str) -> str:
        """In a sentence, in "vi" or "en"."""
        return self.vi if language == "vi" else self.en

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"by": {"en": self.en, "vi": self.vi}, "evidence": list(self.evidence)}


_ROWS = (
    DutyMet(
        "log-kept",
        "Every message and event is kept by the retention profile, under locks at both sites, and nothing"
        " of it is disposed of earlier.",
        "Mọi thông điệp và sự kiện được lưu theo quy định lưu trữ, có khóa chống xóa tại hai điểm, không"
        " tiêu hủy trước thời hạn.",
        ("vanvault retention show", "vanvault report make"),
    ),
    DutyMet(
        "originals-online",
        "Originals lie at both sites and are fetched at any time by who may see them; verifications read"
        " them all again.",
        "Bản gốc được lưu tại hai điểm, người có quyền truy cập được bất cứ lúc nào; việc kiểm tra định kỳ"
        " đọc lại toàn bộ.",
        ("vanvault get", "vanvault verify"),
    ),
    DutyMet(
        "open-dossiers-kept",
        "What belongs to an open transaction is not disposed of; those that are open for too long are told.",
        "Dữ liệu của giao dịch chưa kết thúc không bị tiêu hủy; giao dịch quá lâu chưa kết thúc được cảnh"
        " báo.",
        ("vanvault retention open",),
    ),
    DutyMet(
        "kept-after-expiry",
        "Each plan of a disposal names what stays although its period is over, and why.",
        "Mỗi kế hoạch tiêu hủy nêu rõ dữ liệu nào được giữ lại dù đã hết hạn và lý do.",
        ("vanvault disposal plan",),
    ),
    DutyMet(
        "destruction-recorded",
        "A disposal is planned, approved by two others, run by a third person after a time to object, and"
        " certified; each step is on record.",
        "Việc tiêu hủy được lập kế hoạch, hai người khác phê duyệt, người thứ ba thực hiện sau thời gian"
        " chờ và có biên bản; từng bước được ghi lại.",
        ("vanvault disposal list", "vanvault disposal show"),
    ),
    DutyMet(
        "original-intact",
        "A signed receipt has the digest of the original and the time of its receipt; it is checked without"
        " this program.",
        "Biên nhận có chữ ký số ghi mã băm của bản gốc và thời điểm tiếp nhận; có thể kiểm tra mà không cần"
        " phần mềm này.",
        ("vanvault receipt verify", "vanvault verify"),
    ),
    DutyMet(
        "data-recovered",
        "Drills recover a copy and measure how long it takes; a forecast tells it for later years.",
        "Diễn tập khôi phục trên bản sao và đo thời gian; dự báo cho các năm sau.",
        ("vanvault drill list", "vanvault forecast"),
    ),
    DutyMet(
        "downtime-limit",
        "The ledger of availability counts stops against the limit of the year.",
        "Sổ theo dõi thời gian hoạt động tính thời gian dừng so với mức cho phép trong năm.",
        ("vanvault availability report",),
    ),
    DutyMet(
        "maintenance-notice",
        "A planned stop announces itself by mail eleven days ahead; one that was not announced is told.",
        "Đợt dừng theo kế hoạch được thông báo qua thư điện tử trước mười một ngày; đợt chưa thông báo được"
        " cảnh báo.",
        ("vanvault availability window list",),
    ),
    DutyMet(
        "receipt-notice",
        "The gateway gets a receipt with the answer to its push. To confirm it to the employer is the"
        " gateway's part.",
        "Cổng kết nối nhận biên nhận ngay khi gửi. Việc thông báo cho người sử dụng lao động thuộc về cổng"
        " kết nối.",
        ("vanvault receipt show",),
    ),
    DutyMet(
        "forwarded",
        "Not by this archive: gateways forward dossiers. Their events show when, where they send such"
        " events.",
        "Không thuộc kho lưu trữ: cổng kết nối chuyển hồ sơ. Các sự kiện mà cổng gửi cho biết thời điểm"
        " chuyển.",
        ("vanvault timeline",),
    ),
    DutyMet(
        "attacks-detected",
        "Failed sign-ons and refused looks are on record, and guessing is slowed down. To watch networks"
        " and hosts is the operator's part.",
        "Các lần đăng nhập thất bại và truy cập bị từ chối được ghi lại, việc dò mật khẩu bị làm chậm. Giám"
        " sát mạng và máy chủ thuộc trách nhiệm người vận hành.",
        ("vanvault access list",),
    ),
    DutyMet(
        "data-in-country",
        "Not shown by this program: the operator chooses where the sites are.",
        "Phần mềm không chứng minh được điều này: người vận hành chọn nơi đặt các điểm lưu trữ.",
    ),
    DutyMet(
        "sets-on-independent-media",
        "Two sites have everything, and a third copy lies apart from both; verifications read all of it in"
        " turn.",
        "Hai điểm lưu trữ có toàn bộ dữ liệu, bản thứ ba đặt riêng; việc kiểm tra lần lượt đọc lại toàn bộ.",
        ("vanvault coverage", "vanvault verify"),
    ),
    DutyMet(
        "backups-kept",
        "Third copies run by themselves, sealed; drills restore from them.",
        "Bản sao thứ ba được tạo tự động và mã hóa; diễn tập khôi phục từ bản sao đó.",
        ("vanvault backup list", "vanvault schedule list", "vanvault drill list"),
    ),
    DutyMet(
        "regular-reports",
        "The report on the operation is made each month, signed and archived. To send it is left to people.",
        "Báo cáo hoạt động được lập hằng tháng, ký số và lưu trữ. Việc gửi báo cáo do người phụ trách thực"
        " hiện.",
        ("vanvault report due", "vanvault report list"),
    ),
    DutyMet(
        "no-display-without-right",
        "Originals are shown over HTTP by role and purpose only, and each look is on record before anything"
        " is shown.",
        "Bản gốc chỉ hiển thị qua HTTP theo vai trò và mục đích; mỗi lần xem được ghi lại trước khi hiển"
        " thị.",
        ("vanvault access list", "vanvault account roles"),
    ),
    DutyMet(
        "account-locked-on-decision",
        "A suspension counts from its day; one that was entered too late is told with its lag and with what"
        " was looked at meanwhile.",
        "Việc tạm khóa có hiệu lực từ ngày quyết định; nhập chậm thì báo cáo nêu số ngày chậm và những gì"
        " đã xem trong thời gian đó.",
        ("vanvault account list", "vanvault report make"),
    ),
    DutyMet(
        "extraction-approved",
        "Data leaves by a form that names the fields, with the official letter, after others have approved"
        " it.",
        "Dữ liệu chỉ được khai thác theo mẫu nêu rõ các trường, kèm công văn, sau khi người khác phê duyệt.",
        ("vanvault extract list",),
    ),
    DutyMet(
        "accounts-reported",
        "The report on accounts is made each quarter, the first time with the full list. To send it is left"
        " to people.",
        "Báo cáo tài khoản được lập hằng quý, lần đầu có danh sách đầy đủ. Việc gửi do người phụ trách thực"
        " hiện.",
        ("vanvault report due", "vanvault report list"),
    ),
    DutyMet(
        "single-sign-on",
        "People sign on at the identity provider that is set up; accounts of this archive alone can be"
        " switched off.",
        "Người dùng đăng nhập qua hệ thống định danh đã thiết lập; có thể tắt tài khoản riêng của kho lưu"
        " trữ.",
        ("vanvault login",),
    ),
    DutyMet(
        "accounts-reviewed",
        "Each account is due for a review every six months; the report on reviews says who confirmed which.",
        "Mỗi tài khoản đến hạn rà soát sáu tháng một lần; báo cáo rà soát nêu ai đã xác nhận tài khoản nào.",
        ("vanvault account review", "vanvault report list"),
    ),
    DutyMet(
        "idle-account-off",
        "An account that was not used for 45 days is off by itself.",
        "Tài khoản không sử dụng 45 ngày tự động bị tắt.",
        ("vanvault account list",),
    ),
    DutyMet(
        "access-log-kept",
        "Sign-ons and looks are entries of the archive, with address and port where no proxy hides it, kept"
        " as every entry.",
        "Đăng nhập và lượt xem là bản ghi của kho lưu trữ, có địa chỉ và cổng nguồn khi không bị máy trung"
        " gian che, được lưu như mọi bản ghi.",
        ("vanvault access list",),
    ),
    DutyMet(
        "central-log-kept",
        "What is done at any node goes on record in the one archive, by clocks that are checked.",
        "Hoạt động tại mọi nút được ghi vào cùng một kho lưu trữ, theo đồng hồ được kiểm tra.",
        ("vanvault access list", "vanvault clock show"),
    ),
    DutyMet(
        "copies-stamped",
        "Copies for an authority, as PDF, bear the mark BẢN SAO and the agency's name on each page.",
        "Bản sao PDF cung cấp cho cơ quan có thẩm quyền có dấu “BẢN SAO” và tên cơ quan trên mỗi trang.",
        ("vanvault extract run",),
    ),
    DutyMet(
        "incident-reported",
        "Not sent by this program: people report it. What is wrong is told with its runbook, and the ledger"
        " has stops and their causes.",
        "Phần mềm không gửi báo cáo: người phụ trách báo cáo. Sự cố được cảnh báo kèm hướng dẫn xử lý, sổ"
        " theo dõi có thời gian dừng và nguyên nhân.",
        ("vanvault status", "vanvault availability report"),
    ),
    DutyMet(
        "yearly-figures",
        "Not sent by this program: the reports on the operation have the figures of each month.",
        "Phần mềm không gửi: báo cáo hoạt động có số liệu từng tháng.",
        ("vanvault report list",),
    ),
    DutyMet(
        "personal-data-breach-notified",
        "Not sent by this program: people notify. The record of looks tells whose data was seen by whom.",
        "Phần mềm không gửi: người phụ trách thông báo. Nhật ký truy cập cho biết ai đã xem dữ liệu của ai.",
        ("vanvault access list",),
    ),
)
#: By the name of a duty.
MET_BY: dict[str, DutyMet] = {row.name: row for row in _ROWS}
