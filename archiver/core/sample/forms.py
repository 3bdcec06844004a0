"""Forms that travel base64-encoded inside an envelope, and scanned attachments."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape
from random import Random

from vanvault.archiver.core.sample.people import Employer, Person
from vanvault.archiver.core.sample.signing import PLACEHOLDER, Signer, sign

_CHANGES = ("Tăng mới", "Tăng do chuyển đến", "Giảm hẳn", "Điều chỉnh lương", "Nghỉ thai sản", "Đi làm lại")


@dataclass(frozen=True, slots=True)
class Form:
    """One FileToKhai: what it is, and its bytes before base64."""

    code: str  # MaToKhai
    title: str  # MoTaToKhai
    file_name: str
    file_type: str
    content: bytes

    def to_xml(self) -> str:
        """The FileToKhai element; DoDaiFile is the length of the base64 text."""
        encoded = b64encode(self.content).decode()
        return (
            f"<FileToKhai><MaToKhai>{self.code}</MaToKhai><MoTaToKhai>{self.title}</MoTaToKhai>"
            f"<TenFile>{self.file_name}</TenFile><LoaiFile>{self.file_type}</LoaiFile>"
            f"<DoDaiFile>{len(encoded)}</DoDaiFile><NoiDungFile>{encoded}</NoiDungFile></FileToKhai>"
        )


def d02_ts(rng: Random, employer: Employer, people: tuple[Person, ...], period: str) -> Form:
    """D02-TS, the list of employees whose participation changes, signed."""
    rows = "".join(
        f"<LaoDong><STT>{number}</STT><HoTen>{one.name}</HoTen><MaSoBHXH>{one.insurance_number}</MaSoBHXH>"
        f"<NgaySinh>{one.born}</NgaySinh><GioiTinh>{int(one.female)}</GioiTinh><SoCCCD>{one.citizen_id}</SoCCCD>"
        f"<ChucVu>{one.job}</ChucVu><MucLuong>{one.wage}</MucLuong><TuThang>{period}</TuThang>"
        f"<PhuongAn>{rng.choice(_CHANGES)}</PhuongAn></LaoDong>"
        for number, one in enumerate(people, 1)
    )
    xml = (
        f"<D02-TS><ThongTinChung><TenDonVi>{escape(employer.name)}</TenDonVi><MaDonVi>{employer.code}</MaDonVi>"
        f"<KyKeKhai>{period}</KyKeKhai><TongSo>{len(people)}</TongSo></ThongTinChung>"
        f"<DanhSach>{rows}</DanhSach><Cky>{PLACEHOLDER}</Cky></D02-TS>"
    )
    title = "Danh sách lao động tham gia BHXH, BHYT, BHTN, BHTNLĐ, BNN"
    return Form("D02-TS", title, "D02-TS.xml", "xml", sign(xml, _signer(employer)))


def tk1_ts(employer: Employer, person: Person) -> Form:
    """TK1-TS, one person's declaration, signed."""
    xml = (
        f"<TK1-TS><NoiDung><HoTen>{person.name}</HoTen><MaSoBHXH>{person.insurance_number}</MaSoBHXH>"
        f"<GioiTinh>{int(person.female)}</GioiTinh><NgaySinh>{person.born}</NgaySinh>"
        f"<SoCCCD>{person.citizen_id}</SoCCCD><QuocTich>VN</QuocTich><DanToc>Kinh</DanToc>"
        f"<NoiDungThayDoi>Cấp lại thẻ BHYT do thay đổi thông tin</NoiDungThayDoi></NoiDung>"
        f"<Cky>{PLACEHOLDER}</Cky></TK1-TS>"
    )
    title = "Tờ khai tham gia, điều chỉnh thông tin BHXH, BHYT"
    return Form("TK1-TS", title, f"TK1-TS-{person.insurance_number}.xml", "xml", sign(xml, _signer(employer)))


def scan(rng: Random, size: int, number: int = 1) -> Form:
    """A PDF of about ``size`` bytes with one scanned page; like a real scan it does not compress."""
    image = rng.randbytes(max(16, size - 340))
    return Form(
        "GTDK",
        "Giấy tờ đính kèm",
        f"dinh-kem-{number}.pdf",
        "pdf",
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 4 0 R>>>>>>endobj\n"
        b"4 0 obj<</Type/XObject/Subtype/Image/Width 1240/Height 1754/ColorSpace/DeviceGray"
        b"/BitsPerComponent 8/Filter/DCTDecode/Length %d>>stream\n%b\nendstream endobj\n"
        b"trailer<</Root 1 0 R>>\n%%%%EOF\n" % (len(image), image),
    )


def _signer(employer: Employer) -> Signer:
    return Signer(employer.name, employer.tax_code)
