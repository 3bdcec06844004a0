"""The console in a real browser: both languages, without scripts, by keyboard, small screens, attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.api.console.browsing import Tab, tab
from tests.api.console.conftest import PASSWORD, SESSION, ConsolePlace
from tests.api.console.test_extractions import run_of, send, sent
from tests.api.console.test_inbox import answer
from tests.api.console.test_message import HOSTILE
from tests.servers import chromium
from tests.servers.fixtures import unavailable
from tests.servers.processes import ServerUnavailable
from tests.support.command import json_of, run_cli
from tests.support.server import push
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.journal import EventType
from vanvault.recovery.running import RunningVerb, watched
from vanvault.recovery.work import QUIET, Extent

EMPLOYER = "TZ7788Z"
LONG = "Vụ án Nguyễn Phúc Bảo Quỳnh Công Tằng Tôn Nữ Thị Ánh Tuyết và đồng phạm"
LOCALES = {"vi": "vi-VN", "en": "en-GB"}
#: Where the keyboard is.
_WHERE = "(document.activeElement.id || document.activeElement.textContent).trim()"
#: Who signs in for real, in each language.
BY_HAND = {"vi": "quyen", "en": "emma"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the whole file."""
    try:
        program = chromium.program()
        chromium.axe_rules()
    except ServerUnavailable as error:
        unavailable("Chromium", str(error))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def ids(place: ConsolePlace) -> dict[str, str]:
    """Name of an original -> its id: the hostile ones, and sixty of one employer with a long state."""
    found = {}
    with place.server.client(place.gateway) as client:
        for number in range(60):
            fields = {
                "Vanvault-Employer-Code": EMPLOYER,
                "Vanvault-Transaction-Id": f"giao-dịch-{number // 4}",
                "Vanvault-State": "Đã tiếp nhận và đang chờ cơ quan bảo hiểm xã hội giải quyết theo quy định",
            }
            found[f"m-{number}"] = push(client, f"b-{number}", b"<a>%d</a>" % number, **fields).json()["id"]
        for name, body in HOSTILE.items():
            fields = {"Vanvault-State": "<img src=x onerror=alert(1)>"}
            found[name] = push(client, f"bh-{name}", body, **fields).json()["id"]
    return found


@pytest.fixture(scope="module")
def drilled(place: ConsolePlace) -> str:
    """The id of a job: a drill, whose report is on its page."""
    assert run_cli(place.home, "drill", "run", "index-lost").exit_code in (0, 3)
    jobs = place.of("tam").get("/v1/jobs").json()["jobs"]
    return str(next(one["id"] for one in jobs if one["type"] == "drill.finished"))


@pytest.fixture(scope="module")
def taken(place: ConsolePlace, ids: dict[str, str]) -> str:
    """The address of an extraction whose file was taken."""
    mai, fields = place.of("mai"), sent(**{"filter.employer_code": EMPLOYER, "purpose": LONG})
    address = send(mai, fields).headers["location"]
    waits = place.browser()
    assert waits.sign_in("nhi", place.code("nhi")).status_code == 303
    asked = waits.get("/v1/approvals").json()["approvals"]
    request = next(one for one in asked if one["subject"]["form"]["purpose"] == LONG)
    assert answer(waits, request["id"], "approve").status_code == 303
    assert run_of(mai, address).status_code == 200
    return address


def signed_in(found: Tab, place: ConsolePlace, name: str) -> None:
    """Give the tab the session that this person has."""
    secret, host = place.of(name).cookies[SESSION], found.url.replace("http:", "https:")
    cookie = {"name": SESSION, "value": secret, "url": host, "secure": True, "httpOnly": True}
    found.page.context.add_cookies([cookie])


