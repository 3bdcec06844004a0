"""The words of a receipt of hand-over and of reading copies, in English and Vietnamese. Pure."""

from __future__ import annotations

from vanvault.recovery.documents import LANGUAGES, Language

#: On every page of a copy, by TT05/2025/TT-BNV; the same in both languages.
COPY_MARK = "BẢN SAO"

_LABELS: dict[str, tuple[str, str]] = {
    "receipt": ("Receipt of hand-over of extracted data", "Biên bản bàn giao dữ liệu khai thác"),
    "copy": ("Reading copy of extracted data", "Bản đọc dữ liệu khai thác"),
    "extraction": ("Extraction", "Mã lần khai thác dữ liệu"),
    "letter": ("Official letter", "Công văn yêu cầu"),
    "number": ("Number", "Số, ký hiệu"),
    "day": ("Date", "Ngày văn bản"),
    "agency": ("Issuing agency", "Cơ quan ban hành"),
    "scan_sha256": ("SHA-256 of the scan", "SHA-256 của bản quét"),
    "form": ("Form", "Phiếu yêu cầu"),
    "purpose": ("Purpose", "Mục đích sử dụng"),
    "fields": ("Fields handed over", "Trường thông tin được cung cấp"),
    "absent": ("Fields not asked for, and absent", "Trường không yêu cầu nên không có"),
    "filter": ("Entries asked for", "Điều kiện lọc"),
    "until": ("Last day", "Thời hạn sử dụng"),
    "form_sha256": ("SHA-256 of the form", "SHA-256 của phiếu"),
    "approval": ("Approval", "Phê duyệt"),
    "approved_by": ("Approved by", "Người phê duyệt"),
    "request": ("Request for approval", "Mã yêu cầu phê duyệt"),
    "digest": ("SHA-256 of what was approved", "SHA-256 của nội dung được duyệt"),
    "file": ("Data handed over", "Dữ liệu bàn giao"),
    "items": ("Entries", "Số bản ghi"),
    "bytes": ("Size", "Dung lượng"),
    "sha256": ("SHA-256 of the file", "SHA-256 của tệp"),
    "manifest_sha256": ("SHA-256 of the manifest", "SHA-256 của bản kê"),
    "hand_over": ("Hand-over", "Bàn giao"),
    "recipient": ("Recipient by the form", "Người nhận theo phiếu"),
    "because": ("Received in place of the recipient, because", "Lý do nhận thay"),
    "received_by": ("Received by", "Người nhận"),
    "received_agency": ("Of", "Đơn vị nhận"),
    "received_at": ("Received", "Thời điểm nhận"),
    "handed_by": ("Handed over by", "Người giao"),
    "receipt_sha256": ("SHA-256 of this statement", "SHA-256 của nội dung biên bản"),
    "signed_by_hand": ("name, signature, date", "họ tên, chữ ký, ngày"),
    "entry": ("Entry", "Bản ghi"),
    "field": ("Field", "Trường"),
    "value": ("Value", "Nội dung"),
    "receipt_note": (
        "The recipient checks the file offline with verify.py, which is in it, and the archive's public key.",
        "Bên nhận kiểm tra tệp ngoại tuyến bằng verify.py (có trong tệp) và khóa công khai của kho lưu trữ.",
    ),
    "copy_note": (
        "A copy for reading. What counts are the entries of the signed file in which it lies.",
        "Bản sao để đọc. Giá trị pháp lý thuộc về dữ liệu trong tệp có chữ ký số chứa bản sao này.",
    ),
}


#: Fields of an entry as an officer reads them; their own names stand beside.
_FIELDS = {
    "id": "mã bản ghi",
    "entry": "loại bản ghi",
    "gateway": "cổng kết nối",
    "received_at": "thời điểm nhận",
    "occurred_at": "thời điểm xảy ra",
    "type": "loại sự kiện",
    "actor": "tác nhân",
    "message_id": "mã thông điệp",
    "event_id": "mã sự kiện",
    "kind": "loại thông điệp",
    "transaction_id": "mã giao dịch",
    "ivan": "tổ chức I-VAN",
    "employer_code": "mã đơn vị",
    "tax_code": "mã số thuế",
    "insurance_numbers": "mã số BHXH",
    "dossier_number": "số hồ sơ",
    "procedure": "thủ tục",
    "period": "kỳ",
    "state": "trạng thái",
    "agency": "cơ quan BHXH",
    "content_type": "định dạng",
    "size": "dung lượng (byte)",
    "sha256": "SHA-256",
    "sha512": "SHA-512",
    "detail": "chi tiết",
    "original": "bản gốc",
    "receipt": "biên nhận",
}


def field_name(name: str, language: Language) -> str:
    """``dossier_number``, or ``số hồ sơ (dossier_number)``."""
    return name if language == "en" else f"{_FIELDS[name]} ({name})"


def wording(name: str, language: Language) -> str:
    """A word of a document."""
    return _LABELS[name][LANGUAGES.index(language)]
