"""The words of a report in English and Vietnamese. Pure.

Names of phases and checks are English in the report itself, and translated here when they are shown; details
are translated by their form (``details.py``).
"""

from __future__ import annotations

import re

from vanvault.recovery.documents import LANGUAGES, Language

LABELS: dict[str, tuple[str, str]] = {
    "title": ("Report of a recovery drill", "Biên bản diễn tập khôi phục dữ liệu"),
    "passed": ("PASSED", "ĐẠT"),
    "failed": ("FAILED", "KHÔNG ĐẠT"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
    "summary": ("Summary", "Tóm tắt"),
    "scenario": ("Scenario", "Kịch bản"),
    "id": ("Drill", "Mã diễn tập"),
    "archive": ("Archive", "Kho lưu trữ"),
    "started": ("Started", "Bắt đầu"),
    "finished": ("Finished", "Kết thúc"),
    "operator": ("Operator", "Người thực hiện"),
    "approver": ("Approver", "Người phê duyệt"),
    "share": ("Share of the objects", "Phần dữ liệu được diễn tập"),
    "rto": ("Recovery time (RTO)", "Thời gian khôi phục (RTO)"),
    "rto_whole": ("Recovery time for everything", "Thời gian khôi phục toàn bộ"),
    "first_search": ("Until the first search", "Đến lần tra cứu đầu tiên"),
    "all_searches": ("Until all searches find everything", "Đến khi tra cứu được toàn bộ"),
    "first_push": ("Until the first push is taken", "Đến khi nhận thông điệp đầu tiên"),
    "everything_verified": ("Until everything is verified", "Đến khi kiểm chứng xong toàn bộ"),
    "rpo": ("Messages lost (RPO)", "Số thông điệp bị mất (RPO)"),
    "rpo_owed": (
        "Messages lost that the third copy should hold (RPO)",
        "Số thông điệp bị mất mà bản sao thứ ba phải có (RPO)",
    ),
    "rpo_all": ("Messages that did not come back", "Số thông điệp không khôi phục được"),
    "rpo_later": ("of them after the third copy was made", "trong đó: sau khi tạo bản sao thứ ba"),
    "passed_but": ("but for what came after the third copy", "trừ dữ liệu đến sau khi tạo bản sao thứ ba"),
    "lost": ("Lost entries", "Bản ghi bị mất"),
    "lost_kind": ("Kind", "Loại"),
    "message": ("message", "thông điệp"),
    "event": ("event", "sự kiện"),
    "gateway": ("Gateway", "Cổng kết nối"),
    "client_id": ("Its id there", "Mã tại cổng"),
    "archive_id": ("Id in the archive", "Mã trong kho"),
    "lost_later": ("After the copy", "Sau bản sao"),
    "lost_more": ("and more that are not named", "và các bản ghi khác không nêu tên"),
    "target": ("target", "mục tiêu"),
    "at_most": ("at most", "tối đa"),
    "failures": ("Why it failed", "Lý do không đạt"),
    "plan": ("Plan", "Kế hoạch"),
    "source": ("Recovered from", "Nguồn khôi phục"),
    "recovered": ("Recovered", "Đối tượng khôi phục"),
    "all_objects": ("All objects", "Toàn bộ đối tượng"),
    "share_objects": ("Objects in the share", "Đối tượng thuộc phần diễn tập"),
    "expected": ("Expected at the last measured rate", "Dự kiến theo tốc độ đo gần nhất"),
    "not_measured": ("not measured yet", "chưa có số đo"),
    "phases": ("Phases", "Các bước"),
    "phase": ("Phase", "Bước"),
    "time": ("Time", "Thời gian"),
    "objects": ("Objects", "Đối tượng"),
    "bytes": ("Size", "Dung lượng"),
    "counted": ("Part of the recovery", "Tính vào thời gian khôi phục"),
    "rates": ("Measured rates", "Tốc độ đo được"),
    "bytes_per_s": ("Speed", "Tốc độ"),
    "objects_per_s": ("Objects per second", "Số đối tượng mỗi giây"),
    "us_per_object": ("Time per object", "Thời gian mỗi đối tượng"),
    "ns_per_byte": ("Time per GB", "Thời gian mỗi GB"),
    "checks": ("Checks", "Kiểm tra"),
    "check": ("Check", "Nội dung"),
    "result": ("Result", "Kết quả"),
    "detail": ("Detail", "Chi tiết"),
    "alarms": ("Alarms that had to come", "Cảnh báo phải xuất hiện"),
    "alarm": ("Alarm", "Cảnh báo"),
    "came": ("Came", "Đã xuất hiện"),
    "samples": ("Samples compared before and after", "Mẫu so sánh trước và sau"),
    "entry": ("Entry", "Bản ghi"),
    "digest": ("SHA-256", "SHA-256"),
    "same": ("Same", "Trùng khớp"),
    "versions": ("Versions", "Phiên bản phần mềm"),
    "signature": ("Signature", "Chữ ký"),
    "signing_key": ("Signing key (Ed25519)", "Khóa ký (Ed25519)"),
    "signed": (
        "The signed report is report.json; verify it with: vanvault drill show ID --verify",
        "Bản có chữ ký là report.json; kiểm tra bằng lệnh: vanvault drill show ID --verify",
    ),
    "signed_by_hand": ("name, signature, date", "họ tên, chữ ký, ngày"),
}

VIETNAMESE = {
    "primary-lost": "primary-lost (mất kho chính)",
    "standby-lost": "standby-lost (mất kho dự phòng)",
    "node-lost": "node-lost (mất máy chủ xử lý)",
    "index-lost": "index-lost (mất chỉ mục tìm kiếm)",
    "objects-damaged": "objects-damaged (đối tượng bị hỏng)",
    "keys-lost": "keys-lost (mất khóa)",
    "both-sites-lost": "both-sites-lost (mất cả hai kho)",
    "ransomware": "ransomware (mã độc tống tiền)",
    "clock-wrong": "clock-wrong (sai đồng hồ)",
    "key-disclosed": "key-disclosed (lộ khóa chủ)",
    "signing-key-stolen": "signing-key-stolen (khóa ký bị đánh cắp)",
    "list production": "liệt kê kho đang vận hành",
    "list production again": "liệt kê lại kho đang vận hành",
    "ask production": "lấy mẫu từ hệ thống đang vận hành",
    "restore": "khôi phục",
    "restore the second site": "khôi phục kho thứ hai",
    "restore from the third copy": "khôi phục từ bản sao thứ ba",
    "restore the control plane": "khôi phục cấu hình và khóa",
    "restore elsewhere": "khôi phục sang nơi khác",
    "rebuild the hot tail": "dựng lại chỉ mục nóng",
    "rebuild the wiped catalogue": "dựng lại danh mục đã bị xóa",
    "rebuild the key index": "dựng lại chỉ mục khóa tra cứu",
    "remove the key index": "xóa chỉ mục khóa tra cứu",
    "every segment could be read": "mọi phân đoạn đều đọc được",
    "without the key index nothing is found in segments": "không có chỉ mục: không tìm thấy trong phân đoạn",
    "verify": "kiểm tra toàn vẹn",
    "verify the damaged copy": "kiểm tra bản sao đã bị làm hỏng",
    "verify the attacked store": "kiểm tra kho bị tấn công",
    "verify after the repair": "kiểm tra sau khi sửa",
    "compare with what was acknowledged": "so với dữ liệu đã xác nhận",
    "compare answers": "so sánh kết quả tra cứu",
    "copy to harm": "tạo bản sao để làm hỏng",
    "copy to attack": "tạo bản sao để tấn công",
    "do harm": "làm hỏng có chủ đích",
    "repair": "sửa chữa",
    "attack": "tấn công thử",
    "flood": "ghi tràn dữ liệu rác",
    "open the escrow": "mở bộ khóa ký gửi",
    "set clocks wrong": "đặt sai đồng hồ",
    "sample chosen": "đã chọn mẫu",
    "production was not touched": "hệ thống đang vận hành không bị tác động",
    "the rehearsal ran to its end": "buổi diễn tập chạy đến cuối",
    "every object was copied": "mọi đối tượng đã được sao chép",
    "every batch could be read": "mọi lô đều đọc được",
    "the recovered site is whole": "kho khôi phục nguyên vẹn",
    "verify the second site": "kiểm tra kho thứ hai",
    "lock under a wrong host clock": "khóa dữ liệu khi máy chủ sai giờ",
    "enough objects to harm": "có đủ đối tượng để làm hỏng",
    "objects were attacked": "đã tấn công các đối tượng",
    "the good site is whole": "kho còn lại nguyên vẹn",
    "every object still has its whole, locked version": "mọi đối tượng vẫn còn bản nguyên vẹn, đang khóa",
    "the escrow holds every key": "bộ ký gửi có đủ mọi khóa",
    "the control plane has the settings": "phần cấu hình có tệp thiết lập",
    "the keys of the control plane are sound": "các khóa trong phần cấu hình hợp lệ",
    "the clocks of production agree": "đồng hồ hệ thống đang vận hành khớp nhau",
    "right clocks are accepted": "đồng hồ đúng được chấp nhận",
    "the guard names the culprit": "bộ canh giờ chỉ đúng đồng hồ sai",
    "a lock ends by the store's clock": "hạn khóa tính theo đồng hồ của kho",
    "the third copy is there": "có bản sao thứ ba",
    "the third copy is recent enough": "bản sao thứ ba đủ mới",
    "the keys can be had": "có thể lấy lại các khóa",
    "the shares open the bundle": "các mảnh khóa mở được bộ ký gửi",
    "every entry is back": "mọi bản ghi đã trở lại",
    "the repair mended all": "đã sửa xong mọi hư hỏng",
    "copy the primary": "tạo bản sao của kho chính",
    "copy the standby": "tạo bản sao của kho dự phòng",
    "forge with the master keys": "giả mạo bằng khóa chủ",
    "forge with the stolen key": "giả mạo bằng khóa ký bị đánh cắp",
    "forge once more": "giả mạo thêm lần nữa",
    "believe the forgery": "đọc dữ liệu giả mạo khi khóa còn được tin",
    "list what the key opens": "liệt kê những gì khóa mở được",
    "rotate the master keys": "xoay khóa chủ",
    "revoke the key": "thu hồi khóa",
    "verify the copy": "kiểm tra bản sao",
    "without a revocation the forgery is believed": "khi chưa thu hồi, dữ liệu giả mạo được tin",
    "a new key signs": "khóa mới đã ký thay",
    "only the forgery waits": "chỉ dữ liệu giả mạo phải chờ",
    "the revocation is on record": "việc thu hồi đã được ghi nhận",
    "nothing forged is believed": "không tin dữ liệu giả mạo nào",
    "the archive itself is whole": "kho lưu trữ nguyên vẹn",
    "the list of what is exposed has every sample": "danh sách bị lộ có đủ mọi mẫu",
    "the masters are on a token": "khóa chủ nằm trên thiết bị",
    "new masters are in use": "khóa chủ mới đã được dùng",
    "what comes later is not exposed": "dữ liệu đến sau không bị lộ",
}


def label(name: str, language: Language) -> str:
    """A word of the report itself."""
    return LABELS[name][LANGUAGES.index(language)]


#: Names that hold a name of their own.
_FORMS = (
    (re.compile(r"the store of primary withstood its last probe"), "kho chính đã qua lần thử gần nhất"),
    (re.compile(r"the store of standby withstood its last probe"), "kho dự phòng đã qua lần thử gần nhất"),
    (re.compile(r"host ([+-]\d+)\.(\d+) h"), r"máy chủ lệch \1,\2 giờ"),
    (re.compile(r"primary ([+-]\d+)\.(\d+) h"), r"kho chính lệch \1,\2 giờ"),
    (re.compile(r"standby ([+-]\d+)\.(\d+) h"), r"kho dự phòng lệch \1,\2 giờ"),
)


def phrase(text: str, language: Language) -> str:
    """The name of a scenario, phase or check, part by part; what has no translation stands as it is."""
    if language == "en":
        return text
    return ": ".join(map(_in_vietnamese, text.split(": ")))


def _in_vietnamese(part: str) -> str:
    for form, said in _FORMS:
        if form.fullmatch(part):
            return form.sub(said, part)
    return VIETNAMESE.get(part, part)
