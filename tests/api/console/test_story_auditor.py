"""The day of an auditor, in a real browser: from the search to a file that is checked without the archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.console.browsing import Tab, tab
from tests.api.console.stories import StoryPlace, approve, story_place
from tests.api.console.test_browser import browser
from tests.export.conftest import run_verifier
from tests.support.forms import AGENCY, SCAN
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.core.times import vietnam_day

__all__ = ["browser"]  # a fixture

EMPLOYER, WHY = "TZ6644Y", "Thanh tra việc đóng bảo hiểm xã hội"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[StoryPlace]:
    people = {"lan": "auditor-original+extractor", "tam": "security-officer"}
    with story_place(tmp_path, people) as place:
        for number in range(3):
            fields = {"Vanvault-Employer-Code": EMPLOYER, "Vanvault-Transaction-Id": "giao-dịch-1"}
            assert place.push(number, **fields) == 201
        yield place


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_from_a_search_to_a_file_that_is_checked_without_the_archive(
    office: StoryPlace, browser: Browser, scripts: bool, tmp_path: Path
) -> None:
    url, options = office.server.url, {"locale": "vi-VN", "java_script_enabled": scripts}
    with tab(browser, url, **options) as lan, tab(browser, url, **options) as binh:
        office.sign_in(lan, "lan")
        page = lan.page
        page.click("nav a:has-text('Tra cứu')")
        page.fill("#f-employer_code", EMPLOYER)
        page.fill(
            "#f-during",
            f"{vietnam_day(SystemClock().now()).year - 1}..{vietnam_day(SystemClock().now()).year}",
        )
        page.click("form.search button")
        expect(page.locator("table.hits tbody tr")).to_have_count(3)
        assert EMPLOYER not in page.url
        found = page.url

        page.locator("table.hits tbody a").first.click()
        expect(page.locator(".notice.good")).to_be_visible()  # the receipt, in plain words
        expect(page.locator("main")).to_contain_text("giao-dịch-1")

        page.goto(found)
        page.click("a[href*='/console/extractions/new/']")
        fill_in(lan)
        page.click("main form button")
        page.wait_for_url("**/console/extractions/x-*")
        extraction = page.url
        office.sign_in(binh, "binh", "/console/inbox")
        approve(binh, WHY)

        page.goto(extraction)
        with page.expect_download() as saved:
            page.click("form[action$=run] button")
        file = tmp_path / "result.zip"
        saved.value.save_as(file)
        assert run_verifier(file)[0] == 0
        page.goto(extraction)
        expect(page.locator("main")).to_contain_text("verify.py")
        if scripts:
            lan.check("story-auditor-extraction.vi")
    with tab(browser, url, **options) as tam:
        office.sign_in(tam, "tam", "/console/access")
        for act in ("search", "display", "extract"):
            tam.page.fill("#f-filters", f"actor:lan action:{act}")
            tam.page.click("main form button")
            expect(tam.page.locator("#f-filters")).to_have_value(f"actor:lan action:{act}")
            expect(tam.page.locator("table.hits tbody tr >> nth=0")).to_contain_text("lan")


def fill_in(found: Tab) -> None:
    """The form of an extraction, whose entries the search has filled in."""
    page, today = found.page, vietnam_day(SystemClock().now())
    expect(page.locator("#f-filter-employer_code")).to_have_value(EMPLOYER)
    for name, value in {
        "letter_number": "123/TTr-BHXH",
        "letter_day": str(today - timedelta(days=3)),
        "letter_agency": AGENCY,
        "recipient_name": "Trần Văn Khôi",
        "recipient_agency": AGENCY,
        "purpose": WHY,
        "until": str(today + timedelta(days=9)),
    }.items():
        page.fill(f"#f-{name}", value)
    page.set_input_files("#f-scan", {"name": "công văn.pdf", "mimeType": "application/pdf", "buffer": SCAN})
    page.check("#f-field-received_at")
    page.check("#f-field-dossier_number")
