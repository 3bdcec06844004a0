"""What is the same on every page: language, headers, who may, and pages that cannot be shown."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.api.console.catalogue import CONSOLE
from tests.api.console.conftest import PEOPLE, ConsolePlace
from vanvault.api.console.languages import preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "vi"),
        ("vi", "vi"),
        ("en", "en"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("fr, vi-VN;q=0.5, en;q=0.4", "vi"),
        ("en;q=0, fr", "vi"),
        ("EN", "en"),
        ("*", "vi"),
        ("en;q=nonsense", "vi"),
        ("," * 10_000 + "en", "vi"),
    ],
)
def test_the_language_is_what_the_browser_asks_for_among_ours(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_language_that_was_chosen_is_kept_for_the_next_page(place: ConsolePlace) -> None:
    browser = place.browser("vi")
    page = browser.get("/console/sign-in")
    assert '<html lang="vi">' in page.text and page.headers["content-language"] == "vi"
    chosen = browser.get("/console/language/en?next=/console/sign-in")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/console/sign-in")
    assert '<html lang="en">' in browser.get("/console/sign-in").text
    assert browser.get("/console/language/de").status_code == 404
    assert browser.get("/console/language/en?next=//evil.example").headers["location"] == "/console"


@pytest.mark.parametrize(
    "path",
    ["/console", "/console/sign-in", "/console/nothing", "/console/static/console.js"],
)
def test_every_answer_is_under_a_strict_policy(place: ConsolePlace, path: str) -> None:
    answer = place.of("hoa").get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    if "static" in path:
        return
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce and f'nonce="{nonce[1]}"' in answer.text
    assert "style=" not in answer.text and "onclick" not in answer.text
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text), "a request of another host"


def test_each_page_has_a_nonce_of_its_own(place: ConsolePlace) -> None:
    browser = place.browser()
    policies = {browser.get("/console/sign-in").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_a_file_that_the_browser_has_is_not_sent_again(place: ConsolePlace) -> None:
    browser = place.browser()
    first = browser.get("/console/static/htmx.min.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = browser.get("/console/static/htmx.min.js", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("SHA256SUMS", "..%2Fpages.py", "nothing.js"):
        assert browser.get(f"/console/static/{name}").status_code == 404


def test_vendored_files_are_what_they_were() -> None:
    folder = CONSOLE / "static"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("name", PEOPLE)
def test_how_the_archive_stands_is_for_who_may_see_results_of_checks(place: ConsolePlace, name: str) -> None:
    page = place.of(name).get("/console")
    assert page.status_code == 200
    sees = PEOPLE[name] in ("auditor-original", "auditor-log", "security-officer", "operator")
    assert ("What needs a person now" in page.text) == sees
    assert ("is shown to these roles" in page.text) == (not sees)


def test_a_page_that_is_not_there_says_so_in_the_language_of_the_reader(place: ConsolePlace) -> None:
    page = place.of("hoa", "vi").get("/console/khong-co")
    assert page.status_code == 404
    assert "<h1>Không có trang hoặc bản ghi này</h1>" in page.text
    assert 'href="/console/people/hoa"' in page.text  # one is still signed in
    assert place.browser().get("/console/nothing").status_code == 404
    assert place.browser().get("/console/").headers["location"] == "/console"
