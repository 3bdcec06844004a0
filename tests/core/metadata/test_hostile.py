"""Bytes made to hurt: nothing is raised, nothing is read, and memory stays near the size of the message."""

from __future__ import annotations

import socket
import tracemalloc
from base64 import b64encode
from collections.abc import Callable

import pytest
from tests.core.metadata.test_read_metadata import D02, EXPECTED, PLAIN, envelope, form

from vanvault.archiver.core.metadata import read_metadata
from vanvault.archiver.core.metadata.reader import (
    BROKEN,
    DOCTYPE,
    ENCODING,
    LIMITS,
    MARKUP,
    OTHER_XML,
    TOO_LARGE,
)
from vanvault.archiver.core.model import Metadata, MetadataReading

MIB = 2**20
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def inside(content: str) -> bytes:
    return envelope(prolog="").replace("<MaThuTuc>", content + "<MaThuTuc>").encode()


def nested(form_count: int) -> bytes:
    content = D02.encode()
    for _ in range(form_count):
        content = f"<D02-TS><NoiDungFile>{b64encode(content).decode()}</NoiDungFile></D02-TS>".encode()
    return envelope(form(content)).encode()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (
        lambda: f'<!DOCTYPE Hoso [<!ENTITY l0 "ha">{LAUGHS}]>{envelope("&l9;")}'.encode(),
        DOCTYPE,
    ),
    "quadratic": (
        lambda: f'<!DOCTYPE Hoso [<!ENTITY a "{"A" * 10**5}">]>{envelope("&a;" * 10**5)}'.encode(),
        DOCTYPE,
    ),
    "external entity": (
        lambda: f'<!DOCTYPE Hoso [<!ENTITY x SYSTEM "file:///etc/passwd">]>{envelope(agency="&x;")}'.encode(),
        DOCTYPE,
    ),
    "parameter entity": (
        lambda: f'<!DOCTYPE Hoso [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd">%p;]>{PLAIN}'.encode(),
        DOCTYPE,
    ),
    "external DTD": (lambda: f'<!DOCTYPE Hoso SYSTEM "http://192.0.2.1/x.dtd">{PLAIN}'.encode(), DOCTYPE),
    "DOCTYPE in utf-16": (lambda: f"<!DOCTYPE Hoso [{LAUGHS}]>{PLAIN}".encode("utf-16"), DOCTYPE),
    "DOCTYPE after a comment": (lambda: f"<!-- - --><!DOCTYPE Hoso>{PLAIN}".encode(), DOCTYPE),
    "DOCTYPE behind a long comment": (lambda: f"<!--{'x' * 9000}--><!DOCTYPE Hoso>{PLAIN}".encode(), DOCTYPE),
    "DOCTYPE inside the root": (lambda: inside("<!DOCTYPE Hoso>"), BROKEN),
    "utf-7": (lambda: b"<?xml version='1.0' encoding='utf-7'?>+ADw-Hoso+AD4-", ENCODING),
    "half a utf-16 character": (lambda: PLAIN.encode("utf-16")[:-1], ENCODING),
    "invalid utf-8 in a value": (lambda: PLAIN.encode().replace(b"00099", b"\xc3\x28"), ENCODING),
    "NUL bytes": (lambda: PLAIN.encode().replace(b"00099", b"0\0"), BROKEN),
    "depth": (lambda: b"<Hoso>" + b"<a>" * 5 * MIB, LIMITS),
    "depth, closed": (lambda: inside("<a>" * 90_000 + "</a>" * 90_000), LIMITS),
    "60 MB attribute": (lambda: b'<Hoso a="' + b"A" * 60 * MIB + b'"/>', TOO_LARGE),
    "15 MB attribute": (lambda: b'<Hoso a="' + b"A" * 15 * MIB + b'"/>', LIMITS),
    "15 MB attribute inside": (lambda: inside(f'<a b="{"A" * 15 * MIB}"/>'), LIMITS),
    "15 MB attribute full of >": (lambda: inside(f'<a b="{">" * 15 * MIB}"/>'), LIMITS),
    "15 MB name": (lambda: inside(f"<{'A' * 15 * MIB}/>"), LIMITS),
    "a million attributes": (
        lambda: inside("<a" + "".join(f" a{n}='1'" for n in range(10**6)) + "/>"),
        LIMITS,
    ),
    "a million elements": (lambda: inside("<a/>" * 10**6), LIMITS),
    "a million comments": (lambda: inside("<!---->" * 10**6), MARKUP),
    "unclosed comments": (lambda: inside("<!--" * 10**6), BROKEN),
    "unclosed CDATA": (lambda: inside("<![CDATA[" * 10**6), BROKEN),
    "a million CDATA sections": (lambda: inside("<![CDATA[a]]>" * 10**6), MARKUP),
    "comments before the root": (lambda: b"<!--a-->" * 10**6 + PLAIN.encode(), MARKUP),
    "50,001 comments before the root": (lambda: b"<!--a-->" * 50_001 + PLAIN.encode(), MARKUP),
    "a comment without an end": (lambda: b"<!--" + b"-" * 15 * MIB, BROKEN),
    "blanks and nothing else": (lambda: b" " * 15 * MIB, ""),
    "half a utf-32 character": (lambda: PLAIN.encode("utf-32")[:-1], ENCODING),
    "DOCTYPE in utf-32": (lambda: f"<!DOCTYPE Hoso [{LAUGHS}]>{PLAIN}".encode("utf-32"), DOCTYPE),
    "wrong end tag": (lambda: inside("<a></b>"), BROKEN),
    "cut in the body": (lambda: PLAIN.encode()[:200], BROKEN),
    "cut in the signature": (lambda: PLAIN.encode()[:-20], BROKEN),
    "cut in the last tag": (lambda: PLAIN.encode()[:-1], BROKEN),
    "two roots": (lambda: (PLAIN + "<a></a>").encode(), BROKEN),
    "text after the root": (lambda: (PLAIN + "x").encode(), BROKEN),
    "only a <": (lambda: b"<", BROKEN),
    "only a root": (lambda: b"<Hoso>", BROKEN),
    "end first": (lambda: b"</Hoso>", BROKEN),
    "bare tag": (lambda: inside("<>"), BROKEN),
    "XInclude": (
        lambda: b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>",
        OTHER_XML,
    ),
}