@pytest.mark.parametrize("language", LOCALES)
def test_an_auditor_signs_in_searches_opens_an_entry_and_its_original(
    place: ConsolePlace, ids: dict[str, str], browser: Browser, language: str
) -> None:
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        page, name = found.page, BY_HAND[language]
        found.open("/console/search")
        expect(page.locator("html")).to_have_attribute("lang", language)
        found.check(f"sign-in.{language}")
        found.sign_in(name, PASSWORD, place.code(name))
        page.wait_for_url("**/console/search")
        found.check(f"search-empty.{language}")

        page.fill("#f-employer_code", EMPLOYER)
        page.press("#f-employer_code", "Enter")
        expect(page.locator("table.hits tbody tr")).to_have_count(50)
        expect(page.locator("#results")).to_be_focused()
        assert EMPLOYER not in page.url and "/console/search/" in page.url
        found.check(f"search.{language}")
        page.reload()
        expect(page.locator("table.hits tbody tr")).to_have_count(50)
        page.click("a[rel=next]")
        expect(page.locator("table.hits tbody tr")).to_have_count(10)

        page.locator("table.hits tbody a").first.click()
        page.wait_for_url("**/console/messages/*")
        expect(page.locator(".notice.good")).to_be_visible()
        found.check(f"entry.{language}")
        page.fill("#purpose", "khiếu nại 12/2026")
        page.click("button[value=page]")
        page.wait_for_url("**/original")
        expect(page.locator(".notice.good")).to_be_visible()
        found.check(f"original.{language}")
        page.click("text=VanVault")
        found.check(f"home.{language}")
        page.click("header form button")
        page.wait_for_url("**/console/sign-in?out=1")


def held(place: ConsolePlace) -> str:
    """The page of a hold whose case has a long name; there is none before."""
    given = ("--case", LONG, "--reason", "tòa án yêu cầu", "--employer-code", EMPLOYER, "--json")
    placed = run_cli(place.home, "hold", "place", *given)
    return f"/console/holds/{json_of(placed)['hold']}"


def planned(place: ConsolePlace) -> str:
    """The page of a disposal that waits for approval."""
    id = "d-00000000000000bb"
    detail: dict[str, object] = {
        "disposal": id, "digest": "cd" * 32, "plan": f"disposal-{id}.plan", "entries": 3000, "originals": 9,
        "bytes": 2048, "segments": 1, "requester": "os:lan", "who": LONG,
    }  # fmt: skip
    with Archive.open(place.home) as archive:
        archive.record(EventType.DISPOSAL_PLANNED, detail)
    return f"/console/disposals/{id}"


@pytest.mark.parametrize("language", LOCALES)
def test_all_states_of_pages_keep_the_rules(
    place: ConsolePlace, ids: dict[str, str], drilled: str, taken: str, browser: Browser, language: str
) -> None:
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        signed_in(found, place, "lan")
        for name, path in (
            ("not-found", "/console/nothing"),
            ("search-everything", "/console/search?order=newest"),
            ("search-year", "/console/search?during=2020..2030&entry=message"),
            ("inbox-empty", "/console/inbox"),
            ("jobs", "/console/jobs"),
            ("jobs-running", "/console/jobs/running"),
            ("job-drill", f"/console/jobs/{drilled}"),
            ("search-nothing", "/console/search?during=1999"),
            ("not-an-entry", "/console/messages/nonsense"),
        ):
            found.open(path)
            found.check(f"{name}.{language}")
    verb = RunningVerb("restore", "from primary", "vinh")
    with (
        tab(browser, place.server.url, locale=LOCALES[language]) as found,
        watched(QUIET, place.home, verb, clock=SystemClock(), id="b1") as running,
        running.progress("restoring standby", Extent(2000, 10**9)) as step,
    ):
        signed_in(found, place, "tam")
        found.page.clock.install()
        found.open("/console/jobs")
        found.check(f"jobs-progress.{language}")
        for part in ("25", "50"):
            step(500, 25 * 10**7)
            running.expects(7000.0)
            found.page.clock.fast_forward(10_000)
            expect(found.page.locator("progress")).to_have_attribute("value", part)
        found.check(f"jobs-half.{language}")
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        signed_in(found, place, "minh")
        found.open("/console")
        found.check(f"home-without-right.{language}")
        found.open("/console/search")
        found.check(f"not-permitted.{language}")
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        signed_in(found, place, "mai")
        for name, path in (
            ("extractions", "/console/extractions"),
            ("extraction-form", "/console/extractions/new"),
            ("extraction", taken),
        ):
            found.open(path)
            found.check(f"{name}.{language}")
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        signed_in(found, place, "tam")
        found.open("/console")
        found.check()
        for name, path in (
            ("access-log", "/console/access"),
            ("sites", "/console/sites"),
            ("people", "/console/people?all=true"),
            ("person", "/console/people/tam"),
            ("help", "/console/help"),
            ("help-page", "/console/help/keys-lost"),
            ("reports", "/console/reports"),
            ("holds", "/console/holds?all=true"),
            ("disposals", "/console/disposals"),
            ("law", "/console/law"),
        ):
            found.open(path)
            found.check(f"{name}.{language}")
        for name, path in (("hold", held(place)), ("disposal", planned(place))):
            found.open(path)
            expect(found.page.locator("main")).to_contain_text(LONG)
            found.check(f"{name}.{language}")


