"""What the reader makes of well-formed messages, in all the ways in which they may be written."""

from __future__ import annotations

import codecs
from base64 import b64encode, encodebytes
from pathlib import Path

import pytest

from vanvault.archiver.core.metadata import read_metadata
from vanvault.archiver.core.metadata.numbers import MAX_NUMBERS
from vanvault.archiver.core.metadata.reader import (
    BROKEN_FORM,
    DECLARED,
    ENCODING,
    MANY_NUMBERS,
    OTHER_XML,
    TOO_LARGE,
)
from vanvault.archiver.core.metadata.values import outcome
from vanvault.archiver.core.model import Metadata, MetadataReading

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
D02 = "<D02-TS><LaoDong><HoTen>Lê Thị Mẫu</HoTen><MaSoBHXH>7912345678</MaSoBHXH></LaoDong></D02-TS>"


def form(content: bytes) -> str:
    return f"<FileToKhai><NoiDungFile>{b64encode(content).decode()}</NoiDungFile></FileToKhai>"


def envelope(forms: str = "", agency: str = "07906", prolog: str = "") -> str:
    return (
        f"{prolog}<Hoso><NoiDung><ThongTinIVAN><MaIVAN>00099</MaIVAN></ThongTinIVAN>"
        f"<ThongTinDonVi><MaSoBHXH>TZ0490L</MaSoBHXH><MaSoThue>0312345678</MaSoThue>"
        f"<CoQuanQuanLy>{agency}</CoQuanQuanLy></ThongTinDonVi><ThongTinHoSo><SoHoSo>null</SoHoSo>"
        f"<MaThuTuc>600</MaThuTuc><KyKeKhai>01/2026</KyKeKhai><ToKhais>{forms}</ToKhais></ThongTinHoSo></NoiDung>"
        "<CKy_Dvi><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></CKy_Dvi></Hoso>"
    )


EXPECTED = Metadata(
    kind="dossier",
    ivan="00099",
    employer_code="TZ0490L",
    tax_code="0312345678",
    insurance_numbers=("7912345678",),
    procedure="600",
    period="01/2026",
    state="submitted",
    agency="07906",
)
PLAIN = envelope(form(D02.encode()))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PLAIN.encode(), id="plain"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN.encode(), id="utf-8 with byte order mark"),
        pytest.param(PLAIN.encode("utf-16"), id="utf-16 with byte order mark"),
        pytest.param(PLAIN.encode("utf-16-le"), id="utf-16 little-endian, unmarked"),
        pytest.param(PLAIN.encode("utf-16-be"), id="utf-16 big-endian, unmarked"),
        pytest.param(
            f"<?xml version='1.0' encoding='UTF-16'?>{PLAIN}".encode("utf-16"), id="utf-16 declared"
        ),
        pytest.param(
            f"\n<?xml version='1.0' encoding='utf-8'?>\n<!-- a - b --><?pi x?>{PLAIN}".encode(), id="prolog"
        ),
        pytest.param(PLAIN.encode("utf-32"), id="utf-32 with byte order mark"),
        pytest.param(codecs.BOM_UTF32_BE + PLAIN.encode("utf-32-be"), id="utf-32 big-endian"),
        pytest.param(PLAIN.encode("utf-32-le"), id="utf-32 little-endian, unmarked"),
        pytest.param(PLAIN.encode("utf-32-be"), id="utf-32 big-endian, unmarked"),
        pytest.param(
            f"<?xml version='1.0' encoding='UTF-32'?>{PLAIN}".encode("utf-32"), id="utf-32 declared"
        ),
        pytest.param(f"<!--{' - x' * 10_000}-->{PLAIN}".encode(), id="long comment before the root"),
        pytest.param(f"{'<!-- a -->' * 2_000}{PLAIN}".encode(), id="many comments before the root"),
        pytest.param(f"<?pi {'?' * 10_000} ?>\n{PLAIN}".encode(), id="long instruction before the root"),
        pytest.param(f"{' ' * 10_000}{PLAIN}".encode(), id="many blanks before the root"),
        pytest.param(PLAIN.replace("<", "\n  <").encode(), id="indented"),
        pytest.param(PLAIN.replace("</MaIVAN>", "</MaIVAN \n>").encode(), id="blanks in an end tag"),
        pytest.param(PLAIN.replace("<MaIVAN>", "<MaIVAN a='>' b = \"'/>\" >").encode(), id="> in attributes"),
        pytest.param(PLAIN.replace("<MaIVAN>", "<!-- <MaIVAN>1</MaIVAN> --><MaIVAN>").encode(), id="comment"),
        pytest.param(
            PLAIN.replace("00099", "<![CDATA[000]]>9<?pi?>9").encode(), id="CDATA and an instruction"
        ),
        pytest.param(PLAIN.replace("00099", "&#48;0&#x30;99").encode(), id="character references"),
        pytest.param(PLAIN.replace("00099", " \t00099\r\n").encode(), id="blanks around a value"),
        pytest.param(
            PLAIN.replace("</MaIVAN>", "</MaIVAN><MaIVAN>2</MaIVAN>").encode(), id="first of two counts"
        ),
        pytest.param(PLAIN.replace("<MaIVAN>", "<MaIVAN/><MaIVAN>").encode(), id="an empty one does not"),
        pytest.param(PLAIN.replace("<", "<v:").replace("<v:/", "</v:").encode(), id="prefixes"),
        pytest.param(PLAIN.replace("<Hoso>", "<Hoso xmlns='urn:x' id='1'>").encode(), id="namespace"),
        pytest.param((PLAIN + "\n<!-- end -->\n").encode(), id="comment after the root"),
        pytest.param(
            envelope(form(b"\xef\xbb\xbf  " + D02.encode())).encode(), id="form with mark and blanks"
        ),
        pytest.param(envelope(form(D02.encode("utf-16"))).encode(), id="form in utf-16"),
        pytest.param(envelope(form(D02.encode("utf-32"))).encode(), id="form in utf-32"),
        pytest.param(envelope(form(b"\n" * 500 + D02.encode())).encode(), id="form after many blanks"),
        pytest.param(
            envelope(form(D02.replace("79", "<![CDATA[79").encode())).encode(), id="number in CDATA"
        ),
        pytest.param(
            envelope(form(D02.replace("BHXH>7", "BHXH a='b'>\n7").encode())).encode(), id="attribute"
        ),
    ],
)
def test_the_same_envelope_in_other_words(body: bytes) -> None:
    assert read_metadata(body) == MetadataReading(EXPECTED, recognised="bhxh-envelope")
    assert read_metadata(memoryview(body)) == read_metadata(body)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "&#xD;\n", "&#13;\n"])
