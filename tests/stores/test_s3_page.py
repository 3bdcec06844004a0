"""A page of a listing: what counts is read, and what is no listing is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.parsers import ResponseParserError

from vanvault.archiver.stores.s3.errors import S3_ERRORS
from vanvault.archiver.stores.s3.page import Following, parse_page, says_locked

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def line(key: str, version: str = "v1", *, kind: str = "Version", more: str = "") -> str:
    return (
        f"<{kind}><Key>{key}</Key><LastModified>2026-11-22T01:02:03.456Z</LastModified>"
        f"<ETag>&#34;e&#34;</ETag><Size>7</Size><Owner><ID>Key</ID></Owner><VersionId>{version}</VersionId>"
        f"<IsLatest>true</IsLatest>{more}</{kind}>"
    )


def listing(*lines: str, facts: str = "", head: str = "", namespace: str = NAMESPACE) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<ListVersionsResult{namespace}><Name>b</Name>{facts}'
        f"{''.join(lines)}</ListVersionsResult>"
    ).encode()


@pytest.mark.parametrize("namespace", [NAMESPACE, ""])
def test_a_line_is_read_with_or_without_the_namespace(namespace: str) -> None:
    (found,), following = parse_page(listing(line("a/1"), namespace=namespace))
    assert following is None
    assert (found.key, found.version, found.size, found.etag) == ("a/1", "v1", 7, "e")
    assert found.stored_at == datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    assert found.is_latest
    assert not found.is_marker


def test_lines_come_in_the_order_of_their_keys_wherever_markers_stand() -> None:
    marker = line("a/1", "m1", kind="DeleteMarker")
    versions = [line("a/1", "v2"), line("a/1"), line("a/2")]
    for lines in ([marker, *versions], [*versions, marker]):
        found, _ = parse_page(listing(*lines))
        assert [one.key for one in found] == ["a/1", "a/1", "a/1", "a/2"]
        assert [one.version for one in found if one.is_marker] == ["m1"]


def test_where_the_next_page_starts_is_told() -> None:
    next_page = "<NextKeyMarker>a/1</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
    more = listing(line("a/1"), facts=f"<IsTruncated>true</IsTruncated>{next_page}")
    assert parse_page(more)[1] == Following("a/1", "v1")
    end = listing(line("a/1"), facts=f"<IsTruncated>false</IsTruncated>{next_page}")
    assert parse_page(end)[1] is None


def test_names_are_unescaped_where_the_server_says_that_they_are_escaped() -> None:
    facts = (
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>a%2F%01+</NextKeyMarker><NextVersionIdMarker>v%2F1</NextVersionIdMarker>"
    )
    (found,), following = parse_page(listing(line("a%2F%01+"), facts=facts))
    assert found.key == "a/\x01 "
    assert following == Following("a/\x01 ", "v%2F1")
    (found,), _ = parse_page(listing(line("a%2F1")))
    assert found.key == "a%2F1"


def test_what_else_a_page_tells_is_passed_over() -> None:
    facts = (
        "<Prefix>a/</Prefix><CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes><!-- <Version/> --><?x y?>"
    )
    found, _ = parse_page(listing(line("a/1", more="<New><Key>b</Key></New>"), facts=facts))
    assert [one.key for one in found] == ["a/1"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
NO_LISTING = {
    "nothing": b"",
    "no XML": b"<html><p>busy",
    "a page of something else": b"<html><body>log in</body></html>",
    "another listing": b"<ListBucketResult></ListBucketResult>",
    "a refusal": b"<Error><Code>SlowDown</Code></Error>",
    "a document type": listing(line("a/1"), head="<!DOCTYPE ListVersionsResult>"),
    "an entity": listing(line("&x;"), head='<!DOCTYPE l [<!ENTITY x "a/1">]>'),
    "an entity of a file": listing(
        line("&x;"), head='<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "a document type from elsewhere": listing(
        line("a"), head='<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd">'
    ),
    "entities within entities": listing(
        line("&l11;"), head=f'<!DOCTYPE l [<!ENTITY l0 "{"x" * 1000}">{LAUGHS}]>'
    ),
    "an entity of nowhere": listing(line("&x;")),
    "thousands of levels": listing("<a>" * 9000 + "</a>" * 9000),
    "two pages": listing(line("a/1")) + listing(line("a/2")),
    "half a page": listing(line("a/1"))[:-40],
    "bytes that are no text": listing(line("a/1")).replace(b"a/1", b"a/\xff"),
    "letters that XML has not": listing(line("a/\x01")),
}


@pytest.mark.parametrize("page", NO_LISTING)
def test_what_is_no_listing_is_refused(page: str) -> None:
    with pytest.raises(ResponseParserError):
        parse_page(NO_LISTING[page])


NO_LINE = {
    "no key": line("a/1").replace("<Key>a/1</Key>", ""),
    "two keys": line("a/1", more="<Key>a/2</Key>"),
    "a key in parts": line("<b>a</b>/1"),
    "no version": line("a/1").replace("VersionId", "Other"),
    "two versions": line("a/1", more="<VersionId>v2</VersionId>"),
    "no date": line("a/1").replace("LastModified", "Other"),
    "a date that is none": line("a/1").replace("2026", "year"),
    "a size that is none": line("a/1").replace(">7<", ">seven<"),
    "a size below zero": line("a/1").replace(">7<", ">-7<"),
    "a size of 5,000 digits": line("a/1").replace(">7<", f">{'7' * 5000}<"),
}


@pytest.mark.parametrize("bad", NO_LINE)
def test_a_line_without_sense_spoils_its_page(bad: str) -> None:
    with pytest.raises(S3_ERRORS):
        parse_page(listing(line("a/0"), NO_LINE[bad]))


@pytest.mark.parametrize("fact", ["IsTruncated", "NextKeyMarker", "NextVersionIdMarker", "EncodingType"])
def test_a_page_that_says_a_thing_twice_is_refused(fact: str) -> None:
    with pytest.raises(S3_ERRORS):
        parse_page(listing(line("a/1"), facts=f"<{fact}>true</{fact}><{fact}>false</{fact}>"))


@pytest.mark.parametrize(
    ("said", "locked"),
    [
        ("<ObjectLockEnabled>Enabled</ObjectLockEnabled>", True),
        ("<ObjectLockEnabled>Disabled</ObjectLockEnabled>", False),
        ("", False),
    ],
)
def test_a_bucket_says_whether_it_has_object_lock(said: str, locked: bool) -> None:
    root = '<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    assert says_locked(f"{root}{said}</ObjectLockConfiguration>".encode()) is locked


def test_another_answer_says_nothing_of_object_lock() -> None:
    with pytest.raises(ResponseParserError):
        says_locked(listing())
    with pytest.raises(ValueError):
        says_locked(
            b"<ObjectLockConfiguration>"
            + 2 * b"<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            + b"</ObjectLockConfiguration>"
        )
