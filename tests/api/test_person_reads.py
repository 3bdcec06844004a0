"""Persons read across gateways as their roles permit, and every request is a look on record."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import check_problem
from tests.api.test_openapi import check_answer
from tests.support.command import json_of, run_cli
from tests.support.server import Server, push
from tests.support.waiting import wait_for
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.export import verify_offline
from vanvault.archiver.journal import EventType
from vanvault.archiver.people import Gateways
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.archiver.people.tokens import TokenWish
from vanvault.recovery.accounts import Desk, add_account, suspend_account
from vanvault.recovery.person_tokens import add_person_token
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
WHY = "khiếu nại 12/2026"
LATER = "2090-01-01"

#: Role -> acts that it permits; every other act is refused, and is on record as that.
MAY: dict[str, set[str]] = {
    "auditor-log": {"search", "count", "display", "timeline", "receipt", "results"},
    "auditor-original": {
        "search",
        "count",
        "display",
        "timeline",
        "receipt",
        "original",
        "results",
        "export",
    },
    "extractor": {"search", "count", "display", "timeline"},
    "operator": {"results"},
    "security-officer": {"results"},
    "account-manager": set(),
}
#: Act -> path.
ROUTES = {
    "search": "/v1/search?message_id=m-0",
    "count": "/v1/histogram?entry=message",
    "display": "/v1/messages/{id}",
    "timeline": "/v1/transactions/t-1",
    "receipt": "/v1/receipts/{id}",
    "original": "/v1/messages/{id}/original",
    "results": "/v1/verifications",
    "export": "/v1/export?message_id=m-0",
}


@dataclass
class Place:
    """A node with two gateways, of which each pushed a message, and one person for each role."""

    home: Path
    server: Server
    secrets: dict[str, str]  # role -> secret of a person who has it
    gateway: str  # token of the first gateway
    ids: list[str]

    def client(self, role: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.secrets[role]}"}
        return httpx.Client(base_url=self.server.url, headers=headers, trust_env=False, timeout=60)

    def looks(self, **asked: str) -> list[dict[str, Any]]:
        """What the security officer is told, newest first, but for looks at the record."""
        with self.client("security-officer") as officer:
            answer = officer.get("/v1/access", params={"limit": "500", **asked})
        assert answer.status_code == 200, answer.text
        assert answer.json()["partial"] is False
        return [look for look in answer.json()["looks"] if look["act"] != "access"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home, secrets = tmp_path_factory.mktemp("reads") / "home", {}
    tokens = [init_home(home)]
    tokens.append(Gateways(home).add("gateway-2", SystemEntropy(), SystemClock()).secret)
    with Archive.open(home) as archive:
        desk = Desk(archive, "anh")
        for role in MAY:
            add_account(desk, NewAccount(role, "person", role, roles=(role,)))
            if role != "account-manager":
                secrets[role] = add_person_token(desk, role, TokenWish()).secret
        request = CredentialRequest("account-manager", "anh", PASSWORD, new_codes=True)
        seed = set_credentials(archive, request, Passwords()).seed
    with Server(home) as server:
        server.wait_ready()
        code = totp_code(seed, totp_step(SystemClock().now()))
        body = {"account": "account-manager", "password": PASSWORD, "code": code}
        opened = httpx.post(f"{server.url}/v1/session", json=body, trust_env=False, timeout=60)
        secrets["account-manager"] = opened.json()["secret"]
        ids = []
        for number, token in enumerate(tokens):
            with server.client(token) as client:
                headers = {"Vanvault-Transaction-Id": "t-1", "Vanvault-Employer-Code": f"TZ{number}"}
                ids.append(push(client, f"m-{number}", b"<x/>" * (number + 1), **headers).json()["id"])
        yield Place(home, server, secrets, tokens[0], ids)
        assert server.stop() == 0


@pytest.mark.parametrize("act", ROUTES)
@pytest.mark.parametrize("role", MAY)
def test_a_role_reads_what_it_permits_and_every_request_is_a_look(place: Place, role: str, act: str) -> None:
    path = ROUTES[act].format(id=place.ids[0])
    with place.client(role) as client:
        answer = client.get(path, headers={"Purpose": WHY.encode()})
    (look, *_) = place.looks(who=role)
    told = (look["act"], look["outcome"], look["purpose"], look["address"], look["by"])
    if act in MAY[role]:
        assert answer.status_code == 200, answer.text
        assert told == (act, "shown", WHY, "127.0.0.1", "account")
        assert look["roles"] == [role]
        expected = {"count": [], "timeline": place.ids, "results": []}.get(act, place.ids[:1])
        counted = {"count": 2, "results": 0}.get(act, len(expected))
        assert (look["shown"], look["count"]) == (expected, counted)
        assert answer.headers["cache-control"] == "no-store"
    else:
        check_problem(answer, 403, "access-denied")
        assert told == (act, "refused", WHY, "127.0.0.1", "account")
        assert (look["shown"], look["roles"], look["reason"]) == ([], [], "access-denied")
    assert look["port"] > 0
    assert look["session"][:2] in ("t-", "s-")


def test_a_person_is_told_what_the_command_line_tells(place: Place) -> None:
    entry = place.ids[1]
    with place.client("auditor-original") as auditor:
        for path, verb in [
            (
                "/v1/search?entry=message&employer_code=TZ1",
                ("search", "--entry", "message", "--employer-code", "TZ1"),
            ),
            ("/v1/search?entry=message&due=true", ("search", "--entry", "message", "--due")),
            (
                "/v1/histogram?entry=message&by=gateway",
                ("histogram", "--entry", "message", "--by", "gateway"),
            ),
            (f"/v1/messages/{entry}", ("get", entry)),
            (f"/v1/receipts/{entry}", ("receipt", "show", entry)),
        ]:
            answer, told = auditor.get(path).json(), json_of(run_cli(place.home, *verb, "--json"))
            assert answer.pop("withheld", []) == []
            answer.pop("partial", None)
            told.pop("partial", None)
            assert answer == told, path
        original = auditor.get(f"/v1/messages/{entry}/original", params={"purpose": WHY})
        assert original.content == b"<x/>" * 2
        pages = [auditor.get("/v1/search", params={"entry": "message", "limit": "1"}).json()]
        pages.append(
            auditor.get(
                "/v1/search", params={"entry": "message", "limit": "1", "cursor": pages[0]["next"]}
            ).json()
        )
        assert [page["items"][0]["gateway"] for page in pages] == ["gateway-2", "gateway-1"]


def test_fields_that_a_role_may_not_see_are_absent_and_said_to_be(place: Place) -> None:
    copies = {"held", "large_object", "object", "placements", "row", "segment"}
    without = {"auditor-log": set[str](), "extractor": copies | {"verified_at"}}
    everything = set()
    for role, names in without.items():
        with place.client(role) as client:
            entry = client.get(f"/v1/messages/{place.ids[0]}").json()
            page = client.get("/v1/search?message_id=m-0").json()
            timeline = client.get("/v1/transactions/t-1").json()
        everything |= entry.keys()
        for answer in (entry, page, timeline):
            absent = names | {"kept"} if answer is entry and names else names
            assert {one["field"] for one in answer["withheld"]} == absent
        for item in (entry, *page["items"], *timeline["items"]):
            assert not names & item.keys()
        if names:
            needs = {one["field"]: one["needs"] for one in entry["withheld"]}
            assert (needs["placements"], needs["verified_at"]) == ("receipts", "verify-results")
    assert copies <= everything


def test_the_record_of_looks_is_no_part_of_what_a_search_shows(place: Place) -> None:
    place.looks()
    with place.client("auditor-original") as auditor:
        page = auditor.get("/v1/search?type=vanvault.access.looked").json()
        assert page["items"] == []
        (withheld,) = page["withheld"]
        assert (withheld["type"], withheld["needs"]) == ("vanvault.access.", "see-access")
        assert withheld["rows"] > 0
        id = place.looks()[0]["id"]
        for path in (f"/v1/messages/{id}", f"/v1/receipts/{id}", f"/v1/messages/{id}/original?purpose=x"):
            problem = check_problem(auditor.get(path), 403, "access-denied")
            assert "see-access" in problem["detail"]
    assert [look["outcome"] for look in place.looks(who="auditor-original")[:3]] == ["refused"] * 3


def test_a_page_goes_on_over_what_is_not_shown_and_skips_nothing(place: Place) -> None:
    with place.client("auditor-log") as auditor:
        for _ in range(8):  # each is a look on record, newer than every message
            assert auditor.get("/v1/search?message_id=m-0").status_code == 200
        for order in ("newest", "oldest"):
            whole = auditor.get("/v1/search", params={"limit": "1000", "order": order, "to": LATER}).json()
            newest = max(item["received_at"] for item in whole["items"])
            asked = {"limit": "2", "order": order, "to": LATER}
            found: list[str] = []
            page = auditor.get("/v1/search", params=asked).json()
            assert page["items"], "the first page has something to show"
            while True:
                found += [item["id"] for item in page["items"] if item["received_at"] <= newest]
                if page["next"] is None:
                    break
                page = auditor.get("/v1/search", params={**asked, "cursor": page["next"]}).json()
                assert page["items"] or page["next"] is None or page["partial"]
            assert found == [item["id"] for item in whole["items"]]
            assert set(place.ids) <= set(found)


@pytest.mark.parametrize(
    ("query", "header"),
    [("", ""), ("purpose=", ""), ("purpose=%20", ""), ("purpose=a", "b"), ("", "a%0Ab"), ("", "x" * 501)],
)
def test_an_original_asks_for_a_purpose(place: Place, query: str, header: str) -> None:
    before = len(place.looks(who="auditor-original"))
    with place.client("auditor-original") as auditor:
        headers = {"Purpose": header} if header else {}
        answer = auditor.get(f"/v1/messages/{place.ids[0]}/original?{query}", headers=headers)
    assert check_problem(answer, 400, "invalid-input")["field"] == "purpose"
    assert len(place.looks(who="auditor-original")) == before, "nothing was shown, and nothing was told"


def test_a_reading_is_a_look_at_the_original_and_its_page_runs_nothing(place: Place) -> None:
    path = f"/v1/messages/{place.ids[0]}/readable"
    with place.client("auditor-original") as auditor:
        assert auditor.get(path).status_code == 400, "it asks for a purpose"
        told = auditor.get(path, params={"purpose": WHY, "lang": "vi"})
        page = auditor.get(path, params={"purpose": WHY, "form": "html"})
        text = auditor.get(path, params={"purpose": WHY, "form": "text"})
    assert told.json()["original"]["sha256"] == page.headers["vanvault-sha256"]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page.headers["content-security-policy"].endswith("sandbox")
    assert text.text.splitlines()[0] == told.json()["title"].replace("Tài liệu XML", "XML document")
    look = place.looks(who="auditor-original")[0]
    assert (look["act"], look["shown"], look["purpose"]) == ("original", [place.ids[0]], WHY)
    with place.client("auditor-log") as other:
        check_problem(other.get(path, params={"purpose": WHY}), 403, "access-denied")


def test_a_person_who_finds_nothing_is_told_what_came_close(place: Place) -> None:
    with place.client("auditor-log") as auditor:
        page = auditor.get("/v1/search?tax_code=TZ1").json()
        march = auditor.get("/v1/search?employer_code=TZ1&during=03/2020").json()
    assert [(one["way"], one["fields"]) for one in page["near"]] == [
        ("other-field", {"employer_code": "TZ1"})
    ]
    assert [(one["way"], one["count"]) for one in march["near"]] == [("other-time", 1)]
    assert march["searched"]["from_local"] == "2020-03-01T00:00:00+07:00"
    (look,) = place.looks(who="auditor-log")[:1]
    assert (look["asked"]["during"], look["shown"], look["count"]) == ("03/2020", [], 1)
    with place.server.client(place.gateway) as gateway:
        own = gateway.get("/v1/search?tax_code=TZ0").json()
    assert (own["near"], own["near_complete"]) == ([], False)


def test_what_is_not_there_is_on_record_before_that_is_told(place: Place) -> None:
    with place.client("auditor-log") as auditor:
        check_problem(auditor.get("/v1/messages/0000000000000000-0-0"), 404, "not-found")
        check_problem(auditor.get("/v1/transactions/none"), 404, "not-found")
        check_problem(auditor.get("/v1/search?nonsense=1"), 400, "invalid-input")
        check_problem(auditor.get("/v1/search?purpose=x&purpose=y"), 400, "invalid-input")
    found = [
        (look["act"], look["outcome"], look["reason"], look["asked"])
        for look in place.looks(who="auditor-log")[:2]
    ]
    assert found == [
        ("timeline", "failed", "not-found", {"transaction_id": "none"}),
        ("display", "failed", "not-found", {"id": "0000000000000000-0-0"}),
    ]


def test_an_export_is_the_zip_that_the_command_line_makes(place: Place, tmp_path: Path) -> None:
    with place.client("auditor-original") as auditor:
        answer = auditor.get("/v1/export?entry=message", headers={"Purpose": WHY.encode()})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
        assert answer.headers["vanvault-sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert answer.headers["vanvault-unreadable"] == "0"
        everything = auditor.get("/v1/export?type=vanvault.access.looked&purpose=x")
        for wrong in ("export?purpose=x&format=csv", "export?purpose=x&limit=3", "export"):
            check_problem(auditor.get(f"/v1/{wrong}"), 400, "invalid-input")
    own = tmp_path / "own.zip"
    words = ("export", "--output", own, "--format", "zip", "--entry", "message", "--reason", WHY)
    assert run_cli(place.home, *words).exit_code == 0
    (tmp_path / "sent.zip").write_bytes(answer.content)
    with zipfile.ZipFile(tmp_path / "sent.zip") as sent, zipfile.ZipFile(own) as ours:
        assert sorted(sent.namelist()) == sorted(ours.namelist())
        own_of_each = {"manifest.json", "README.vi.txt", "README.en.txt", "SHA256SUMS"}
        for name in set(sent.namelist()) - own_of_each:
            assert sent.read(name) == ours.read(name), name
        manifest = json.loads(sent.read("manifest.json"))
    assert (manifest["who"], manifest["reason"]) == ("auditor-original", WHY)
    assert manifest["withheld"][0]["needs"] == "see-access"
    assert "good: 2 entries, 2 originals" in verify_offline.verify(str(tmp_path / "sent.zip"), [])
    with zipfile.ZipFile(io.BytesIO(everything.content)) as sent:
        assert sent.read("items.ndjson") == b"", "the record of looks is not in it"
    one = place.looks(act="export", who="auditor-original")[1]
    assert (one["shown"], one["purpose"], one["asked"]) == (place.ids, WHY, {"entry": "message"})
    assert (
        len([look for look in place.looks(act="export") if look["purpose"] == WHY and look["count"] == 2])
        == 2
    )
    assert list((place.home / "cache" / "exports").iterdir()) == []


def test_results_of_verifications_and_drills_are_those_on_record(place: Place) -> None:
    with place.client("operator") as operator:
        assert run_cli(place.home, "verify", "--subset", "1/1").exit_code == 0
        wait_for(lambda: operator.get("/v1/verifications").json()["verifications"], "the run is folded")
        (run,) = operator.get("/v1/verifications?limit=1").json()["verifications"]
        assert (run["whole"], run["subset"], run["asked"]) == (True, "1/1", ["primary", "standby"])
        assert run["sites"]["standby"]["objects"] > 0
        told = operator.get("/v1/drills").json()
        assert told == json_of(run_cli(place.home, "drill", "list", "--json"))
        check_problem(operator.get("/v1/drills/another"), 404, "not-found")
        for wrong in (
            "verifications?limit=0",
            "verifications?a=b",
            "drills?limit=1",
            f"verifications?limit={'9' * 5000}",
        ):
            check_problem(operator.get(f"/v1/{wrong}"), 400, "invalid-input")
    with place.server.client(place.gateway) as gateway:
        check_problem(gateway.get("/v1/drills"), 401, "unauthenticated")


def test_disposals_are_told_as_the_verbs_tell_them(place: Place) -> None:
    id = "d-0000000000000001"
    detail: dict[str, object] = {
        "disposal": id, "digest": "ab" * 32, "plan": f"disposal-{id}.plan", "entries": 3, "originals": 1,
        "bytes": 2048, "segments": 1, "requester": "os:lan", "who": "lan",
    }  # fmt: skip
    path = f"/v1/disposals/{id}"
    with place.client("operator") as operator:
        document = operator.get("/v1/openapi.json").json()
        assert operator.get("/v1/disposals").json() == {"disposals": [], "partial": False}
        with Archive.open(place.home) as archive:
            archive.record(EventType.DISPOSAL_PLANNED, detail)
        shown = operator.get(path)  # it is found also before other nodes' lines are folded in passing
        check_answer(document, "/v1/disposals/{disposal_id}", shown)
        assert shown.json() == json_of(run_cli(place.home, "disposal", "show", id, "--json"))
        listed = operator.get("/v1/disposals")
        check_answer(document, "/v1/disposals", listed)
        assert listed.json() == json_of(run_cli(place.home, "disposal", "list", "--json"))
        check_problem(operator.get("/v1/disposals/d-2"), 404, "not-found")
        check_problem(operator.get("/v1/disposals?all=true"), 400, "invalid-input")
        check_problem(operator.get(f"{path}?plan=true"), 400, "invalid-input")
    with place.client("extractor") as extractor:
        check_problem(extractor.get(path), 403, "access-denied")
    with place.server.client(place.gateway) as gateway:
        check_problem(gateway.get("/v1/disposals"), 401, "unauthenticated")
    (refused,) = place.looks(who="extractor")[:1]
    assert (refused["act"], refused["outcome"]) == ("results", "refused")
    asked = [look["asked"] for look in place.looks(act="results", who="operator")]
    assert {"disposal_id": id, "of": "disposals"} in asked


def test_whose_session_was_ended_is_refused_by_name(place: Place) -> None:
    with Archive.open(place.home) as archive:
        desk = Desk(archive, "anh")
        add_account(desk, NewAccount("tam", "person", "tam", roles=("auditor-original",)))
        request = CredentialRequest("tam", "anh", PASSWORD, new_codes=True)
        seed = set_credentials(archive, request, Passwords()).seed
    opened: list[httpx.Response] = []

    def signed_on() -> bool:
        code = totp_code(seed, totp_step(SystemClock().now()))
        body = {"account": "tam", "password": PASSWORD, "code": code}
        opened[:] = [httpx.post(f"{place.server.url}/v1/session", json=body, trust_env=False, timeout=60)]
        return opened[0].status_code == 201

    wait_for(signed_on, "the node knows the new account")
    path = f"/v1/messages/{place.ids[0]}/original?purpose=x"
    secret = opened[0].json()["secret"]
    with place.server.client(secret) as tam:
        cookie = {"Cookie": f"__Host-vanvault={secret}"}
        with httpx.Client(base_url=place.server.url, headers=cookie, trust_env=False) as browser:
            assert browser.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
            led = browser.get(path, headers={"Sec-Fetch-Site": "cross-site"})
            check_problem(led, 403, "access-denied")
        assert tam.get(path).status_code == 200
        assert tam.delete("/v1/session").status_code == 204
        check_problem(tam.get(path), 401, "unauthenticated")
    found = [(look["outcome"], look["session"][:2]) for look in place.looks(who="tam")]
    assert found == [("refused", "s-"), ("shown", "s-"), ("refused", "s-"), ("shown", "s-")]


def test_a_gateway_reads_its_own_as_before(place: Place) -> None:
    with place.server.client(place.gateway) as gateway:
        page = gateway.get("/v1/search?entry=message").json()
        assert [item["id"] for item in page["items"]] == [place.ids[0]]
        assert list(page) == [
            "items", "next", "partial", "searched", "near", "near_complete", "unread",
        ]  # fmt: skip
        assert gateway.get(f"/v1/messages/{place.ids[0]}/original").content == b"<x/>"
        check_problem(gateway.get(f"/v1/messages/{place.ids[1]}"), 404, "not-found")
        check_problem(gateway.get("/v1/search?purpose=x"), 400, "invalid-input")


def test_a_refusal_that_names_what_was_found_is_a_look(place: Place) -> None:
    number = "00780/2026/07900"
    with place.server.client(place.gateway) as client:
        for one in (1, 2):
            fields = {"Vanvault-Transaction-Id": f"t-two-{one}", "Vanvault-Dossier-Number": number}
            push(client, f"two-{one}", b"<x/>", **fields)
    with place.client("auditor-log") as auditor:
        problem = check_problem(auditor.get(f"/v1/transactions/{number}"), 400, "invalid-input")
    assert "t-two-1 (gateway-1)" in problem["detail"]
    look = place.looks(who="auditor-log")[0]
    told = (look["act"], look["outcome"], look["reason"], look["asked"])
    assert told == ("timeline", "failed", "invalid-input", {"transaction_id": number})


def test_who_is_suspended_between_two_requests_reads_no_more(place: Place) -> None:
    with Archive.open(place.home) as archive:
        desk = Desk(archive, "anh")
        add_account(desk, NewAccount("hoa", "person", "hoa", roles=("auditor-original",)))
        secret = add_person_token(desk, "hoa", TokenWish()).secret
    with place.server.client(secret) as hoa:
        path = f"/v1/messages/{place.ids[0]}/original?purpose=x"
        wait_for(lambda: hoa.get(path).status_code == 200, "the node knows the new account")
        with Archive.open(place.home) as archive:
            suspend_account(Desk(archive, "anh"), "hoa", "moved", None)
        wait_for(lambda: hoa.get(path).status_code != 200, "the node knows of the suspension")
        check_problem(hoa.get(path), 403, "access-denied")
    assert {look["outcome"] for look in place.looks(who="hoa")[:2]} == {"refused"}


def test_a_site_that_is_away_stops_no_reader_and_where_none_takes_the_look_nothing_is_shown(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    gateway = init_home(home)
    with Archive.open(home) as archive:
        desk = Desk(archive, "anh")
        for name, role in (("lan", "auditor-original"), ("hoa", "security-officer")):
            add_account(desk, NewAccount(name, "person", name, roles=(role,)))
        lan, hoa = (add_person_token(desk, name, TokenWish()).secret for name in ("lan", "hoa"))
    with Server(home) as server, server.wait_ready().client(gateway) as client:
        id = push(client, "m-1", b"<x/>").json()["id"]
        with server.client(lan) as auditor, server.client(hoa) as officer:
            path = f"/v1/messages/{id}/original?purpose=x"
            (home / "sites" / "standby").rename(home / "away")
            assert auditor.get(path).content == b"<x/>"
            (look,) = officer.get("/v1/access", params={"message": id}).json()["looks"]
            assert (look["who"], look["act"], look["outcome"]) == ("lan", "original", "shown")
            (home / "sites").rename(home / "gone")
            answer = auditor.get("/v1/search?entry=message")
            check_problem(answer, 503, answer.json()["type"].rpartition(":")[2])
            assert b"m-1" not in answer.content
            (home / "gone").rename(home / "sites")
            (home / "away").rename(home / "sites" / "standby")


@pytest.mark.parametrize("path", ["status", "schedule", "availability", "forecast", "coverage"])
def test_how_the_archive_stands_is_told_as_by_the_verb_of_that_name(place: Place, path: str) -> None:
    with place.client("operator") as operator:
        wait_for(lambda: operator.get(f"/v1/{path}").status_code == 200, "the node has looked")
        told = operator.get(f"/v1/{path}")
        document = operator.get("/v1/openapi.json").json()
        check_answer(document, f"/v1/{path}", told)
        check_problem(operator.get(f"/v1/{path}?limit=1"), 400, "invalid-input")
    verbs = {"schedule": ("schedule", "list"), "availability": ("availability", "report")}
    verb = json_of(run_cli(place.home, *verbs.get(path, (path,)), "--json"))
    listed = {"home", "index"} if path == "status" else set()  # what only a look at the sites tells
    assert told.json().keys() - {"at"} == verb.keys() - listed - {"server"}
    (look, *_) = place.looks(who="operator")
    assert (look["act"], look["asked"]["of"], look["outcome"]) == ("results", path, "shown")
    with place.client("account-manager") as manager:
        check_problem(manager.get(f"/v1/{path}"), 403, "access-denied")


def test_the_ledger_of_a_year_is_asked_for_by_its_number(place: Place) -> None:
    with place.client("operator") as operator:
        year = operator.get("/v1/availability?year=2025&month=3").json()
        assert (year["year"], [one["month"] for one in year["months"]]) == (2025, ["2025-03"])
        for wrong in ("year=25x", "month=13", "month=0", "year=2025&year=2026", f"year={'9' * 5000}"):
            check_problem(operator.get(f"/v1/availability?{wrong}"), 400, "invalid-input")