def test_base64_in_lines(line_end: str) -> None:
    lines = encodebytes((D02 * 20).encode()).decode().replace("\n", line_end)
    body = envelope(f"<FileToKhai><NoiDungFile>{line_end}{lines}</NoiDungFile></FileToKhai>").encode()
    assert read_metadata(body).metadata == EXPECTED


def test_attachments_that_are_not_xml_are_not_searched() -> None:
    hidden = b"<MaSoBHXH>7900000000</MaSoBHXH>"
    forms = "".join(form(start + hidden) for start in (b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG", b"{"))
    assert read_metadata(envelope(forms).encode()).metadata.insurance_numbers == ()


def test_only_ten_digits_are_an_insurance_number() -> None:
    texts = ("TZ0490L", "123456789", "12345678901", "", "79 1234567")
    content = "<D02-TS>" + "".join(f"<MaSoBHXH>{text}</MaSoBHXH>" for text in texts) + "</D02-TS>"
    assert read_metadata(envelope(form(content.encode())).encode()).metadata.insurance_numbers == ()


def test_a_broken_form_is_noted_and_the_rest_is_read() -> None:
    broken = "<FileToKhai><NoiDungFile>PHhtbD4x=QQ</NoiDungFile></FileToKhai>"
    reading = read_metadata(envelope(broken + form(D02.encode())).encode())
    assert reading == MetadataReading(EXPECTED, recognised="bhxh-envelope", note=BROKEN_FORM)


def test_the_count_of_numbers_is_bounded() -> None:
    rows = "".join(f"<MaSoBHXH>79{number:08d}</MaSoBHXH>" for number in range(MAX_NUMBERS + 5))
    reading = read_metadata(envelope(form(f"<D02-TS>{rows}</D02-TS>".encode())).encode())
    assert len(reading.metadata.insurance_numbers) == MAX_NUMBERS
    assert reading.note == MANY_NUMBERS


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("A&amp;B &lt;1&gt;", "A&B <1>"),
        ("a\u202eb\u0085c", "a b c"),
        ("x" * 300, "x" * 256),
        ("x" * 2000, ""),
        ("&#55296;&#x110000;&unknown;", "&unknown;"),
        ("null", ""),
    ],
)
def test_values_are_short_and_clean(raw: str, value: str) -> None:
    assert read_metadata(envelope(agency=raw).encode()).metadata.agency == value


@pytest.mark.parametrize(
    ("error", "result", "kind", "state"),
    [
        ("", "Tiếp nhận hồ sơ thành công", "receipt", "accepted"),
        ("0", "", "receipt", "accepted"),
        ("000", "Hợp lệ", "receipt", "accepted"),
        ("", "Không hợp lệ", "receipt", "rejected"),
        ("", "Từ chối tiếp nhận", "receipt", "rejected"),
        ("BH014", "", "receipt", "rejected"),
        ("BH014", "Tiếp nhận", "receipt", "rejected"),
        ("", "Trả kết quả hồ sơ", "result", "returned"),
        ("", "Đã giải quyết", "result", "returned"),
        ("", "Từ chối giải quyết", "result", "refused"),
        ("", "", "receipt", ""),
        ("", "Đang kiểm tra", "receipt", ""),
    ],
)
def test_outcome_of_a_notice(error: str, result: str, kind: str, state: str) -> None:
    assert outcome(error, result) == (kind, state)


@pytest.mark.parametrize(
    ("cards", "numbers"),
    [
        ("<MA_THE>DN4797912345678</MA_THE>", ("DN4797912345678", "7912345678")),
        ("<MA_THE_BHYT>7912345678</MA_THE_BHYT>", ("7912345678",)),
        (
            "<MA_THE><![CDATA[DN4797912345678;TE1790000000001]]></MA_THE>",
            ("DN4797912345678", "7912345678", "TE1790000000001", "0000000001"),
        ),
        ("<MA_THE>DN479791234567</MA_THE>", ()),
    ],
)
def test_cards_of_a_health_claim(cards: str, numbers: tuple[str, ...]) -> None:
    content = b64encode(f"<TONG_HOP>{cards}</TONG_HOP>".encode()).decode()
    body = (
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>79001</MACSKCB></THONGTINDONVI><THONGTINHOSO><DANHSACHHOSO><HOSO>"
        f"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"
        "</HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    )
    reading = read_metadata(body.encode())
    assert reading.recognised == "health-claim"
    assert reading.metadata.employer_code == "79001"
    assert reading.metadata.insurance_numbers == numbers


@pytest.mark.parametrize(
    "body", [b"", b" ", b"%PDF-1.7\n", b'{"Hoso": 1}', b"PK\x03\x04", bytes(100), b"\xff" * 50]
)
def test_what_is_not_xml_gives_nothing_and_no_note(body: bytes) -> None:
    assert read_metadata(body) == MetadataReading(Metadata())


@pytest.mark.parametrize("body", [b"<Invoice/>", b"<html><p>", b"<BHXH><Khac>1</Khac></BHXH>", b"<Hoso/>"])
def test_other_xml_gives_nothing_but_a_note(body: bytes) -> None:
    assert read_metadata(body) == MetadataReading(Metadata(), note=OTHER_XML)


def test_the_size_limit_is_the_callers() -> None:
    assert read_metadata(PLAIN.encode(), limit=len(PLAIN) - 1) == MetadataReading(Metadata(), note=TOO_LARGE)
    assert read_metadata(PLAIN.encode(), limit=len(PLAIN.encode())).metadata == EXPECTED


@pytest.mark.parametrize("name", ["utf-7", "windows-1258", "ucs-2", "iso-8859-1"])
def test_other_encodings_are_noted(name: str) -> None:
    body = f"<?xml version='1.0' encoding='{name}'?>{PLAIN}".encode()
    assert read_metadata(body) == MetadataReading(Metadata(), note=ENCODING)


WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("marked", [False, True], ids=["unmarked", "marked"])
@pytest.mark.parametrize("encoding", WIDE)
def test_wide_encodings_are_read_by_every_name_of_theirs(encoding: str, marked: bool) -> None:
    mark = "\ufeff" if marked else ""
    for name in (encoding, encoding.upper(), encoding[:6], encoding[:6] + encoding[7:], encoding.upper()[:6]):
        body = f"{mark}<?xml version='1.0' encoding='{name}'?>{PLAIN}".encode(encoding)
        assert read_metadata(body).metadata == EXPECTED, name


@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_without_a_declaration_blanks_may_come_before_the_root(encoding: str) -> None:
    for blanks in ("\n", "\r\n\t ", " " * 100_000):
        reading = read_metadata((blanks + PLAIN).encode(encoding))
        assert (reading.metadata, reading.note) == (EXPECTED, "")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "utf-16"), ("utf-16-le", "utf-8"), ("utf-16-le", "utf-16-be"), ("utf-32-be", "UTF-16")],
)
def test_a_declaration_that_is_not_true_is_noted_as_such(encoding: str, declared: str) -> None:
    body = f"<?xml version='1.0' encoding='{declared}'?>{PLAIN}".encode(encoding)
    assert read_metadata(body) == MetadataReading(Metadata(), note=DECLARED)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the optional corpus is not there")
def test_no_foreign_document_is_taken_for_a_message() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert len(files) > 800
    for path in files:
        reading = read_metadata(path.read_bytes())
        assert (reading.recognised, reading.metadata) == ("", Metadata()), path.name
