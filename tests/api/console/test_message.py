"""The page of one entry: each part for whom it is, each with its look, and originals that run nothing."""

from __future__ import annotations

import hashlib
import html
from typing import NoReturn

import httpx
import pytest

from tests.api.console.conftest import Browser, ConsolePlace, token_in
from tests.api.console.test_search import looks_of
from tests.support.server import push
from vanvault.api.console.views.message import LookGap, look_gaps, receipt_shown
from vanvault.archiver.catalogue import Unread
from vanvault.archiver.core.errors import KeyUnavailable
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys

WHY = "khiếu nại 12/2026"
#: What would run, load or mislead, were it shown as it is.
HOSTILE = {
    "xml": b'<?xml version="1.0"?><a><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script></a>',
    "html": b"<!doctype html><img src=x onerror=alert(1)><form action=//evil.example>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="//evil.example"/></svg>',
    "bidi": "<a>an toàn \u202e fdp.exe \u200bẩn</a>".encode(),
    "binary": b"%PDF-1.7\x00\xff\xfe\x1b[31m",
    "entities": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
}


@pytest.fixture(scope="module")
def ids(place: ConsolePlace) -> dict[str, str]:
    """Name of an original -> its id; all are of one transaction."""
    with place.server.client(place.gateway) as client:
        return {
            name: push(client, f"h-{name}", body, **{"Vanvault-Transaction-Id": "t-hostile"}).json()["id"]
            for name, body in HOSTILE.items()
        }


def original(browser: Browser, id: str, way: str = "page", purpose: str = WHY) -> httpx.Response:
    """Ask for an original by the form on its page."""
    path = f"/console/messages/{id}/original"
    token = token_in(browser.get(f"/console/messages/{id}"), path)
    return browser.post(path, {"token": token, "as": way, "purpose": purpose})


def test_a_page_has_all_that_its_reader_may_see_and_a_look_for_each_part(
    place: ConsolePlace, ids: dict[str, str]
) -> None:
    page = place.of("lan").get(f"/console/messages/{ids['xml']}")
    assert page.status_code == 200
    assert hashlib.sha256(HOSTILE["xml"]).hexdigest() in page.text
    assert "Genuine." in page.text and "NOT genuine" not in page.text
    assert "How long it is kept" in page.text and "Copies, and their locks" in page.text
    assert page.text.count('href="/console/messages/') == len(HOSTILE) - 1  # the others of its transaction
    assert looks_of(place, "lan", "display")[0]["shown"] == [ids["xml"]]
    assert set(looks_of(place, "lan", "timeline")[0]["shown"]) == set(ids.values())
    assert looks_of(place, "lan", "receipt")[0]["shown"] == [ids["xml"]]
    assert "Shown to these roles" in page.text  # who has looked


def test_a_reader_of_the_log_gets_no_original_and_is_told_who_does(
    place: ConsolePlace, ids: dict[str, str]
) -> None:
    browser, path = place.of("hoa"), f"/console/messages/{ids['xml']}/original"
    page = browser.get(f"/console/messages/{ids['xml']}")
    assert f'action="{path}"' not in page.text and "auditor-original" in page.text
    # The token of another form of the same browser does not help either.
    token = token_in(browser.get("/console/search"), "/console/search")
    assert browser.post(path, {"token": token, "purpose": "x"}).status_code == 403
    before = len(looks_of(place, "hoa", "original"))
    assert before == 0  # the form was refused before anything was looked at


def test_a_receipt_that_cannot_be_checked_is_not_called_false(place: ConsolePlace) -> None:
    """Nothing is known against it where a key is away; one of another entry says in what it differs."""
    with place.server.client(place.gateway) as client:
        receipt = push(client, "receipt-to-judge", b"<a/>").json()
    public = SigningKeys(place.home / KEYS_FOLDER).public
    item = {name: receipt[name] for name in ("id", "size", "sha256", "sha512", "received_at")}

    def away(key_id: str) -> NoReturn:
        raise KeyUnavailable(f"the key {key_id} is away")

    good = receipt_shown(receipt, item, public)
    assert (good.good, good.unclear, good.why) == (True, False, "")
    unclear = receipt_shown(receipt, item, away)
    assert (unclear.good, unclear.unclear) == (False, True)
    for name in item:
        bad = receipt_shown(receipt, {**item, name: "other"}, public)
        assert (bad.good, bad.unclear, name in bad.why) == (False, False, True)


