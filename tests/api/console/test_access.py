"""The access log at the console: typed filters are those of the API, and looking there is a look as well."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.api.console.conftest import PEOPLE, Browser, ConsolePlace, token_in
from tests.api.console.test_search import looks_of
from tests.support.server import push
from vanvault.api.console.telling import Telling
from vanvault.api.console.typed_filters import typed_filters
from vanvault.api.console.views.access import PAGE_LOOKS, LookCursor, look_lines
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.looks import ACTS, Look, Viewer
from vanvault.recovery.access import SeenLook, SeenLooks

_ROWS = re.compile(r'<tr><th scope="row"><time')


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("", {}),
        ("   ", {}),
        ("actor:lan", {"who": "lan"}),
        ('actor:"Nguyễn Thị Ánh Tuyết" action:original', {"who": "Nguyễn Thị Ánh Tuyết", "act": "original"}),
        ("object:m-1 outcome:refused", {"message": "m-1", "outcome": "refused"}),
        ("who:lan act:search", {"who": "lan", "act": "search"}),
        ("employer:TZ1", {"employer": "TZ1"}),
        ("created:2026-01-01..", {"from": "2026-01-01"}),
        ("created:..03/2026", {"to": "2026-04-01"}),
        ("created:03/2026", {"from": "2026-03-01", "to": "2026-04-01"}),
        ("created:01/2026..03/2026", {"from": "2026-01-01", "to": "2026-04-01"}),
        ("object:a:b", {"message": "a:b"}),
    ],
)
def test_a_line_of_filters_is_parameters_of_the_api(line: str, parameters: dict[str, str]) -> None:
    assert typed_filters(line) == parameters


@pytest.mark.parametrize(
    "line",
    [
        *("lan", "actor:", 'actor:"lan', "actor:lan,action:search x", "reader:lan", "actor:lan actor:hoa"),
        *("actor:lan who:lan", "action:steal", "outcome:perhaps", "object:a employer:b", "created:.."),
        *("created:spring", "created:2027..2026", "created:2026-02-30", "actor:" + "x" * 301, "x" * 1001),
        *("to:2026", "limit:3"),
    ],
)
def test_a_line_that_is_none_is_refused_and_never_narrowed_in_silence(line: str) -> None:
    with pytest.raises(InvalidInput):
        typed_filters(line)


@pytest.mark.parametrize(
    "text", ["", "1", "0.5", "21.5", "-1.5", "1.5.6", "1." + "9" * 40, "2." + "9" * 17, "²۳.1", "a.b"]
)
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        LookCursor.of(text)


def test_pages_of_looks_follow_each_other() -> None:
    looks = [
        SeenLook(f"e-{n}", "2026-11-30T00:00:00Z", Look(Viewer("lan", "account"), "search", {}))
        for n in range(70)
    ]
    assert len(look_lines(SeenLooks(looks, more=False), 1)) == PAGE_LOOKS
    assert len(look_lines(SeenLooks(looks, more=False), 2)) == 70 - PAGE_LOOKS
    assert str(LookCursor.of("2.17")) == "2.17"


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_told_as_what_somebody_did(act: str) -> None:
    told = Telling("vi").act(act)
    assert told != act and told[0].islower(), told  # a column's heading begins with a capital letter


def ask(browser: Browser, line: str) -> httpx.Response:
    """Fill in the filters and send them; the answer leads to their address."""
    token = token_in(browser.get("/console/access"), "/console/access")
    return browser.post("/console/access", {"token": token, "filters": line})


@pytest.fixture(scope="module")
def seen(place: ConsolePlace) -> str:
    """Id of a message of which many have been looked at by lan, and which she opened once."""
    with place.server.client(place.gateway) as client:
        id: str = push(client, "log-1", b"<x/>", **{"Vanvault-State": "<b>x</b>"}).json()["id"]
    browser = place.of("lan")
    for _ in range(PAGE_LOOKS + 3):
        assert browser.get("/console/search?kind=log-none").status_code == 200
    assert browser.get(f"/console/messages/{id}").status_code == 200
    return id


@pytest.mark.parametrize("name", PEOPLE)
def test_the_log_is_for_who_may_see_looks(place: ConsolePlace, name: str) -> None:
    page = place.of(name).get("/console/access")
    may = PEOPLE[name] == "security-officer"
    assert page.status_code == (200 if may else 403)
    assert ("security-officer" in page.text) or may
    menu = place.of(name).get("/console").text.partition("</nav>")[0]
    assert ('href="/console/access"' in menu) == may


def test_who_looked_is_shown_for_a_person_without_the_person_in_the_address(
    place: ConsolePlace, seen: str
) -> None:
    browser = place.of("tam")
    address = ask(browser, "actor:lan action:display").headers["location"]
    assert address.startswith("/console/access/") and "lan" not in address
    page = browser.get(address)
    assert page.status_code == 200
    assert seen in page.text and "auditor-original" in page.text and "at any time" in page.text
    assert 'value="actor:lan action:display"' in page.text
    assert f'href="/console/messages/{seen}"' not in page.text  # a security officer opens no entry
    newest = looks_of(place, "tam", "access")
    assert {"who": "lan", "act": "display"} in [one["asked"] for one in newest]


def test_who_has_seen_a_message_within_a_period(place: ConsolePlace, seen: str) -> None:
    browser = place.of("tam", "vi")
    page = browser.get(ask(browser, f"object:{seen} created:2026-01-01..").headers["location"])
    assert seen in page.text and "01/01/2026" in page.text and "lan" in page.text
    page = browser.get(ask(browser, f"object:{seen} created:1999").headers["location"])
    assert "Không có lượt xem nào được ghi nhận" in page.text and "01/01/1999" in page.text


def test_pages_show_each_look_once_though_looking_goes_on(place: ConsolePlace, seen: str) -> None:
    browser = place.of("tam")
    address = ask(browser, "actor:lan action:search").headers["location"]
    first = browser.get(address).text
    assert len(_ROWS.findall(first)) == PAGE_LOOKS
    further = re.search(rf'rel="next" href="({address}\?cursor=[0-9.]+)"', first)
    assert further is not None
    place.of("lan").get("/console/search?kind=log-later")
    second = browser.get(further[1])
    assert second.status_code == 200 and "log-later" not in second.text
    assert 3 <= len(_ROWS.findall(second.text)) <= PAGE_LOOKS
    assert browser.get(f"{address}?cursor=nonsense").status_code == 400
    assert browser.get(f"{address}?cursors=1").status_code == 400
    assert browser.get(f"{address}?cursor=2.{'9' * 20}").status_code == 400


def test_wrong_filters_are_told_beside_the_form_and_hostile_ones_are_text(place: ConsolePlace) -> None:
    browser, line = place.of("tam"), 'actor:"<script>alert(1)</script>"'
    page = browser.get(ask(browser, line).headers["location"])
    assert page.status_code == 200 and "No look on record" in page.text
    assert "<script>alert" not in page.text
    wrong = ask(browser, "<img src=x>")
    assert wrong.status_code == 400 and "These filters cannot be read" in wrong.text
    assert "<img" not in wrong.text and 'value="&lt;img src=x&gt;"' in wrong.text


def test_an_address_of_another_page_or_archive_holds_no_filters(place: ConsolePlace) -> None:
    browser = place.of("tam")
    assert browser.get("/console/access/AAAA").status_code == 404
    lan = place.of("lan")
    token = token_in(lan.get("/console/search"), "/console/search")
    of_search = lan.post("/console/search", {"token": token, "employer_code": "TZ1"}).headers["location"]
    sealed = of_search.rpartition("/")[2]
    assert browser.get(f"/console/access/{sealed}").status_code == 400
    sent = {"filters": "actor:lan", "token": "0" * 32}
    assert browser.post("/console/access", sent).status_code == 403
