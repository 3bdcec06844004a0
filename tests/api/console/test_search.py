"""Searching at the console: the API's search with the API's look, under addresses that tell no secrets."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.api.console.conftest import SESSION, Browser, ConsolePlace, token_in
from tests.support.server import push

EMPLOYER = "TZ9911Z"


@pytest.fixture(scope="module")
def ids(place: ConsolePlace) -> list[str]:
    """Ids of what was pushed: seventy messages of one employer, of which one has a hostile state."""
    found = []
    with place.server.client(place.gateway) as client:
        for number in range(70):
            fields = {"Vanvault-Employer-Code": EMPLOYER, "Vanvault-Dossier-Number": f"77/2026/{number:05}"}
            if number == 69:
                fields["Vanvault-State"] = "<script>alert(1)</script>"
            fields["Vanvault-Transaction-Id"] = "=cmd"
            found.append(push(client, f"s-{number}", b"<x/>", **fields).json()["id"])
    return found


def ask(browser: Browser, **fields: str) -> httpx.Response:
    """Fill the form in and send it; the answer leads to the address of the question."""
    token = token_in(browser.get("/console/search"), "/console/search")
    return browser.post("/console/search", {"token": token, **fields})


def looks_of(place: ConsolePlace, who: str, act: str) -> list[dict[str, Any]]:
    """What the record says that this person did, the newest first."""
    headers = {"Authorization": f"Bearer {place.of('tam').cookies[SESSION]}"}
    answer = httpx.get(
        f"{place.server.url}/v1/access",
        params={"who": who, "act": act, "limit": "20"},
        headers=headers,
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    looks: list[dict[str, Any]] = answer.json()["looks"]
    return looks


def test_a_number_of_an_enterprise_is_not_in_the_address_and_the_look_has_it(
    place: ConsolePlace, ids: list[str]
) -> None:
    browser = place.of("lan")
    address = ask(browser, employer_code=EMPLOYER, dossier_number="").headers["location"]
    assert address.startswith("/console/search/") and EMPLOYER not in address
    page = browser.get(address)
    assert page.status_code == 200
    assert f"<q>{EMPLOYER}</q>" in page.text and "at any time" in page.text
    assert page.text.count('href="/console/messages/') == 50
    newest = looks_of(place, "lan", "search")[0]
    assert newest["asked"] == {"employer_code": EMPLOYER}
    assert newest["count"] == 50 and newest["shown"] == ids[::-1][:50]


def test_the_same_question_has_the_same_address_at_any_time(place: ConsolePlace, ids: list[str]) -> None:
    first, second = (ask(place.of("lan"), employer_code=EMPLOYER).headers["location"] for _ in range(2))
    assert first == second
    assert ask(place.of("lan"), employer_code="TZ0000Z").headers["location"] != first


def test_pages_follow_each_other_without_gap(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    address = ask(browser, employer_code=EMPLOYER).headers["location"]
    first = browser.get(f"{address}?as=json").json()
    assert first["next"]
    second = browser.get(f"{address}?as=json&cursor={first['next']}").json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert f"{address}?cursor={first['next']}" in browser.get(address).text


def test_a_file_of_the_page_has_what_the_page_has_and_runs_nothing(
    place: ConsolePlace, ids: list[str]
) -> None:
    browser = place.of("lan")
    address = ask(browser, employer_code=EMPLOYER).headers["location"]
    answer = browser.get(f"{address}?as=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="search.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == ids[::-1][:50]
    assert {row["transaction_id"] for row in rows} == {"'=cmd"}


def test_what_gateways_wrote_is_text_on_the_page(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    page = browser.get(ask(browser, dossier_number="77/2026/00069").headers["location"])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text


def test_fields_of_nobody_stand_in_the_address_and_are_counted_in_time(
    place: ConsolePlace, ids: list[str]
) -> None:
    browser = place.of("lan")
    address = ask(browser, entry="message", during="2020..2030").headers["location"]
    assert dict(parse_qsl(urlsplit(address).query)) == {"entry": "message", "during": "2020..2030"}
    page = browser.get(address)
    assert "<svg" in page.text and "Entries by time" in page.text
    count = looks_of(place, "lan", "count")[0]
    assert count["asked"]["entry"] == "message" and count["count"] >= len(ids)
    link = next(part for part in page.text.split('href="') if part.startswith("/console/search?entry"))
    assert browser.get(link.partition('"')[0].replace("&amp;", "&")).status_code == 200


def test_a_period_is_whole_days_of_vietnam_and_is_always_told(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan", "vi")
    page = browser.get(ask(browser, during="03/2026").headers["location"])
    assert "01/03/2026 00:00:00" in page.text and "28/02 17:00:00 UTC" in page.text
    assert "Không tìm thấy" in page.text


def test_what_is_wrong_is_told_beside_the_form(place: ConsolePlace) -> None:
    answer = ask(place.of("lan"), during="in spring", employer_code=EMPLOYER)
    assert answer.status_code == 400
    assert "This cannot be searched" in answer.text and "Correct the field: During." in answer.text
    assert "during is no period" not in answer.text and "It is no period" in answer.text
    assert 'aria-invalid="true" autofocus aria-describedby="wrong-during during-help"' in answer.text
    assert answer.text.count('aria-invalid="true"') == answer.text.count('id="wrong-during"') == 1
    assert 'value="in spring"' in answer.text and f'value="{EMPLOYER}"' in answer.text


def test_what_came_close_is_told(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    page = browser.get(ask(browser, tax_code=EMPLOYER).headers["location"])
    assert "Nothing found" in page.text
    assert "in another field" in page.text and "Employer code" in page.text


def test_an_address_that_is_none_of_this_archive_is_not_there(place: ConsolePlace) -> None:
    browser = place.of("lan")
    good = ask(browser, employer_code=EMPLOYER).headers["location"]
    changed = f"{good[:-2]}{'A' if good[-2] != 'A' else 'B'}{good[-1]}"
    for address in (
        changed,
        "/console/search/x",
        "/console/search/B2luZGV4LzE",
        f"/console/search/{'A' * 9000}",
    ):
        assert browser.get(address).status_code == 404, address
    assert browser.get(f"{good}?employer_code=TZ1").status_code == 400


def test_who_may_not_search_is_told_which_role_may(place: ConsolePlace) -> None:
    sealed = ask(place.of("lan"), employer_code=EMPLOYER).headers["location"]
    browser = place.of("minh", "vi")
    for path in ("/console/search", "/console/search?entry=message", sealed):
        page = browser.get(path)
        assert page.status_code == 403, path
        assert "kiểm tra viên nhật ký" in page.text and "auditor-log" in page.text
    assert "/console/search" not in browser.get("/console").text.partition("<main")[0]
    assert looks_of(place, "minh", "search")[0]["outcome"] == "refused"


def test_what_a_role_does_not_see_is_named(place: ConsolePlace, ids: list[str]) -> None:
    address = ask(place.of("lan"), employer_code=EMPLOYER).headers["location"]
    page = place.of("mai").get(address)
    assert page.status_code == 200
    assert "What is not shown to you" in page.text and "needs the permission" in page.text
    shown = place.of("mai").get(f"{address}?as=json").json()
    assert "placements" not in shown["items"][0]
    assert {one["field"] for one in shown["withheld"]} >= {"placements", "verified_at"}
    assert {
        row["sites"] for row in csv.DictReader(io.StringIO(place.of("mai").get(f"{address}?as=csv").text))
    } == {""}


def test_a_form_of_another_site_asks_nothing(place: ConsolePlace) -> None:
    browser = place.of("lan")
    token = token_in(browser.get("/console/search"), "/console/search")
    sent = {"token": token, "employer_code": EMPLOYER}
    assert browser.post("/console/search", sent, Sec_Fetch_Site="cross-site").status_code == 403
    assert browser.post("/console/search", sent | {"token": "0" * 32}).status_code == 403
    assert browser.post("/console/search", sent | {"admin": "1"}).status_code == 400


def test_a_part_of_the_page_gets_the_address_of_the_question(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    address = ask(browser, employer_code=EMPLOYER).headers["location"]
    assert browser.get(address, HX_Request="true").headers["hx-push-url"] == address


def test_a_bar_leads_to_exactly_what_it_counts(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    asked = {"gateway": "gateway-1", "entry": "message", "order": "oldest", "during": "2020..2030"}
    page = browser.get(ask(browser, **asked).headers["location"])
    figure = page.text.partition("<figure>")[2].partition("</figure>")[0]
    address = html.unescape(figure.partition('href="')[2].partition('"')[0])
    question = dict(parse_qsl(urlsplit(address).query))
    assert question["entry"] == "message" and question["order"] == "oldest"
    assert question["from"].endswith("-01T00:00:00Z") and question["to"].endswith("-01T00:00:00Z")
    counted = int(figure.partition('<td class="number">')[2].partition("<")[0].replace(",", ""))
    found, cursor = 0, ""
    while cursor is not None:
        answer = browser.get(f"{address}&as=json&limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
        found, cursor = found + len(answer["items"]), answer["next"]
    assert found == counted


def test_values_are_counted_and_lead_to_what_was_counted(place: ConsolePlace, ids: list[str]) -> None:
    browser = place.of("lan")
    page = browser.get(ask(browser, order="newest").headers["location"])
    facets = facets_in(page)
    assert "Narrow the search: all that was found" in page.text
    assert "not shown to you are counted, too" in page.text, "lan sees no looks of others"
    address, entries = facets["entry"]["message"]  # events grow with each look
    narrowed = facets_in(browser.get(address))
    assert list(narrowed["entry"]) == ["all values"], "the field that is asked for can be given up"
    assert sum(one for _, one in narrowed["gateway"].values() if one) == entries
    look = looks_of(place, "lan", "count")[0]
    assert look["asked"]["by"].endswith("entry, kind, procedure, state, gateway")


def test_where_nothing_keeps_counts_the_page_alone_is_counted_and_says_so(
    place: ConsolePlace, ids: list[str]
) -> None:
    browser = place.of("lan", "vi")
    page = browser.get(ask(browser, employer_code=EMPLOYER).headers["location"])
    assert "số lượng theo từng trường của các bản ghi trên trang này" in page.text
    ((address, entries),) = [one for name, one in facets_in(page)["entry"].items() if one[1]]
    assert entries == 50
    assert EMPLOYER not in address, "a number of an enterprise does not stand in an address"
    assert f"<q>{EMPLOYER}</q>" in browser.get(address).text


def test_until_when_entries_are_kept_is_told_where_it_is_asked_for(
    place: ConsolePlace, ids: list[str]
) -> None:
    browser = place.of("lan")
    address = ask(browser, employer_code=EMPLOYER).headers["location"]
    page = browser.get(address)
    assert "Kept until" not in page.text
    asked = html.unescape(
        page.text.rpartition('">Show until when each entry is kept')[0].rpartition('href="')[2]
    )
    shown = browser.get(asked)
    assert shown.text.count("open: ") == 50 and shown.text.count(" at least") == 50
    told = browser.get(f"{asked}&as=json").json()["items"]
    assert {item["retention"]["state"] for item in told} == {"open"}
    assert browser.get(f"{address}?due=maybe").status_code == 400


def facets_in(page: httpx.Response) -> dict[str, dict[str, tuple[str, int | None]]]:
    """What the page counts: by field and value, the address and how many."""
    found: dict[str, dict[str, tuple[str, int | None]]] = {}
    for part in page.text.split('id="facet-')[1:]:
        section = part.partition("</section>")[0]
        lines = re.findall(r'href="([^"]*)">([^<]*)</a>(?:: ([0-9,.]+))?', section)
        found[section.partition('"')[0]] = {
            value: (html.unescape(address), int(re.sub("[,.]", "", entries)) if entries else None)
            for address, value, entries in lines
        }
    return found
