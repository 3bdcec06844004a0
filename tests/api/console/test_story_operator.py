"""The night of an operator, in a real browser: a site is lost, and everything until the evidence is saved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.console.browsing import tab
from tests.api.console.stories import StoryPlace, approve, story_place
from tests.api.console.test_browser import browser
from tests.support.waiting import wait_for
from vanvault.archiver.core.error_table import ExitCode

__all__ = ["browser"]  # a fixture

REASON = "the primary's storage burnt down"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[StoryPlace]:
    with story_place(tmp_path, {"vinh": "operator"}) as place:
        yield place


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_site_is_lost_and_the_service_comes_back_with_its_evidence(
    night: StoryPlace, browser: Browser, scripts: bool
) -> None:
    assert [night.push(number) for number in range(3)] == [201] * 3
    options = {"locale": "en-GB", "java_script_enabled": scripts}
    with (
        tab(browser, night.server.url, **options) as vinh,
        tab(browser, night.server.url, locale="vi-VN", java_script_enabled=scripts) as binh,
    ):
        night.sign_in(vinh, "vinh")
        shutil.rmtree(night.home / "sites" / "primary")
        assert night.push(3) == 503, "nothing is acknowledged that only one site has"

        vinh.reload_until("A site is away")
        vinh.page.click("main .conditions a >> nth=0")
        expect(vinh.page.locator("h1")).to_be_visible()
        vinh.page.click("nav a:has-text('Inbox')")
        expect(vinh.page.locator("main")).to_contain_text("A site is away")
        vinh.page.click("nav a:has-text('Sites')")
        expect(vinh.page.locator("main")).to_contain_text("What a promotion of standby would mean")

        vinh.page.fill("#promotion-reason", REASON)
        vinh.page.click("button:has-text('Ask for its approval')")
        vinh.page.wait_for_url("**/console/sites#failover")
        night.sign_in(binh, "binh", "/console/inbox")
        approve(binh, REASON)
        vinh.open("/console/sites")
        expect(vinh.page.locator("#failover ~ details")).to_contain_text("Your request is approved")
        command = vinh.page.locator("pre.command").inner_text()
        assert night.run_as(vinh, f"{command} --yes")["leader"] == "standby"
        vinh.reload_until("Leading site: standby")
        wait_for(lambda: night.push(4) == 201, "the site that leads is enough alone")

        (night.home / "sites" / "primary").mkdir(mode=0o700)
        # Until somebody goes back the node writes at the standby alone, also while this is verified.
        night.run_as(vinh, "vanvault restore --from standby", ExitCode.OK, ExitCode.CHECK_FAILED)
        failback = "vanvault failover failback --reason 'both sites are whole again' --yes"
        night.run_as(vinh, failback, ExitCode.APPROVAL)
        approve(binh, "both sites are whole again")
        assert night.run_as(vinh, failback)["leader"] == "primary"
        vinh.reload_until("Leading site: primary")
        wait_for(lambda: night.push(5) == 201, "both sites take it")
        night.run_as(vinh, "vanvault reconcile")
        night.run_as(vinh, "vanvault verify")
        night.run_as(vinh, "vanvault drill run index-lost")
        vinh.open("/console/jobs")
        for one in ("Restore", "Verification", "Drill"):
            expect(vinh.page.locator("table.hits")).to_contain_text(one)
        vinh.page.locator("tr", has_text="Drill").locator("a").click()
        expect(vinh.page.locator(".notice.good >> nth=0")).to_contain_text("succeeded")
        for name, begin in (("report.en.pdf", b"%PDF"), ("report.vi.pdf", b"%PDF"), ("report.json", b"{")):
            with vinh.page.expect_download() as saved:
                vinh.page.click(f"text={name}")
            assert saved.value.path().read_bytes().startswith(begin)
        if scripts:
            vinh.check("story-operator-drill.en")
