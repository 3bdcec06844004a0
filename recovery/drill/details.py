"""Details of a report in Vietnamese: what checks, samples, alarms and failures say, by its form. Pure.

A report records details in English, and stays so: it is what was signed. Names of objects, keys and entries
are the same in both languages. What has no known form (the message of an error, say) is not shown half
translated: the reader is sent to the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from vanvault.recovery.documents import duration, moment, number
from vanvault.recovery.drill.texts import phrase

#: Where the words are that could not be translated.
ELSEWHERE = "xem nguyên văn trong report.json"

_WHO = {
    "host": "máy chủ", "primary": "kho chính", "standby": "kho dự phòng", "unknown": "không rõ",
    "None": "không nêu đồng hồ nào",
}  # fmt: skip
_PROBLEMS = {
    "unavailable": "không truy cập được", "missing": "thiếu", "damaged": "hỏng", "swapped": "bị tráo",
    "superseded": "bản cũ hỏng", "hidden": "bị che", "extra": "lạ", "unproved": "không chứng minh được",
    "too-large": "quá lớn", "lock-beyond-rules": "khóa dài hơn quy định", "lock": "khóa quá ngắn",
    "key": "thiếu khóa", "undecipherable": "không giải mã được", "forged": "giả mạo",
    "foreign": "của kho khác", "header": "sai phần đầu", "digest": "sai mã băm", "chain": "đứt chuỗi",
    "fork": "chuỗi rẽ nhánh", "signature": "sai chữ ký", "orphan": "không được tham chiếu",
    "leftover": "phần còn sót", "spare": "phân đoạn thừa", "replaced": "đã được thay thế, chờ xóa",
    "system-file": "tệp hệ thống",
}  # fmt: skip
_VERDICTS = {"pass": "đạt", "weak": "đạt mức yếu", "fail": "không đạt"}
_PLACES = {
    "third copy": "bản sao thứ ba", "primary": "kho chính", "standby": "kho dự phòng", "keys": "khóa",
    "index": "chỉ mục", "hot tail and cache": "chỉ mục nóng và bộ nhớ đệm",
    "primary and standby": "kho chính và kho dự phòng",
}  # fmt: skip

_KEY = r"[\w./:@~+=$-]+(?:~[\w.:-]+)?"
#: Names only, of objects, files, keys or entries: alike in every language. Each has a digit, dot or slash.
_NAMES = re.compile(rf"(?=[^ ]*[\d./])({_KEY})(, (?=[^ ]*[\d./]){_KEY})*")
_ITEM = re.compile(rf"({'|'.join(sorted(_PROBLEMS, key=len, reverse=True))}) ({_KEY})")

_CLOCK = r"the host's clock|the clock of \w+"

#: The form of a whole detail, and what it says; {0}, {1} ... are its parts.
_FORMS: Sequence[tuple[str, str]] = (
    (r"(\d+) entries by seed (\S+)", "{0} bản ghi, chọn theo hạt giống {1}"),
    (r"(\d+) of (\d+) objects", "{0} trên {1} đối tượng"),
    (r"(\d+) of (\d+) objects; not whole: (.+)", "{0} trên {1} đối tượng; không nguyên vẹn: {2}"),
    (r"(\d+) batches folded, (\d+) unreadable", "đã đọc {0} lô, {1} không đọc được"),
    (
        r"(\d+) batches folded, (\d+) unreadable; (\d+) segments answered for by their batches",
        "đã đọc {0} lô, {1} không đọc được; {2} phân đoạn được các lô của nó trả lời thay",
    ),
    (r"(\d+) objects", "{0} đối tượng"),
    (
        r"(\d+) versions as before, (\d+) new and (\d+) extended by others",
        "{0} phiên bản như trước, {1} phiên bản mới, {2} thời hạn khóa do nút khác kéo dài",
    ),
    (
        r"(\d+) versions as before, (\d+) new and (\d+) extended by others; changed: (.+)",
        "{0} phiên bản như trước, {1} phiên bản mới, {2} thời hạn khóa do nút khác kéo dài;"
        f" có đối tượng bị thay đổi: {ELSEWHERE}",
    ),
    (r"(\d+) of (\d+) segments indexed anew", "đã lập chỉ mục lại {0} trên {1} phân đoạn"),
    (
        r"(\d+) samples lie in segments, (\d+) are still found",
        "{0} mẫu nằm trong phân đoạn, {1} mẫu vẫn tìm thấy",
    ),
    (r"(\d+) of (\d+)", "{0} trên {1}"),
    (r"no bundle was given", "chưa đưa bộ ký gửi"),
    (r"(\d+) master keys", "{0} khóa chủ"),
    (r"shares ([\d, ]+) of set (\S+)", "các mảnh khóa số {0} của bộ {1}"),
    (r"no third copy is configured", "chưa cấu hình bản sao thứ ba"),
    (r"restic repository", "kho restic"),
    (r"restic repository (\S+)", "kho restic {0}"),
    (r"a copy in memory", "một bản sao trong bộ nhớ"),
    (
        r"made (\S+), ([\d.]+) h ago; allowed: ([\d.]+) h",
        "tạo lúc {0}; đã {1} giờ, cho phép: {2} giờ",
    ),
    (
        r"the third copy holds no keys, and there are no shares: give --bundle and --shares",
        "bản sao thứ ba không có khóa và chưa đưa mảnh khóa: dùng --bundle và --shares",
    ),
    (
        r"the third copy holds no keys, and there are no shares and no escrow bundle:"
        r" give --bundle and --shares",
        "bản sao thứ ba không có khóa, chưa đưa mảnh khóa và bộ ký gửi: dùng --bundle và --shares",
    ),
    (r"from the third copy", "lấy từ bản sao thứ ba"),
    (r"(\d+) were harmed", "đã làm hỏng {0} đối tượng"),
    (r"(\d+) mended, (\d+) still not whole", "đã sửa {0}, còn {1} chưa nguyên vẹn"),
    (r"it was never probed", "chưa từng được thử"),
    (r"they agree", "khớp nhau"),
    (r"(host|primary|standby|unknown)", "{who0}"),
    (r"it named (\w+)", "nêu: {who0}"),
    (r"two days later by the store's clock", "hai ngày sau, theo đồng hồ của kho"),
    (r"(\d+) objects were forged", "đã giả mạo {0} đối tượng"),
    (r"(\d+) entries are listed", "đã liệt kê {0} bản ghi"),
    (r"they are not rotated by a drill", "buổi diễn tập không xoay các khóa này"),
    (r"(\d+) entries under (\S+)", "{0} bản ghi dùng khóa {1}"),
    (r"(\S+) for (\S+)", "{0} thay cho {1}"),
    (r"(\d+) objects wait", "{0} đối tượng đang chờ"),
    (r"(\d+) clocks agree within (\d+) s", "{0} đồng hồ khớp nhau trong {1} giây"),
    (
        rf"({_CLOCK}) and ({_CLOCK}) are (\d+) s apart; allowed: (\d+) s\."
        r" The clocks do not tell which of them is off\.",
        "{clock0} và {clock1} lệch nhau {time2}; cho phép: {time3}. Không rõ đồng hồ nào sai.",
    ),
    (
        rf"({_CLOCK}) and ({_CLOCK}) are (\d+) s apart; allowed: (\d+) s\."
        rf" The others agree: ({_CLOCK}) is off\.",
        "{clock0} và {clock1} lệch nhau {time2}; cho phép: {time3}."
        " Các đồng hồ khác khớp nhau: {clock4} sai.",
    ),
    (
        rf"({_CLOCK}) is (\d+) s before what was archived last: time never runs backwards in the archive\.",
        "{clock0} chậm {time1} so với dữ liệu lưu sau cùng: thời gian trong kho không bao giờ lùi.",
    ),
    # Samples.
    (r"its entry is another", "bản ghi khác trước"),
    (r"(\w+) does not find it", "không tìm thấy theo trường {0}"),
    (r"its receipt is another", "biên nhận khác trước"),
    (r"its original is another", "bản gốc khác trước"),
    (r"the archive holds no entry (\S+)", "kho lưu trữ không có bản ghi {0}"),
    # Alarms.
    (r"shorten refused: (\S+)", "từ chối rút ngắn hạn khóa: {0}"),
    (r"delete refused: (\S+)", "từ chối xóa: {0}"),
    (r"delete refused by the store's clock", "từ chối xóa, theo đồng hồ của kho"),
    (r"nothing is locked: (\w+) ([+-][\d.]+) h", "không khóa dữ liệu nào: {who0} lệch {1} giờ"),
    (
        r"nothing is locked: host set by ([+-][\d.]+) h while the node runs",
        "không khóa dữ liệu nào: máy chủ bị chỉnh {0} giờ khi nút đang chạy",
    ),
    # Failures.
    (r"no alarm came: (.+)", "không có cảnh báo: {detail0}"),
    (r"sample (\S+): (.+)", "mẫu {0}: {detail1}"),
    (
        r"lost: (\d+) messages and (\d+) events in (\d+) objects",
        "bị mất: {0} thông điệp và {1} sự kiện trong {2} đối tượng",
    ),
    (
        r"what was recovered was not compared with what was acknowledged",
        "chưa so sánh dữ liệu khôi phục với dữ liệu đã xác nhận",
    ),
    (r"recovery takes (\d+) s; allowed: (\d+) s", "khôi phục mất {time0}; cho phép: {time1}"),
)
_COMPILED = [(re.compile(form, re.DOTALL), said) for form, said in _FORMS]
_INTEGER, _FRACTION = re.compile(r"\d+"), re.compile(r"[+-]?\d+\.\d+")


def vietnamese(detail: str) -> str:
    """A detail in Vietnamese."""
    if not detail or _NAMES.fullmatch(detail):
        return detail
    if detail in _VERDICTS:
        return _VERDICTS[detail]
    for form, said in _COMPILED:
        match = form.fullmatch(detail)
        if match is not None:
            return said.format(*map(_part, match.groups()), **_special(said, match.groups()))
    items = detail.split(", ")
    if all(_ITEM.fullmatch(item) for item in items):
        return ", ".join(_ITEM.sub(lambda found: f"{_PROBLEMS[found[1]]} {found[2]}", item) for item in items)
    return ELSEWHERE


def failure_told(text: str, checks: Sequence[Mapping[str, object]]) -> str:
    """Why a drill failed, in Vietnamese: the name and the detail of a check, or one of the other reasons."""
    for check in checks:
        name, detail = str(check["name"]), str(check["detail"])
        if text == f"{name}: {detail}":
            return f"{phrase(name, 'vi')}: {vietnamese(detail)}"
    return vietnamese(text)


def place(name: str) -> str:
    """What is recovered, or from where, in Vietnamese."""
    return _PLACES.get(name, name)


def _part(text: str) -> str:
    """Numbers and times in their Vietnamese form; a list of objects item by item."""
    if _INTEGER.fullmatch(text):
        return number(int(text), "vi")
    if _FRACTION.fullmatch(text):
        return text.replace(".", ",")
    return moment(text, "vi")


def _clock(text: str) -> str:
    return f"đồng hồ {_WHO.get(text.removeprefix('the clock of '), 'máy chủ')}"


def _special(said: str, groups: Sequence[str]) -> dict[str, str]:
    """Of the parts that a text wants in a form of their own, those forms."""
    forms: dict[str, Callable[[str], str]] = {
        "who": lambda text: _WHO.get(text, text),
        "clock": _clock,
        "detail": vietnamese,
        "time": lambda text: duration(int(text) * 1000, "vi"),
    }
    wanted = re.findall(r"\{([a-z]+)(\d)\}", said)
    return {f"{form}{number_of}": forms[form](groups[int(number_of)]) for form, number_of in wanted}