@pytest.fixture(autouse=True)
def no_network_and_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the reader must not reach outside")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("builtins.open", refuse)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_cost_a_note(name: str) -> None:
    make, note = HOSTILE[name]
    body = make()
    tracemalloc.start()
    try:
        reading = read_metadata(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading == MetadataReading(Metadata(), note=note)
    assert peak < 3 * min(len(body), 16 * MIB) + 24 * MIB


@pytest.mark.parametrize(
    "name", ["60 MB attribute", "billion laughs", "quadratic", "external DTD", "blanks and nothing else"]
)
def test_what_is_refused_at_sight_is_not_even_copied(name: str) -> None:
    body = memoryview(HOSTILE[name][0]())
    tracemalloc.start()
    try:
        read_metadata(body[: len(body)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (
        peak < len(body) + 64 * 1024
        if name in ("billion laughs", "quadratic", "external DTD")
        else peak < 64 * 1024
    )


def test_forms_inside_forms_are_not_opened() -> None:
    assert read_metadata(nested(1)).metadata.insurance_numbers == ()
    assert read_metadata(nested(12)).metadata.employer_code == EXPECTED.employer_code


def test_hostile_xml_inside_a_form_is_only_bytes() -> None:
    laughs = (
        f'<!DOCTYPE D02-TS [<!ENTITY l0 "7900000000">{LAUGHS}]><D02-TS><MaSoBHXH>&l9;</MaSoBHXH></D02-TS>'
    )
    deep = "<a>" * MIB
    reading = read_metadata(
        envelope(form(laughs.encode()) + form(deep.encode()) + form(D02.encode())).encode()
    )
    assert reading.metadata == EXPECTED


@pytest.mark.parametrize("text", ["BHXH ", "BHXH> ", "<MaSoBHXH ", "MaSoBHXH><![CDATA[ "])
def test_a_form_full_of_near_misses_takes_linear_time(text: str) -> None:
    """Quadratic time would run into the time limit of the test suite."""
    near = form(f"<D02-TS>{text * (10 * MIB // len(text))}".encode())
    assert read_metadata(envelope(near + form(D02.encode())).encode()).metadata == EXPECTED


@pytest.mark.parametrize("text", ["MA_THE ", "MA_THE_BHYT> ", "MA_THE><![CDATA[ ", "MA_THE>AAAAAAAAAA "])
def test_a_claim_full_of_near_misses_takes_linear_time(text: str) -> None:
    content = b64encode(f"<TONG_HOP>{text * (10 * MIB // len(text))}".encode()).decode()
    body = (
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>79001</MACSKCB></THONGTINDONVI><THONGTINHOSO><DANHSACHHOSO><HOSO>"
        f"<FILEHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"
        "</HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    )
    reading = read_metadata(body.encode())
    assert (reading.recognised, reading.metadata.insurance_numbers) == ("health-claim", ())


def test_a_wrong_length_of_a_form_does_not_matter() -> None:
    body = PLAIN.replace("<NoiDungFile>", "<DoDaiFile>99999999999999999999</DoDaiFile><NoiDungFile>")
    assert read_metadata(body.encode()).metadata == EXPECTED


def test_notes_never_hold_text_of_the_message() -> None:
    secret = "SECRET7912345678"
    for body in (
        f"<{secret}>",
        f"<Hoso><{secret}></Hoso>",
        f"<?xml version='1.0' encoding='{secret}'?><Hoso/>",
    ):
        assert secret not in read_metadata(body.encode()).note
