"""Names of forms and elements in words, Vietnamese and English. Data only.

The names are those of the forms of Decision 838/QĐ-BHXH and of the health-claim files; others stand as they
are written.
"""

from __future__ import annotations

from typing import Literal, get_args

ReadingLanguage = Literal["vi", "en"]
READING_LANGUAGES: tuple[ReadingLanguage, ...] = get_args(ReadingLanguage)

_VI, _EN = 0, 1

#: Name of a root element -> what such a document is.
_TITLES = {
    "Hoso": ("Hồ sơ điện tử bảo hiểm xã hội", "Electronic dossier of social insurance"),
    "BHXH": ("Thông báo của cơ quan BHXH (01/TB-GD)", "Notice of the social insurance agency (01/TB-GD)"),
    "GIAMDINHHS": ("Hồ sơ đề nghị giám định BHYT", "Health-insurance claims"),
    "D02-TS": ("Danh sách lao động tham gia (D02-TS)", "List of employees who take part (D02-TS)"),
    "TK1-TS": ("Tờ khai tham gia, điều chỉnh thông tin (TK1-TS)", "Declaration of one person (TK1-TS)"),
    "TONG_HOP": ("Bảng tổng hợp chi phí (XML1)", "Summary of costs (XML1)"),
    "DSACH_CHI_TIET_DVKT": ("Chi tiết dịch vụ kỹ thuật (XML3)", "Services in detail (XML3)"),
}
#: Local name of an element, without case and underscores -> its words.
_ELEMENTS = {
    "noidung": ("Nội dung", "Content"),
    "thongtinivan": ("Thông tin I-VAN", "I-VAN"),
    "maivan": ("Mã I-VAN", "I-VAN code"),
    "tenivan": ("Tên I-VAN", "I-VAN name"),
    "thongtindonvi": ("Thông tin đơn vị", "Unit"),
    "tendoituong": ("Tên đơn vị", "Name of the unit"),
    "loaidoituong": ("Loại đối tượng", "Kind of unit"),
    "masobhxh": ("Mã số BHXH", "Social insurance number"),
    "masothue": ("Mã số thuế", "Tax code"),
    "nguoiky": ("Người ký", "Signatory"),
    "dienthoai": ("Điện thoại", "Telephone"),
    "coquanquanly": ("Cơ quan BHXH quản lý", "Agency in charge"),
    "thongtinhoso": ("Thông tin hồ sơ", "Dossier"),
    "sohoso": ("Số hồ sơ", "Dossier number"),
    "tenthutuc": ("Tên thủ tục", "Procedure"),
    "mathutuc": ("Mã thủ tục", "Procedure code"),
    "kykekhai": ("Kỳ kê khai", "Declared period"),
    "ngaylap": ("Ngày lập", "Made on"),
    "soluongfile": ("Số lượng tệp", "Number of files"),
    "quytrinhiso": ("Quy trình ISO", "ISO process"),
    "tokhais": ("Các tờ khai", "Forms"),
    "filetokhai": ("Tờ khai", "Form"),
    "matokhai": ("Mã tờ khai", "Code of the form"),
    "motatokhai": ("Mô tả tờ khai", "Title of the form"),
    "tenfile": ("Tên tệp", "File name"),
    "loaifile": ("Loại tệp", "Kind of file"),
    "dodaifile": ("Độ dài tệp", "Length of the file"),
    "noidungfile": ("Nội dung tệp", "Content of the file"),
    "ckydvi": ("Chữ ký của đơn vị", "Signature of the unit"),
    "cky": ("Chữ ký", "Signature"),
    "signature": ("Chữ ký số", "Digital signature"),
    "thongtinchung": ("Thông tin chung", "General"),
    "tendonvi": ("Tên đơn vị", "Name of the unit"),
    "madonvi": ("Mã đơn vị", "Code of the unit"),
    "tongso": ("Tổng số", "Total"),
    "danhsach": ("Danh sách", "List"),
    "laodong": ("Người lao động", "Employee"),
    "stt": ("Số thứ tự", "Number in the list"),
    "hoten": ("Họ và tên", "Full name"),
    "ngaysinh": ("Ngày sinh", "Born"),
    "gioitinh": ("Giới tính", "Sex"),
    "socccd": ("Số CCCD", "Citizen number"),
    "chucvu": ("Chức vụ", "Position"),
    "mucluong": ("Mức lương", "Wage"),
    "tuthang": ("Từ tháng", "From month"),
    "phuongan": ("Phương án", "Change"),
    "quoctich": ("Quốc tịch", "Nationality"),
    "dantoc": ("Dân tộc", "Ethnic group"),
    "noidungthaydoi": ("Nội dung thay đổi", "What changes"),
    "xacnhangdich": ("Xác nhận giao dịch", "Confirmation"),
    "ttdvi": ("Thông tin đơn vị", "Unit"),
    "tendvi": ("Tên đơn vị", "Name of the unit"),
    "madvi": ("Mã đơn vị", "Code of the unit"),
    "mst": ("Mã số thuế", "Tax code"),
    "tencoquan": ("Tên cơ quan", "Agency"),
    "ngaythongbao": ("Ngày thông báo", "Date of the notice"),
    "ttgdich": ("Thông tin giao dịch", "Transaction"),
    "sohso": ("Số hồ sơ", "Dossier number"),
    "tengdich": ("Tên giao dịch", "Procedure"),
    "maloaihso": ("Mã loại hồ sơ", "Procedure code"),
    "ngaygdich": ("Ngày giao dịch", "Date of the transaction"),
    "kykkhai": ("Kỳ kê khai", "Declared period"),
    "magdich": ("Mã giao dịch", "Transaction id"),
    "makqua": ("Mã kết quả", "Result code"),
    "kqua": ("Kết quả", "Result"),
    "maloi": ("Mã lỗi", "Error code"),
    "motaloi": ("Mô tả lỗi", "Error"),
    "ttckybhxh": ("Chữ ký của cơ quan BHXH", "Signature of the agency"),
    "ttcky": ("Thông tin chữ ký", "Signature"),
    "subject": ("Chủ thể", "Subject"),
    "serial": ("Số sê-ri", "Serial number"),
    "time": ("Thời gian", "Time"),
    "macskcb": ("Mã cơ sở khám chữa bệnh", "Code of the health facility"),
    "soluonghoso": ("Số lượng hồ sơ", "Number of claims"),
    "danhsachhoso": ("Danh sách hồ sơ", "Claims"),
    "hoso": ("Hồ sơ", "Claim"),
    "filehoso": ("Tệp hồ sơ", "File of the claim"),
    "loaihoso": ("Loại hồ sơ", "Kind of file"),
    "chukydonvi": ("Chữ ký của đơn vị", "Signature of the unit"),
    "malk": ("Mã liên kết", "Link code"),
    "mathe": ("Mã thẻ BHYT", "Health card"),
    "mabenh": ("Mã bệnh", "Disease code"),
    "ngayvao": ("Ngày vào", "Admitted"),
    "ttongchi": ("Tổng chi", "Total cost"),
    "chitietdvkt": ("Dịch vụ kỹ thuật", "Service"),
    "madichvu": ("Mã dịch vụ", "Service code"),
    "soluong": ("Số lượng", "Quantity"),
    "dongia": ("Đơn giá", "Price of one"),
    "ngayyl": ("Ngày y lệnh", "Ordered on"),
}
_SENTENCES = {
    "reading": (
        "Đây là bản hiển thị để đọc, không thay thế bản gốc. Bản gốc: {size} byte, SHA-256 {sha256}.",
        "This is a reading and does not stand in place of the original: {size} bytes, SHA-256 {sha256}.",
    ),
    "unchecked": (
        "Chữ ký số chỉ được nêu tên, không được kiểm tra ở đây.",
        "Digital signatures are named here and not checked.",
    ),
    "other": ("Tài liệu XML: {root}", "XML document: {root}"),
    "json": ("Tài liệu JSON", "JSON document"),
    "event": ("Dòng nhật ký", "Line of the log"),
    "opaque": ("Tệp {kind}", "{kind} file"),
    "files": ("Tệp đính kèm", "Attached files"),
    "file": ("Tệp {number}: {name}", "File {number}: {name}"),
    "unnamed": ("không có tên", "without a name"),
    "is-file": (
        "tệp {number}: {kind}, {size} byte, SHA-256 {sha256}",
        "file {number}: {kind}, {size} bytes, SHA-256 {sha256}",
    ),
    "signature": ("chữ ký số, không kiểm tra ở đây", "digital signature, not checked here"),
    "notes": ("Không được nêu ở trên", "Not shown above"),
    "not-opened": (
        "Nội dung của tệp {kind} không mở ở đây; hãy tải bản gốc.",
        "A {kind} file is not opened here; fetch the original.",
    ),
    "doctype": (
        "{where}: có khai báo kiểu tài liệu (DOCTYPE), nên không được mở.",
        "{where}: it has a document type declaration, so it is not opened.",
    ),
    "broken": (
        "{where}: không phải XML đúng cú pháp; phần sau lỗi không được đọc.",
        "{where}: it is no well-formed XML; nothing after the fault is read.",
    ),
    "deep": (
        "{where}: lồng quá {most} mức; phần còn lại không được đọc.",
        "{where}: more than {most} levels deep; the rest is not read.",
    ),
    "long": (
        "Quá {most} dòng; phần còn lại không được nêu.",
        "More than {most} lines; the rest is not shown.",
    ),
    "many": (
        "Quá {most} tệp; các tệp sau không được nêu.",
        "More than {most} files; later ones are not named.",
    ),
    "nested": (
        "{where}: biểu mẫu lồng quá {most} lần không được mở.",
        "{where}: forms nested more than {most} times are not opened.",
    ),
    "large": ("{where}: quá lớn để đọc ở đây.", "{where}: too large to be read here."),
    "base64": (
        "{where}: nội dung tệp không phải base64 hợp lệ.",
        "{where}: the content of a file is no valid base64.",
    ),
    "message": ("Thông điệp", "The message"),
}


def title_of(root: str, language: ReadingLanguage) -> str:
    """What a document with this root element is."""
    known = _TITLES.get(root)
    return say("other", language, root=root) if known is None else known[_index(language)]


def words_of(name: str, language: ReadingLanguage) -> str:
    """What the local name of an element means; "" where that is not known."""
    known = _ELEMENTS.get(name.replace("_", "").lower())
    return "" if known is None else known[_index(language)]


def say(sentence: str, language: ReadingLanguage, **values: object) -> str:
    """A sentence of a reading."""
    return _SENTENCES[sentence][_index(language)].format(**values)


def numbered(value: int, language: ReadingLanguage) -> str:
    """``12.345`` in Vietnamese, ``12,345`` in English."""
    text = f"{value:,}"
    return text.replace(",", ".") if language == "vi" else text


def _index(language: ReadingLanguage) -> int:
    return _VI if language == "vi" else _EN
