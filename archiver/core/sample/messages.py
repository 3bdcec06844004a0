"""The messages of a transaction as they would cross the network, each with the truth about it."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from html import escape
from random import Random

from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.sample.forms import Form
from vanvault.archiver.core.sample.people import Employer, Person
from vanvault.archiver.core.sample.signing import PLACEHOLDER, Signer, sign

#: Procedure code -> name.
PROCEDURES = {
    "600": "Báo tăng, báo giảm, điều chỉnh đóng BHXH, BHYT, BHTN",
    "601": "Đăng ký đóng BHXH bắt buộc, BHYT, BHTN lần đầu",
    "607": "Cấp lại, đổi, điều chỉnh thông tin trên sổ BHXH, thẻ BHYT",
    "630a": "Giải quyết hưởng chế độ ốm đau",
    "630b": "Giải quyết hưởng chế độ thai sản",
}
#: The operator whose gateway sends the samples; an invented code.
IVAN = "00099"
_IVAN_NAME = "Tổ chức I-VAN mẫu"
_PORTAL = "Bảo hiểm xã hội Việt Nam (mẫu)"
_PORTAL_SERIAL = f"{0x5A4D504C45:032X}"


def envelope(
    employer: Employer,
    procedure: str,
    period: str,
    created: datetime,
    forms: tuple[Form, ...],
    number: str = "",
) -> bytes:
    """BHXHDienTu.xml with its forms, signed by the employer; ``number`` is that of the dossier, if any."""
    known_as = f"<SoHoSo>{number}</SoHoSo>" if number else ""
    xml = (
        f"<Hoso><NoiDung><ThongTinIVAN><MaIVAN>{IVAN}</MaIVAN><TenIVAN>{_IVAN_NAME}</TenIVAN></ThongTinIVAN>"
        f"<ThongTinDonVi><TenDoiTuong>{escape(employer.name)}</TenDoiTuong><MaSoBHXH>{employer.code}</MaSoBHXH>"
        f"<MaSoThue>{employer.tax_code}</MaSoThue><LoaiDoiTuong>1</LoaiDoiTuong>"
        f"<NguoiKy>{employer.signatory}</NguoiKy><DienThoai>{employer.phone}</DienThoai>"
        f"<CoQuanQuanLy>{employer.agency.code}</CoQuanQuanLy></ThongTinDonVi>"
        f"<ThongTinHoSo>{known_as}<TenThuTuc>{PROCEDURES[procedure]}</TenThuTuc><MaThuTuc>{procedure}</MaThuTuc>"
        f"<KyKeKhai>{period}</KyKeKhai><NgayLap>{created:%d/%m/%Y %H:%M:%S}</NgayLap>"
        f"<SoLuongFile>{len(forms)}</SoLuongFile><QuyTrinhISO>{procedure}.00</QuyTrinhISO>"
        f"<ToKhais>{''.join(form.to_xml() for form in forms)}</ToKhais></ThongTinHoSo></NoiDung>"
        f"<CKy_Dvi>{PLACEHOLDER}</CKy_Dvi></Hoso>"
    )
    return sign(xml, Signer(employer.name, employer.tax_code))


def envelope_truth(
    employer: Employer, procedure: str, period: str, numbers: tuple[str, ...], number: str = ""
) -> Metadata:
    """What an envelope with these contents says."""
    return Metadata(
        kind="dossier",
        ivan=IVAN,
        employer_code=employer.code,
        tax_code=employer.tax_code,
        insurance_numbers=numbers,
        dossier_number=number,
        procedure=procedure,
        period=period,
        state="submitted",
        agency=employer.agency.code,
    )


#: State -> MA_KQUA, KQUA, MA_LOI and MOTA_LOI of the notice that reports it.
_NOTICES = {
    "accepted": ("1", "Tiếp nhận hồ sơ thành công", "", ""),
    "rejected": ("0", "Từ chối tiếp nhận", "BH014", "Chữ ký số không khớp với đơn vị"),
    "returned": ("3", "Trả kết quả hồ sơ", "", ""),
    "refused": ("4", "Từ chối giải quyết", "NV102", "Hồ sơ không đủ điều kiện giải quyết"),
}


def notice(
    employer: Employer,
    procedure: str,
    period: str,
    at: datetime,
    state: str,
    number: str,
    transaction_id: str,
) -> tuple[bytes, Metadata]:
    """A 01/TB-GD notice that reports ``state``, and what it says."""
    result_code, result, error_code, error = _NOTICES[state]
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>\n<BHXH><XACNHAN_GDICH>'
        f"<TTDVI><TEN_DVI>{escape(employer.name)}</TEN_DVI><MA_DVI>{employer.code}</MA_DVI>"
        f"<MST>{employer.tax_code}</MST><TEN_COQUAN>{employer.agency.name}</TEN_COQUAN>"
        f"<NGAY_THONGBAO>{at:%Y-%m-%dT%H:%M:%S}</NGAY_THONGBAO></TTDVI>"
        f"<TTGDICH><SO_HSO>{number}</SO_HSO><TEN_GDICH>{PROCEDURES[procedure]}</TEN_GDICH>"
        f"<MALOAI_HSO>{procedure}</MALOAI_HSO><NGAY_GDICH>{at:%d/%m/%Y %H:%M:%S}</NGAY_GDICH>"
        f"<KY_KKHAI>{period}</KY_KKHAI><MA_GDICH>{transaction_id}</MA_GDICH><MA_KQUA>{result_code}</MA_KQUA>"
        f"<KQUA>{result}</KQUA><MA_LOI>{error_code}</MA_LOI><MOTA_LOI>{error}</MOTA_LOI></TTGDICH>"
        f"<TTCKY_BHXH><TTCKY><SUBJECT>CN={_PORTAL}</SUBJECT><SERIAL>{_PORTAL_SERIAL}</SERIAL>"
        f"<TIME>{at:%d/%m/%Y %H:%M:%S}</TIME></TTCKY></TTCKY_BHXH></XACNHAN_GDICH></BHXH>"
    )
    truth = Metadata(
        kind="result" if state in ("returned", "refused") else "receipt",
        employer_code=employer.code,
        tax_code=employer.tax_code,
        dossier_number=number,
        procedure=procedure,
        period=period,
        state=state,
        agency=employer.agency.name,
    )
    return xml.encode(), truth


def health_claim(
    rng: Random, facility: str, patients: tuple[Person, ...], at: datetime
) -> tuple[bytes, Metadata]:
    """A health-claim file of a facility: for each patient a summary (XML1) and the services (XML3)."""
    records = "".join(_record(rng, facility, one, at) for one in patients)
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI><THONGTINHOSO><NGAYLAP>{at:%Y%m%d}</NGAYLAP>"
        f"<SOLUONGHOSO>{len(patients)}</SOLUONGHOSO><DANHSACHHOSO>{records}</DANHSACHHOSO></THONGTINHOSO>"
        f"<CHUKYDONVI>{PLACEHOLDER}</CHUKYDONVI></GIAMDINHHS>"
    )
    truth = Metadata(
        kind="health-claim",
        employer_code=facility,
        insurance_numbers=tuple(
            dict.fromkeys(number for one in patients for number in (one.card, one.insurance_number))
        ),
        state="submitted",
    )
    return sign(xml, Signer(f"Cơ sở khám chữa bệnh {facility}", f"{int(facility):010d}")), truth


def _record(rng: Random, facility: str, patient: Person, at: datetime) -> str:
    link = f"{facility}{at:%y%m%d}{rng.randrange(10**6):06d}"
    cost = rng.randrange(80, 9000) * 1000
    summary = (
        f"<TONG_HOP><MA_LK>{link}</MA_LK><STT>1</STT><HO_TEN><![CDATA[{patient.name}]]></HO_TEN>"
        f"<NGAY_SINH>{patient.born}</NGAY_SINH><GIOI_TINH>{2 if patient.female else 1}</GIOI_TINH>"
        f"<MA_THE>{patient.card}</MA_THE><MA_BENH>J{rng.randint(0, 99):02d}</MA_BENH>"
        f"<NGAY_VAO>{at:%Y%m%d%H%M}</NGAY_VAO><T_TONGCHI>{cost}</T_TONGCHI><MA_CSKCB>{facility}</MA_CSKCB></TONG_HOP>"
    )
    services = "".join(
        f"<CHI_TIET_DVKT><MA_LK>{link}</MA_LK><STT>{row}</STT><MA_DICH_VU>{rng.randint(1, 28):02d}."
        f"{rng.randint(1, 9999):04d}.{rng.randint(1, 9999):04d}</MA_DICH_VU>"
        f"<SO_LUONG>1</SO_LUONG><DON_GIA>{rng.randrange(20, 900) * 1000}</DON_GIA>"
        f"<NGAY_YL>{at:%Y%m%d%H%M}</NGAY_YL></CHI_TIET_DVKT>"
        for row in range(1, rng.randint(3, 12))
    )
    files = (("XML1", summary), ("XML3", f"<DSACH_CHI_TIET_DVKT>{services}</DSACH_CHI_TIET_DVKT>"))
    return "<HOSO>{}</HOSO>".format(
        "".join(
            f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{b64encode(text.encode()).decode()}</NOIDUNGFILE>"
            "</FILEHOSO>"
            for name, text in files
        )
    )
