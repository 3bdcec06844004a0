"""The sentences in which it is told what is owed for a transaction. Data only.

Names in braces are filled in. The states and doubts of a clock are keys of their own.
"""

from __future__ import annotations

#: By language, "vi" or "en", and by what is told.
SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "open": "The transaction is open: nothing of it is due.",
        "closed-before": "The transaction had ended; the line of the log that ended it was disposed of.",
        "disposed": (
            "The transaction was disposed of: its period was over. Its ids, times of receipt and the "
            "certificate are left."
        ),
        "gone-entries": (
            "On {day} {count} of its {entries} entries were disposed of, by certificate {certificate}."
        ),
        "gone-originals": (
            "On {day} the originals alone of {count} of its {entries} entries were disposed of, "
            "by certificate {certificate}."
        ),
        "succeeded": "The transaction has succeeded.",
        "refused": "The transaction was refused, which ends it as a success does.",
        "withdrawn": "The transaction was withdrawn, which ends it as a success does.",
        "expired": "The transaction has expired, which ends it as a success does.",
        "closed": "The log line {type} ({id}) of {day} closed it.",
        "after-receipt": "That line says a time after its receipt, so the time of receipt counts.",
        "before-first": (
            "That line says a time before all else of the transaction, so the time of receipt counts."
        ),
        "too-long-ago": (
            "That line says a time more than 30 days before its receipt, so the time of receipt counts."
        ),
        "later": "Its last entry came later, on {day}: the period is counted from there.",
        "due": "It is kept for {rule}, until the end of {day} in Vietnam (profile {profile}).",
        "originals": "Originals are kept until the end of {day}.",
        "not-due": "It has no end yet: the period starts when the transaction closes.",
        "floor": (
            "It was closed once before and opened again: it is kept as if the period had started on "
            "{day}, at least."
        ),
        "least": "It is kept until the end of {day} in Vietnam at least: {rule}, by {clause}.",
        "least-open": (
            "It is kept until the end of {day} in Vietnam at least, and longer while its transaction is "
            "open: {rule} from its closing, by {clause}."
        ),
        "receipt": "The receipt says that it is locked until {day}, as it was when it was received.",
        "receipt-short": (
            "The receipt says that it is locked until {day}: that was the first, short lock of its batch, "
            "and stays true; it is prolonged while the batch is needed."
        ),
        "receipt-segment": "Since then it lies in the segment {segment}, which has a lock of its own.",
        "lock": "The earliest lock that stands now ends on {day}.",
        "lock-shorter": (
            "The earliest lock that stands now ends on {day}, before the end of keeping: locks are "
            "prolonged while they are needed."
        ),
        "lock-unknown": "Not every lock could be read now.",
        "no-hold": "No hold is over it.",
        "holds": "It is held, whatever its period says: {holds}.",
        "unread": "Something could not be read, so entries may be missing: {what}.",
    },
    "vi": {
        "open": "Giao dịch chưa kết thúc: chưa có gì hết thời hạn lưu.",
        "closed-before": "Giao dịch đã kết thúc; dòng nhật ký ghi việc kết thúc đã được tiêu hủy.",
        "disposed": (
            "Giao dịch đã được tiêu hủy khi hết thời hạn lưu; chỉ còn mã bản ghi, thời điểm tiếp nhận và "
            "biên bản tiêu hủy."
        ),
        "gone-entries": "Ngày {day}, {count}/{entries} bản ghi đã được tiêu hủy theo biên bản {certificate}.",
        "gone-originals": (
            "Ngày {day}, {count}/{entries} bản ghi đã được tiêu hủy riêng bản gốc theo biên bản "
            "{certificate}; dòng nhật ký vẫn được lưu."
        ),
        "succeeded": "Giao dịch đã thành công.",
        "refused": "Giao dịch đã bị từ chối; thời hạn được tính như khi thành công.",
        "withdrawn": "Giao dịch đã được rút lại; thời hạn được tính như khi thành công.",
        "expired": "Giao dịch đã hết hiệu lực; thời hạn được tính như khi thành công.",
        "closed": "Giao dịch kết thúc theo dòng nhật ký {type} ({id}) ngày {day}.",
        "after-receipt": "Dòng nhật ký ghi thời điểm sau khi tiếp nhận, nên lấy thời điểm tiếp nhận.",
        "before-first": (
            "Dòng nhật ký ghi thời điểm trước mọi dữ liệu khác của giao dịch, nên lấy thời điểm tiếp nhận."
        ),
        "too-long-ago": (
            "Dòng nhật ký ghi thời điểm trước khi tiếp nhận hơn 30 ngày, nên lấy thời điểm tiếp nhận."
        ),
        "later": "Dữ liệu cuối cùng được tiếp nhận ngày {day}: thời hạn tính từ ngày đó.",
        "due": "Thời hạn lưu {rule}, đến hết ngày {day} theo giờ Việt Nam (quy định {profile}).",
        "originals": "Bản gốc được lưu đến hết ngày {day}.",
        "not-due": "Chưa có ngày hết hạn: thời hạn bắt đầu khi giao dịch kết thúc.",
        "floor": (
            "Giao dịch đã kết thúc một lần rồi mở lại: được lưu ít nhất như khi thời hạn bắt đầu ngày {day}."
        ),
        "least": "Được lưu ít nhất đến hết ngày {day} theo giờ Việt Nam: {rule}, theo {clause}.",
        "least-open": (
            "Được lưu ít nhất đến hết ngày {day} theo giờ Việt Nam, và lâu hơn khi giao dịch chưa kết thúc: "
            "{rule} kể từ khi kết thúc, theo {clause}."
        ),
        "receipt": "Biên nhận ghi khóa chống xóa đến ngày {day}, đúng như khi tiếp nhận.",
        "receipt-short": (
            "Biên nhận ghi khóa chống xóa đến ngày {day}: đó là khóa ngắn đầu tiên của lô, và vẫn đúng; "
            "khóa được gia hạn khi lô còn cần."
        ),
        "receipt-segment": "Sau đó dữ liệu nằm trong phân đoạn {segment}, có khóa chống xóa riêng.",
        "lock": "Khóa chống xóa sớm nhất hiện hết hạn ngày {day}.",
        "lock-shorter": (
            "Khóa chống xóa sớm nhất hiện hết hạn ngày {day}, trước ngày hết thời hạn lưu; khóa được "
            "gia hạn khi còn cần."
        ),
        "lock-unknown": "Hiện không đọc được tất cả các khóa chống xóa.",
        "no-hold": "Không có lệnh tạm giữ nào áp dụng.",
        "holds": "Đang bị tạm giữ, không phụ thuộc thời hạn lưu: {holds}.",
        "unread": "Có phần không đọc được nên có thể thiếu dữ liệu: {what}.",
    },
}