def test_a_wrong_field_is_told_beside_the_form_and_read_out(place: ConsolePlace, browser: Browser) -> None:
    with tab(browser, place.server.url, locale="en-GB") as found:
        signed_in(found, place, "lan")
        found.open("/console/search")
        found.page.fill("#f-during", "in spring")
        found.page.click("form.search button")
        expect(found.page.locator("#results [role=alert]")).to_contain_text("During")
        expect(found.page.locator("#f-during")).to_have_value("in spring")
        expect(found.page.locator("#f-during")).to_have_attribute("aria-invalid", "true")
        expect(found.page.locator("#f-during")).to_be_focused()
        found.check("search-wrong.en")


def test_it_works_without_scripts(place: ConsolePlace, ids: dict[str, str], browser: Browser) -> None:
    with tab(browser, place.server.url, locale="vi-VN", java_script_enabled=False) as found:
        signed_in(found, place, "lan")
        page = found.page
        found.open("/console/search")
        page.fill("#f-employer_code", EMPLOYER)
        page.click("form.search button")
        expect(page.locator("table.hits tbody tr")).to_have_count(50)
        assert EMPLOYER not in page.url
        page.click("text=English")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator("table.hits tbody tr")).to_have_count(50)
        page.locator("table.hits tbody a").first.click()
        page.fill("#purpose", "complaint 12/2026")
        page.click("button[value=page]")
        expect(page.locator("h1")).to_have_text("Original")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_original_runs_nothing_and_asks_no_other_host(
    place: ConsolePlace, ids: dict[str, str], browser: Browser, name: str
) -> None:
    with tab(browser, place.server.url, locale="vi-VN") as found:
        signed_in(found, place, "lan")
        found.open(f"/console/messages/{ids[name]}")
        found.page.fill("#purpose", "kiểm tra")
        found.page.click("button[value=page]")
        expect(found.page.locator("pre")).to_have_count(2)
        assert found.page.locator("main script, main img, main svg, main iframe, main form").count() == 0
        found.check("original-bidi.vi" if name == "bidi" else "")


def test_a_session_that_ended_leads_back_to_where_one_was(
    place: ConsolePlace, ids: dict[str, str], browser: Browser
) -> None:
    with tab(browser, place.server.url, locale="vi-VN") as found, tab(browser, place.server.url) as other:
        for one in (found, other):
            signed_in(one, place, "vinh")
            one.open("/console")
        other.page.click("header form button")  # in another tab; the session ends at every node
        other.page.wait_for_url("**/sign-in?out=1")
        place.signed_in.pop("vinh")
        found.page.click("nav a >> nth=0")
        expect(found.page.locator("[role=status]")).to_be_visible()
        found.check("session-ended.vi")


def test_the_keyboard_reaches_everything_in_its_order(place: ConsolePlace, browser: Browser) -> None:
    with tab(browser, place.server.url, locale="en-GB") as found:
        signed_in(found, place, "lan")
        found.open("/console/search")
        page = found.page
        seen = []
        for _ in range(24):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(_WHERE))
        assert seen[0] == "Skip to the contents"
        order = ["VanVault", "Home", "Search", "Tiếng Việt", "English", "Sign out", "f-dossier_number"]
        assert [one for one in seen[: seen.index(order[-1]) + 1] if one in order] == order
        page.keyboard.press("Escape")
        found.open("/console/search")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("path", ["/console", "/console/search?order=newest", "/console/sign-in"])
def test_a_screen_of_320_pixels_needs_no_scrolling_sideways(
    place: ConsolePlace, ids: dict[str, str], browser: Browser, path: str
) -> None:
    size = {"width": 320, "height": 640}
    with tab(browser, place.server.url, locale="vi-VN", viewport=size) as found:
        signed_in(found, place, "lan")
        found.open(path)
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 320
        found.check(f"small{path.partition('?')[0].replace('/', '-')}.vi")


