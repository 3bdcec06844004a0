"""Invented people, employers and agencies, with codes that are well formed and belong to nobody on purpose.

Names are drawn from lists of common name parts; numbers are random. Any likeness is chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_FAMILY = _listed("Nguyễn,Trần,Lê,Phạm,Hoàng,Huỳnh,Phan,Vũ,Võ,Đặng,Bùi,Đỗ,Hồ,Ngô,Dương,Lý,Đinh,Trịnh,Mai,Cao")
_MIDDLE_MEN = _listed("Văn,Hữu,Đức,Minh,Quốc,Anh,Thành,Xuân,Công,Gia,Đình,Bảo")
_MIDDLE_WOMEN = _listed("Thị,Ngọc,Thu,Thanh,Kim,Phương,Bích,Mỹ,Hồng,Diệu,Khánh,Tuyết")
_MEN = _listed(
    "Hùng,Dũng,Tuấn,Nam,Long,Khoa,Phúc,Sơn,Hải,Quân,Thắng,Trung,Việt,Đạt,Kiên,Lâm,Tùng,Vinh,Hiếu,Duy"
)
_WOMEN = _listed(
    "Hương,Lan,Hạnh,Thảo,Trang,Linh,Nga,Hà,Yến,Vân,Mai,Loan,Thủy,Nhung,Hiền,Ngân,Quỳnh,Trâm,Uyên"
)
_PROVINCES = (
    ("01", "thành phố Hà Nội"),
    ("31", "thành phố Hải Phòng"),
    ("38", "tỉnh Thanh Hóa"),
    ("40", "tỉnh Nghệ An"),
    ("46", "thành phố Huế"),
    ("48", "thành phố Đà Nẵng"),
    ("56", "tỉnh Khánh Hòa"),
    ("68", "tỉnh Lâm Đồng"),
    ("75", "tỉnh Đồng Nai"),
    ("79", "Thành phố Hồ Chí Minh"),
    ("92", "thành phố Cần Thơ"),
    ("96", "tỉnh Cà Mau"),
)
_FORMS = _listed(
    "Công ty TNHH,Công ty Cổ phần,Công ty TNHH MTV,Hợp tác xã,Trường Mầm non,Doanh nghiệp tư nhân"
)
_TRADES = _listed(
    "May mặc,Cơ khí,Thủy sản,Vận tải,Xây dựng,Thương mại,Điện tử,Thực phẩm,Bao bì,Du lịch,Nội thất"
)
_WORDS = _listed(
    "An Phú,Bình Minh,Đại Phát,Hoàng Gia,Kim Long,Minh Tâm,Phúc Thịnh,Sao Mai,Tân Tiến,Việt Hưng"
)
_JOBS = _listed(
    "Công nhân may,Kế toán viên,Nhân viên kho,Lái xe,Kỹ sư cơ khí,Tổ trưởng,Bảo vệ,Giáo viên,Thợ hàn"
)
_LETTERS = "ABCDEGHKLMNPQTUVXY"
_TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@dataclass(frozen=True, slots=True)
class Person:
    """An insured person."""

    name: str
    female: bool
    born: str  # dd/MM/yyyy
    insurance_number: str  # 10 digits
    citizen_id: str  # 12 digits
    job: str
    wage: int  # VND a month

    @property
    def card(self) -> str:
        """Number of the health-insurance card: object, rate and province, then the insurance number."""
        return f"DN4{self.insurance_number[:2]}{self.insurance_number}"


@dataclass(frozen=True, slots=True)
class Agency:
    """A social-insurance agency."""

    code: str  # 5 digits
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Employer:
    """A unit that takes part."""

    name: str
    code: str  # two letters, four digits and a letter
    tax_code: str  # 10 digits with check digit
    phone: str
    signatory: str
    agency: Agency


def tax_code(first_nine: str) -> str:
    """The tax code with its check digit, 10 minus the weighted sum modulo 11; "" when none exists."""
    check = 10 - sum(int(digit) * weight for digit, weight in zip(first_nine, _TAX_WEIGHTS, strict=True)) % 11
    return "" if check == 10 else f"{first_nine}{check}"


def person(rng: Random) -> Person:
    """One invented person."""
    female = rng.random() < 0.55
    middle, given = (_MIDDLE_WOMEN, _WOMEN) if female else (_MIDDLE_MEN, _MEN)
    province = rng.choice(_PROVINCES)[0]
    year = rng.randint(1965, 2005)
    return Person(
        name=f"{rng.choice(_FAMILY)} {rng.choice(middle)} {rng.choice(given)}",
        female=female,
        born=f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/{year}",
        insurance_number=f"{province}{rng.randrange(10**8):08d}",
        citizen_id=f"0{province}{(year >= 2000) * 2 + female}{year % 100:02d}{rng.randrange(10**6):06d}",
        job=rng.choice(_JOBS),
        wage=rng.randrange(4_960, 32_000, 10) * 1000,
    )


def agency(rng: Random) -> Agency:
    """One invented agency of a real province."""
    code, place = rng.choice(_PROVINCES)
    number = rng.randint(1, 24)
    return Agency(f"0{code}{number:02d}", f"Bảo hiểm xã hội cơ sở số {number}, {place}", place)


def employer(rng: Random) -> Employer:
    """One invented employer."""
    code = ""
    while not code:
        code = tax_code(f"0{rng.randrange(10**8):08d}")
    letters = "".join(rng.choice(_LETTERS) for _ in range(3))
    trade, word = rng.choice(_TRADES), rng.choice(_WORDS)
    return Employer(
        name=f"{rng.choice(_FORMS)} {trade} {word} {rng.randint(1, 99)}",
        code=f"{letters[:2]}{rng.randrange(10**4):04d}{letters[2]}",
        tax_code=code,
        phone=f"09{rng.randrange(10**8):08d}",
        signatory=person(rng).name,
        agency=agency(rng),
    )
