"""The part of the table of terms that is of extractions: states, and fields of their form."""

from __future__ import annotations

from collections.abc import Mapping

EXTRACTION_TERMS: Mapping[str, tuple[str, str]] = {
    "extraction-is:requested": ("asked for", "đã đề nghị"),
    "extraction-is:begun": ("begun, not complete", "đã bắt đầu, chưa hoàn tất"),
    "extraction-is:ran": ("the file is complete", "tệp đã hoàn tất"),
    "extraction-is:handed-over": ("handed over", "đã bàn giao"),
    "extraction-is:over": ("over: its last day is past", "đã quá thời hạn sử dụng"),
    "extraction-is:unclear": ("not clear", "chưa rõ"),
    "field:original": ("The original, byte for byte", "Bản gốc, nguyên từng byte"),
    "field:receipt": ("Receipt", "Biên nhận"),
    "field:from": ("From", "Từ"),
    "field:to": ("Until before", "Đến trước"),
    "field:letter_number": ("Number of the letter", "Số, ký hiệu công văn"),
    "field:letter_day": ("Date of the letter", "Ngày công văn"),
    "field:letter_agency": ("Issuing agency", "Cơ quan ban hành"),
    "field:scan": ("Scan of the letter", "Bản quét công văn"),
    "field:purpose": ("Purpose", "Mục đích sử dụng"),
    "field:recipient_name": ("Recipient", "Người nhận"),
    "field:recipient_agency": ("Agency of the recipient", "Đơn vị của người nhận"),
    "field:until": ("Last day", "Thời hạn sử dụng"),
    "field:fields": ("Fields handed over", "Trường thông tin được cung cấp"),
    "field:filter": ("Entries asked for", "Điều kiện lọc"),
    "field:copies": ("Reading copies", "Bản đọc"),
    "copy:csv": ("as CSV, for a spreadsheet", "dạng CSV, cho bảng tính"),
    "copy:pdf": ("as PDF, 1,000 entries at most", "dạng PDF, tối đa 1.000 bản ghi"),
}
