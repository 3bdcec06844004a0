"""Signing in and out at the console: forms of this host only, sessions of the API, and the way back."""

from __future__ import annotations

import pytest

from tests.api.console.conftest import GUEST, PASSWORD, SESSION, ConsolePlace, token_in


def test_a_person_signs_in_comes_where_they_wanted_and_signs_out(place: ConsolePlace) -> None:
    browser = place.browser()
    first = browser.get("/console?of=mine")
    assert first.status_code == 303
    assert first.headers["location"] == "/console/sign-in?next=%2Fconsole%3Fof%3Dmine"
    page = browser.get(first.headers["location"])
    assert 'name="next" value="/console?of=mine"' in page.text

    done = browser.sign_in("quy", place.code("quy"), back="/console?of=mine")
    assert done.status_code == 303, done.text
    assert SESSION in browser.cookies and GUEST not in browser.cookies
    arrived = browser.get(done.headers["location"])
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/console?of=mine")
    home = browser.get("/console")
    assert home.status_code == 200
    assert 'href="/console/people/quy"' in home.text

    secret = browser.cookies[SESSION]
    out = browser.post("/console/sign-out", {"token": token_in(home)})
    assert out.headers["location"] == "/console/sign-in?out=1"
    assert SESSION not in browser.cookies
    browser.cookies[SESSION] = secret  # it is no session any more, at any node
    again = browser.get("/console")
    assert again.headers["location"] == "/console/sign-in?next=%2Fconsole&ended=1"
    assert "Your session has ended" in browser.get(again.headers["location"]).text


def test_a_cookie_of_a_session_is_for_this_host_and_no_script(place: ConsolePlace) -> None:
    browser = place.browser()
    page = browser.get("/console/sign-in")
    told = page.headers["set-cookie"].lower()
    assert (
        told.startswith(GUEST.lower()) and "secure" in told and "httponly" in told and "samesite=lax" in told
    )
    assert "domain" not in told and "path=/" in told


@pytest.mark.parametrize("wrong", ["account", "password", "code"])
def test_what_is_wrong_is_not_told_and_not_shown_again(place: ConsolePlace, wrong: str) -> None:
    browser = place.browser("vi")
    form = token_in(browser.get("/console/sign-in"))
    fields = {"account": "son", "password": PASSWORD, "code": place.code("son"), "token": form}
    answer = browser.post("/console/sign-in", fields | {wrong: "000000"})
    assert answer.status_code == 401
    assert "Tài khoản, mật khẩu hoặc mã không đúng" in answer.text
    assert PASSWORD not in answer.text and place.code("son") not in answer.text
    assert f'value="{fields["account"] if wrong != "account" else "000000"}"' in answer.text
    assert SESSION not in browser.cookies


def test_a_form_of_another_site_or_another_browser_is_not_taken(place: ConsolePlace) -> None:
    browser, other = place.browser(), place.browser()
    mine, foreign = (token_in(one.get("/console/sign-in")) for one in (browser, other))
    fields = {"account": "son", "password": PASSWORD, "code": "000000"}
    assert mine != foreign
    for form, headers in (
        (foreign, {}),
        ("", {}),
        (mine, {"Sec_Fetch_Site": "cross-site"}),
        (mine, {"Sec_Fetch_Site": "same-site"}),
    ):
        answer = browser.post("/console/sign-in", fields | {"token": form}, **headers)
        assert answer.status_code == 403
        assert SESSION not in browser.cookies
    assert browser.post("/console/sign-in", fields | {"token": mine}).status_code == 401


def test_nobody_is_signed_out_by_another_site(place: ConsolePlace) -> None:
    browser = place.of("hoa")
    form = token_in(browser.get("/console"))
    for data, headers in (
        ({"token": form}, {"Sec_Fetch_Site": "cross-site"}),
        ({"token": "0" * 32}, {}),
        ({"token": ""}, {}),
    ):
        assert browser.post("/console/sign-out", data, **headers).status_code == 403
    assert browser.get("/console").status_code == 200


def test_a_browser_that_keeps_no_cookie_is_told_why(place: ConsolePlace) -> None:
    browser = place.browser()
    form = token_in(browser.get("/console/sign-in"))
    browser.cookies.clear()
    answer = browser.post("/console/sign-in", {"account": "son", "password": "x", "token": form})
    assert answer.status_code == 400
    assert "did not send back the cookie" in answer.text
    assert "did not send back the cookie" in place.browser().get("/console/signed-in").text


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/console//evil.example",
        "/v1/session",
        "/console/../v1/session",
        "/console/%252e%252e/v1/session",
        "/console/.%252E/v1/session",
        "/console/%252e./v1/session",
        "/\\evil.example",
        "/consolerie",
        "javascript:alert(1)",
        "/console?" + "x" * 3000,
    ],
)
def test_the_way_back_leads_to_the_console_only(place: ConsolePlace, back: str) -> None:
    browser = place.browser()
    page = browser.ask("GET", f"/console/sign-in?next={back.replace(chr(92), '%5C')}")
    assert 'name="next" value="/console"' in page.text


def test_staying_signed_in_takes_a_session(place: ConsolePlace) -> None:
    assert place.of("hoa").get("/console/session").status_code == 204
    assert place.browser().get("/console/session").status_code == 303


def test_a_part_of_a_page_leads_the_whole_page_to_sign_in(place: ConsolePlace) -> None:
    answer = place.browser().get("/console", HX_Request="true")
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/console/sign-in?next=%2Fconsole"