#: What leaves the page at its right or left, but for tables that scroll by themselves on a screen.
_OUTSIDE = """printed => {
  const width = document.documentElement.clientWidth, found = [];
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest("svg, .skip") || (!printed && one.parentElement.closest(".scroll"))) continue;
    const box = one.getBoundingClientRect();
    const cut = getComputedStyle(one).overflowX === "hidden" && one.scrollWidth > one.clientWidth + 1;
    if (box.width && (box.right > width + 1 || box.left < -1 || cut)) found.push(one.outerHTML.slice(0, 120));
  }
  return found.slice(0, 3);
}"""
#: Every page, and who opens it.
_WALK = {
    "lan": ("", "/inbox", "/search?order=newest", "/jobs", "/nothing"),
    "tam": (
        *("", "/inbox", "/sites", "/jobs", "/access", "/people?all=true", "/people/tam"),
        *("/help", "/help/keys-lost", "/reports", "/holds?all=true", "/disposals", "/law"),
    ),
    "minh": ("", "/search", "/people"),
}


@pytest.mark.parametrize("language", LOCALES)
def test_no_page_is_cut_at_320_pixels_in_forced_colours_or_on_paper(
    place: ConsolePlace, ids: dict[str, str], browser: Browser, language: str
) -> None:
    """320 pixels are also a screen of 1280 at 400 %."""
    for name, paths in _WALK.items():
        opened = (*paths, f"/messages/{ids['m-0']}") if name == "lan" else paths
        with tab(browser, place.server.url, locale=LOCALES[language]) as found:
            signed_in(found, place, name)
            page = found.page
            for path in opened:
                page.set_viewport_size({"width": 320, "height": 640})
                page.emulate_media(media="screen", forced_colors="active")
                found.open(f"/console{path}")
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
                assert page.evaluate(_OUTSIDE, False) == [], path
                page.set_viewport_size({"width": 718, "height": 1000})  # A4 within its margins
                page.emulate_media(media="print", forced_colors="none")
                assert page.evaluate(_OUTSIDE, True) == [], path
                assert found.wrong == []


def test_forced_colours_keep_what_is_there(
    place: ConsolePlace, ids: dict[str, str], browser: Browser
) -> None:
    with tab(browser, place.server.url, locale="vi-VN", forced_colors="active") as found:
        signed_in(found, place, "lan")
        found.open("/console/search?during=2020..2030")
        found.check("forced-colours.vi")


def test_the_end_of_a_session_is_told_before_it_comes(place: ConsolePlace, browser: Browser) -> None:
    with tab(browser, place.server.url, locale="en-GB") as found:
        signed_in(found, place, "lan")
        found.page.clock.install()
        found.open("/console")
        expect(found.page.locator("#session-warning")).to_be_hidden()
        found.page.clock.fast_forward((15 * 60 - 110) * 1000)
        expect(found.page.locator("#session-warning")).to_be_visible()
        found.page.click("#stay")
        expect(found.page.locator("#session-warning")).to_be_hidden()


def test_at_the_end_of_a_session_the_page_is_hidden_and_nothing_is_asked(
    place: ConsolePlace, browser: Browser
) -> None:
    with tab(browser, place.server.url, locale="en-GB") as found:
        signed_in(found, place, "lan")
        found.page.clock.install()
        found.open("/console")
        asked: list[str] = []
        found.page.on("request", lambda request: asked.append(request.url))
        found.page.clock.fast_forward((15 * 60 + 5) * 1000)
        expect(found.page.locator("#session-over")).to_be_visible()
        expect(found.page.locator("main")).to_be_hidden()
        found.page.clock.fast_forward(60 * 60 * 1000)
        assert asked == []  # a request would keep the session open
        expect(found.page.locator("#session-over a")).to_have_attribute(
            "href", "/console/sign-in?next=/console"
        )


@pytest.mark.parametrize("language", LOCALES)
def test_an_operator_finds_the_forms_that_start_jobs(
    place: ConsolePlace, browser: Browser, language: str
) -> None:
    with tab(browser, place.server.url, locale=LOCALES[language]) as found:
        signed_in(found, place, "thu")
        found.open("/console/jobs")
        expect(found.page.locator("form[action='/console/jobs/start']")).to_have_count(2)
        found.check(f"jobs-start.{language}")
