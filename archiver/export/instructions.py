"""What a ZIP says about itself: how it is checked, and when it was made, in Vietnamese and English. Pure."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.export.request import ExportState

_VIETNAM = timezone(timedelta(hours=7))

_VI = """\
TỆP XUẤT TỪ KHO LƯU TRỮ VANVAULT
================================

Kho lưu trữ:  {archive}
Mã tệp xuất:  {export}
Lập lúc:      {local:%H:%M:%S} ngày {local:%d/%m/%Y} (giờ Việt Nam, UTC+7)
              {utc:%Y-%m-%d %H:%M:%S} (UTC)
Nội dung:     {items} bản ghi ({messages} thông điệp, {events} sự kiện), {originals} bản gốc

Cách kiểm tra
-------------
Máy tính chỉ cần có Python 3.8 trở lên. Không cần mạng, không cần cài thêm gì, không cần phần mềm của kho.

  1. Giải nén tệp ZIP vào một thư mục trống, mở cửa sổ dòng lệnh tại thư mục đó.
  2. Chạy:  python3 verify.py . khoa-cong-khai.pem --report bao-cao.html
     (trên Windows: py verify.py . khoa-cong-khai.pem --report bao-cao.html)
  3. Mở bao-cao.html để đọc hoặc in.

Không giải nén cũng kiểm tra được:  python3 verify.py TEP.zip khoa-cong-khai.pem

khoa-cong-khai.pem là khóa công khai do đơn vị vận hành công bố hoặc gửi kèm công văn. Nếu không có, chương
trình dùng các khóa trong thư mục keys và ghi rõ là chưa đối chiếu: ai làm được tệp này cũng làm được khóa.
Nếu không chắc về nguồn gốc của tệp này, hãy lấy verify.py từ bản phát hành của phần mềm.

Kết quả (dòng đầu tiên và mã kết thúc)
  good:          0   nguyên vẹn (nếu không đưa khóa: chỉ khớp với chính nó, chưa xác nhận nguồn gốc)
  BAD:           1   không nguyên vẹn: có nội dung không khớp với những gì kho lưu trữ đã ký
  CANNOT CHECK:  2   không kiểm tra được: chưa kết luận được gì
Chương trình dừng vì lý do khác (ví dụ lỗi của Python): chưa kiểm tra được gì.

Trong tệp có gì
---------------
  originals     bản gốc, đúng từng byte như khi nhận
  receipts      biên nhận của từng bản ghi
  items.ndjson  thông tin của các bản ghi, mỗi dòng một bản ghi
  keys          khóa công khai của kho lưu trữ
  SHA256SUMS    mã băm SHA-256 của mọi tệp (kiểm tra bằng: sha256sum -c SHA256SUMS)
  manifest.json bản kê có chữ ký: ai lấy, vì sao, tìm theo điều kiện gì, thiếu gì
  verify.py     chương trình kiểm tra
Phần nào không được cấp thì không có trong tệp. {times_vi}
Tệp này không được mã hóa và có thể chứa dữ liệu cá nhân: người nhận có trách nhiệm bảo vệ.
"""

_EN = """\
AN EXPORT OF A VANVAULT ARCHIVE
===============================

Archive:   {archive}
Export:    {export}
Made at:   {local:%Y-%m-%d %H:%M:%S} in Vietnam (UTC+7)
           {utc:%Y-%m-%d %H:%M:%S} UTC
It holds:  {items} entries ({messages} messages, {events} events), {originals} originals

How it is checked
-----------------
All it takes is Python 3.8 or later: no network, nothing to install, nothing of the archive's software.

  1. Unpack the ZIP into an empty folder, and open a terminal there.
  2. Run:  python3 verify.py . public-key.pem --report report.html
     (on Windows: py verify.py . public-key.pem --report report.html)
  3. Open report.html to read or print it.

It need not be unpacked:  python3 verify.py EXPORT.zip public-key.pem

public-key.pem is the public key that the operator published, or sent with the letter. Without it the keys in
the folder keys are believed, and the answer says so: whoever can make this file can make keys.
Where you are not sure where this file comes from, take verify.py from a release of the software.

The answer (its first line, and the exit code)
  good:          0   genuine (without a key: whole in itself, by whom is not checked)
  BAD:           1   not genuine: something is not what the archive signed
  CANNOT CHECK:  2   it could not be checked, which says nothing about it
Any other end, such as an error of Python itself, has checked nothing.

What is in it
-------------
  originals     the originals, byte for byte as they were received
  receipts      the receipt of each entry
  items.ndjson  what is known of the entries, one a line
  keys          public keys of the archive
  SHA256SUMS    SHA-256 of every file (sha256sum -c SHA256SUMS)
  manifest.json the signed manifest: who took it, why, by which filter, and what is missing
  verify.py     the verifier
What was not granted is not in it. {times_en}
It is not encrypted and may name people: it is in the care of whoever received it.
"""

_TIMES_VI = (
    "Ngày giờ của tệp trong ZIP là giờ Việt Nam: với bản gốc và biên nhận là lúc kho\nlưu trữ nhận,"
    " với các tệp khác là lúc lập."
)
_TIMES_EN = (
    "The times of the files in the ZIP are Vietnam's: of originals and receipts,\nwhen the archive received"
    " the entry; of all others, when the export was made."
)
_ONE_TIME_VI = "Ngày giờ của tệp trong ZIP là giờ Việt Nam, lúc lập."
_ONE_TIME_EN = "The times of the files in the ZIP are Vietnam's, when it was made."


def instructions(state: ExportState, archive: str) -> dict[str, str]:
    """Name to text, for an export that gathered all its entries."""
    utc = parse_rfc3339(state.started_at).astimezone(UTC)
    granted = state.request.get("extraction", {}).get("fields")
    received = granted is None or "received_at" in granted
    told = {
        "archive": archive,
        "export": state.export,
        "utc": utc,
        "local": utc.astimezone(_VIETNAM),
        "items": state.counts.items,
        "messages": state.counts.messages,
        "events": state.counts.events,
        "originals": state.counts.originals,
        "times_vi": _TIMES_VI if received else _ONE_TIME_VI,
        "times_en": _TIMES_EN if received else _ONE_TIME_EN,
    }
    return {"README.vi.txt": _VI.format(**told), "README.en.txt": _EN.format(**told)}
