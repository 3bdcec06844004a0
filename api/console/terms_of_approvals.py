"""The part of the table of terms that is of requests for approval: what they are about."""

from __future__ import annotations

from collections.abc import Mapping

APPROVAL_TERMS: Mapping[str, tuple[str, str]] = {
    "subject:count": ("Entries found", "Số bản ghi tìm thấy"),
    "subject:before": ("Received before", "Tiếp nhận trước"),
    "subject:scan_sha256": ("SHA-256 of the scan", "SHA-256 của bản quét"),
    "subject:version": ("Version of the form", "Phiên bản biểu mẫu"),
    "subject:before.profile": ("Profile today", "Quy định lưu trữ hiện tại"),
    "subject:before.log_years": ("Log today, years", "Nhật ký hiện tại, số năm"),
    "subject:before.originals_years": ("Originals today, years", "Bản gốc hiện tại, số năm"),
    "subject:after.profile": ("Profile afterwards", "Quy định lưu trữ mới"),
    "subject:after.log_years": ("Log afterwards, years", "Nhật ký sau thay đổi, số năm"),
    "subject:after.originals_years": ("Originals afterwards, years", "Bản gốc sau thay đổi, số năm"),
    "subject:hold": ("Hold to be lifted", "Lệnh tạm giữ được gỡ"),
    "subject:leader": ("Site that leads", "Điểm lưu trữ hoạt động chính"),
    "subject:epoch": ("Epoch", "Số thứ tự lần chuyển"),
    "subject:days": ("Days", "Số ngày"),
    "subject:reason": ("Reason", "Lý do"),
    "subject:threshold": ("Shares that open it", "Số mảnh cần để mở"),
    "subject:shares": ("Shares", "Số mảnh"),
    "subject:plan": ("Plan", "Kế hoạch"),
    "subject:ids_sha256": ("SHA-256 of the ids", "SHA-256 của danh sách mã"),
    "subject:objects_sha256": ("SHA-256 of the objects", "SHA-256 của danh sách đối tượng"),
}
