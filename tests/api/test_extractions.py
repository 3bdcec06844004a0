"""An extraction over HTTP: asked for with a letter, approved by another person, taken away once."""

from __future__ import annotations

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import check_problem
from tests.export.conftest import members, run_verifier
from tests.support.command import run_cli
from tests.support.forms import SCAN, told_form
from tests.support.server import Server, push
from vanvault.api.extracting import sweep_task
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.archiver.people.tokens import TokenWish
from vanvault.recovery.accounts import Desk, add_account
from vanvault.recovery.person_tokens import add_person_token
from vanvault.recovery.sign_on import CredentialRequest, set_credentials

PASSWORD = "Mưa rào 1979 ở Huế"
PATH = "/v1/extractions"


def body(**changed: Any) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    form = told_form(until=str(today + timedelta(days=9)), filter={"gateway": "default"}, **changed)
    letter = {**form["letter"], "day": str(today - timedelta(days=3))}
    del letter["scan_sha256"]
    return {"form": {**form, "letter": letter}, "scan": base64.b64encode(SCAN).decode()}


def files_of(archive: Archive, extraction: str) -> tuple[Path, Path]:
    """The file of an extraction at its node, and the folder of one that was not finished."""
    folder = archive.home / "extractions"
    return folder / f"{extraction}.zip", folder / f"{extraction}.zip.part"


def swept(archive: Archive) -> None:
    with ThreadPoolExecutor(1) as exports:
        sweep_task(archive, exports).run(threading.Event())


def check_kept(archive: Archive, extraction: str) -> None:
    """A round leaves what may still be asked for."""
    file, part = files_of(archive, extraction)
    part.mkdir()
    (part / "items.ndjson").write_bytes(b"{}")
    swept(archive)
    assert file.exists() and part.exists()


def check_swept(archive: Archive, extraction: str) -> None:
    """A round removes what was handed over, and a second finds nothing to do."""
    for _ in range(2):
        swept(archive)
        assert not any(path.exists() for path in files_of(archive, extraction))


def test_a_letter_comes_and_the_file_goes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    gateway = init_home(home)
    with Archive.open(home) as archive:
        desk = Desk(archive, "root")
        for name, role in (("lan", "extractor"), ("hoa", "extractor"), ("binh", "approver")):
            add_account(desk, NewAccount(name, "person", name, roles=(role,)))
        add_account(desk, NewAccount("mai", "person", "mai", roles=("extractor", "security-officer")))
        seed = set_credentials(
            archive, CredentialRequest("binh", "root", PASSWORD, new_codes=True), Passwords()
        ).seed
        secrets = [add_person_token(desk, name, TokenWish()).secret for name in ("lan", "hoa", "mai")]
        filter = {"gateway": archive.gateways.all()[0].name}
    with Server(home) as server:
        with server.wait_ready().client(gateway) as client:
            for number in range(3):
                assert push(client, f"m-{number}", b"<x/>").status_code == 201
        code = totp_code(seed, totp_step(SystemClock().now()))
        signing = {"account": "binh", "password": PASSWORD, "code": code}
        opened = httpx.post(f"{server.url}/v1/session", json=signing, trust_env=False, timeout=60)
        with (
            server.client(secrets[0]) as lan,
            server.client(secrets[1]) as hoa,
            server.client(secrets[2]) as mai,
            server.client(opened.json()["secret"]) as binh,
        ):
            asking = body()
            asking["form"]["filter"] = filter
            for wrong in ({}, {"form": asking["form"]}, {**asking, "scan": "?"}, {**asking, "form": {}}):
                check_problem(lan.post(PATH, json=wrong), 400, "invalid-input")
            check_problem(binh.post(PATH, json=asking), 403, "access-denied")
            asked = lan.post(PATH, json=asking)
            assert asked.status_code == 201, asked.text
            told = asked.json()
            assert (told["count"], told["who"], told["state"]) == (3, "lan", "requested")
            again = lan.post(PATH, json=asking)
            assert (again.status_code, again.json()["extraction"]) == (200, told["extraction"])
            one = f"{PATH}/{told['extraction']}"
            check_problem(lan.post(f"{one}/run"), 403, "approval-needed")
            (request,) = binh.get("/v1/approvals").json()["approvals"]
            assert request["subject"]["form"] == told["form"], "who approves sees the whole form"
            said = {"digest": request["digest"]}
            assert binh.post(f"/v1/approvals/{request['id']}/approve", json=said).status_code == 200
            check_problem(hoa.post(f"{one}/run"), 404, "not-found")
            check_problem(lan.post(f"{PATH}/x-1/run"), 404, "not-found")
            ran = lan.post(f"{one}/run")
            assert ran.status_code == 200, ran.text
            (tmp_path / "x.zip").write_bytes(ran.content)
            assert run_verifier(tmp_path / "x.zip")[0] == 0
            assert ran.headers["vanvault-sha256"] == hashlib.sha256(ran.content).hexdigest()
            assert "approval.json" in members(tmp_path / "x.zip")
            assert lan.post(f"{one}/run").content == ran.content, "an answer that was cut off comes again"
            assert lan.get(one).json()["approval"]["approved_by"] == ["binh"]
            (listed,) = lan.get(PATH).json()["extractions"]
            assert listed["state"] == "ran"
            check_problem(binh.get(PATH), 403, "access-denied")
            check_problem(lan.get(f"{PATH}/x-1"), 404, "not-found")
            check_problem(lan.get(f"{PATH}?a=b"), 400, "invalid-input")
            assert hoa.get(PATH).json() == {"extractions": [], "partial": False}, "a form is for who asked"
            check_problem(hoa.get(one), 404, "not-found")
            assert mai.get(PATH).json()["extractions"] == [listed], "and for who may see what others ask for"
            assert mai.get(one).json() == listed
        assert server.stop() == 0
    with Archive.open(home) as archive:
        archive.catch_up()
        check_kept(archive, told["extraction"])
        looks = [one.detail for one in own_events(archive.search, "access.looked")]
    acts = [(look["act"], look["who"], look["outcome"]) for look in looks]
    assert acts.count(("extract", "lan", "shown")) == 2
    assert ("extract", "hoa", "failed") in acts
    at_record = [
        (look["who"], look["outcome"], look.get("count", 0), look["asked"])
        for look in looks
        if look["act"] == "access"
    ]
    by_id = {"extraction_id": told["extraction"], "of": "extractions"}
    for expected in (
        ("lan", "shown", 1, {"of": "extractions"}),
        ("lan", "shown", 1, by_id),
        ("hoa", "failed", 0, by_id),
        ("mai", "shown", 1, by_id),
        ("binh", "refused", 0, {"of": "extractions"}),
    ):
        assert expected in at_record, at_record
    assert ("count", "binh", "refused") in acts
    assert all(len(look["shown"]) == 3 for look in looks if look["act"] == "extract" and "shown" in look)
    words = ("--to", "Nguyễn Văn Minh", "--output", tmp_path / "receipts")
    assert run_cli(home, "extract", "hand-over", told["extraction"], *words).exit_code == 0
    with Archive.open(home) as archive:
        archive.catch_up()
        check_swept(archive, told["extraction"])
    assert any(look["act"] == "count" and look["asked"] == filter for look in looks)