def test_an_extractor_sees_no_receipt_and_no_place_of_copies(
    place: ConsolePlace, ids: dict[str, str]
) -> None:
    page = place.of("mai").get(f"/console/messages/{ids['xml']}")
    assert page.status_code == 200
    assert "Genuine" not in page.text and ".messages.parquet" not in page.text
    assert "Holds, locks and where copies lie are shown" in page.text
    assert "The earliest lock" not in page.text and "No hold is over it" not in page.text
    reader = place.of("lan").get(f"/console/messages/{ids['xml']}").text
    assert "The earliest lock" in reader and "No hold is over it" in reader


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_original_is_text_and_its_purpose_is_on_record(
    place: ConsolePlace, ids: dict[str, str], name: str
) -> None:
    page = original(place.of("lan"), ids[name])
    assert page.status_code == 200, page.text
    assert "Unchanged." in page.text
    main = page.text.partition("<main")[2].partition("</main>")[0]
    for part in (
        "<script",
        "<img",
        "<svg",
        "<form",
        "<iframe",
        "onerror=alert(1)>",
        "\u202e",
        "\u200b",
        "\x1b",
    ):
        assert part not in main, part
    if name == "bidi":
        assert "⟨U+202E⟩" in main and "⟨U+200B⟩" in main
    if name in ("html", "svg"):
        assert HOSTILE[name].decode() in html.unescape(main)
    assert "root:" not in main
    newest = looks_of(place, "lan", "original")[0]
    assert (newest["purpose"], newest["shown"]) == (WHY, [ids[name]])


def test_a_file_is_the_exact_bytes_and_no_page(place: ConsolePlace, ids: dict[str, str]) -> None:
    answer = original(place.of("lan"), ids["html"], way="file")
    assert answer.content == HOSTILE["html"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{ids["html"]}"'
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert looks_of(place, "lan", "original")[0]["shown"] == [ids["html"]]


def test_an_original_without_a_purpose_is_not_shown(place: ConsolePlace, ids: dict[str, str]) -> None:
    before = looks_of(place, "lan", "original")
    answer = original(place.of("lan"), ids["xml"], purpose="")
    assert answer.status_code == 400
    assert original(place.of("lan"), ids["xml"], way="inline").status_code == 400
    assert looks_of(place, "lan", "original") == before


def test_another_site_gets_no_original(place: ConsolePlace, ids: dict[str, str]) -> None:
    browser, path = place.of("lan"), f"/console/messages/{ids['xml']}/original"
    token = token_in(browser.get(f"/console/messages/{ids['xml']}"), path)
    sent = {"token": token, "purpose": "x"}
    assert browser.post(path, sent, Sec_Fetch_Site="cross-site").status_code == 403
    assert browser.get(path).status_code in (404, 405)


def test_what_is_not_there_is_told(place: ConsolePlace) -> None:
    browser = place.of("lan", "vi")
    assert browser.get("/console/messages/1m8q89670n6fk5e8-5-0").status_code == 404
    assert browser.get("/console/messages/nonsense").status_code == 400
    assert place.of("minh").get("/console/messages/1m8q89670n6fk5e8-5-0").status_code == 403


def test_who_has_looked_says_by_whose_record_and_until_when(place: ConsolePlace, ids: dict[str, str]) -> None:
    with place.server.client(place.gateway) as client:
        id = push(client, "never-seen", b"<a>never seen</a>").json()["id"]
    first = place.of("sau").get(f"/console/messages/{id}").text
    assert "Before this one no look is on record" in first and "Nobody yet" not in first
    assert "looks at this node until" in first and "those at other nodes until" in first
    again = place.of("sau", "vi").get(f"/console/messages/{id}").text
    looks = again.partition('id="looks"')[2]
    assert "<bdi>sau</bdi>" in looks and "tại các nút khác đến" in looks


def test_looks_that_may_be_missing_are_told_apart_by_where_they_were() -> None:
    unread = [
        Unread("other nodes", "not folded yet", "a", "b"),
        Unread("hot tail", "not folded yet", "c", "d"),
    ]
    assert look_gaps(unread, "other nodes") == (LookGap(True, "a", "b"), LookGap(False, "c", "d"))
