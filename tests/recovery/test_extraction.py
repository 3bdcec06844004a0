"""Extraction by form, from the letter of an inspectorate to the receipt of hand-over."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.export.conftest import members, run_verifier
from tests.recovery.test_approvals import approver
from tests.support.archives import Home, Node, event, memory_home, message, second_home
from tests.support.forms import AGENCY, SCAN, told_form
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, Query, Unread
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Conflict,
    InvalidInput,
    SiteUnavailable,
)
from vanvault.archiver.core.faults import no_fault
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.keys import public_pem
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.people.extraction import FIELDS, KEYS, Extraction
from vanvault.recovery.accounts import Desk, add_account, current_accounts
from vanvault.recovery.approvals import approve_request, refuse_request
from vanvault.recovery.extraction import (
    HomeExtraction,
    RunExtraction,
    ask_approval,
    ask_extraction,
    hand_over,
    known_extractions,
    receipt_files,
    run_extraction,
)
from vanvault.recovery.extraction.texts import field_name

DOSSIERS = 7


class Killed(BaseException):
    """The process ends here."""


def push(archive: Archive, first: int, last: int) -> None:
    """Dossiers of the employer whom the letter names, and one of another."""
    given = [("TA0001A", number) for number in range(first, last)] + [("TB0002B", first)]
    with Node(archive) as node:
        node.wait_ready()
        for employer, number in given:
            about = Metadata(employer_code=employer, dossier_number=f"{number:05}/2026", procedure="600")
            node.push(message(f"{employer}-{number}", f"<x>{number}</x>".encode(), given=about))
        node.push(event(f"e-{first}"))
    archive.catch_up()


@dataclass
class Office:
    """An archive with dossiers in it, and the people who ask, approve and extract."""

    home: Home
    archive: Archive
    output: Path
    looks: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def clerk(self) -> Requester:
        return Requester("lan", current_accounts(self.archive).get("lan").id)

    def ask(self, scan: bytes = SCAN, **changed: Any) -> Extraction:
        told = told_form(until=self.day(30), **changed)
        told["letter"] = {**told["letter"], "day": self.day(-3)}
        del told["letter"]["scan_sha256"]
        return ask_extraction(HomeExtraction(self.archive), told, scan, "lan", lambda count: None).extraction

    def day(self, days: int) -> str:
        return (self.home.clock.now() + timedelta(days=days)).date().isoformat()

    def approved(self, **changed: Any) -> Extraction:
        extraction = self.ask(**changed)
        self.approve(extraction)
        return extraction

    def approve(self, extraction: Extraction, by: str = "binh") -> None:
        approve_request(
            self.archive, ask_approval(self.archive, extraction, self.clerk), approver(self.archive, by)
        )

    def run(
        self,
        extraction: Extraction,
        output: Path | None = None,
        *,
        who: Requester | None = None,
        step: Callable[[int], None] = lambda items: None,
        shows: Callable[[Sequence[str]], None] | None = None,
        host: HomeExtraction | None = None,
    ) -> RunExtraction:
        return run_extraction(
            host or HomeExtraction(self.archive),
            extraction.id,
            output or self.output,
            who or self.clerk,
            shows or (lambda ids: self.looks.append(tuple(ids))),
            step,
        )

    def state(self, extraction: Extraction) -> str:
        self.archive.refresh()
        return known_extractions(self.archive).get(extraction.id).state(self.home.clock.now())

    def count(self, type: str) -> int:
        self.archive.refresh()
        return len(list(own_events(self.archive.search, type)))

    def genuine(self, path: Path) -> bool:
        key = path.with_name("key.pem")
        key.write_bytes(public_pem(self.archive.signing.active().public()))
        return run_verifier(path, key)[0] == 0

    def starts_anew(self) -> None:
        """The process was killed; another one opens the home."""
        self.home.fault = no_fault
        self.archive = self.home.archive()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        for name, roles in (("lan", ("extractor",)), ("binh", ("approver",)), ("hoa", ("approver",))):
            add_account(Desk(archive, "root"), NewAccount(name, "person", f"Nguyễn {name}", roles=roles))
        push(archive, 0, DOSSIERS)
        yield Office(home, archive, tmp_path / "x.zip")
        home.check()


def test_a_letter_of_an_inspectorate(office: Office) -> None:
    # The inspectorate writes; the clerk scans the letter and fills in the form.
    asked = office.ask(copies=["csv", "pdf"])
    assert (asked.count, asked.state(office.home.clock.now())) == (DOSSIERS, "requested")
    # The scan lies at both sites, as a message of the archive's own.
    scan = office.archive.search.page(scan_query(asked)).items[0]
    assert {one["site"] for one in scan["placements"]} == {"primary", "standby"}
    assert (scan["sha256"], scan["gateway"]) == (hashlib.sha256(SCAN).hexdigest(), "vanvault")
    assert office.archive.original(scan) == SCAN
    # Nothing leaves before another person approved exactly this.
    with pytest.raises(ApprovalNeeded) as waiting:
        office.run(asked)
    assert not office.output.exists()
    assert not office.looks
    with pytest.raises(AccessDenied, match="approve"):
        approver(office.archive, "lan")
    approve_request(office.archive, waiting.value.request, approver(office.archive, "binh"))
    # Now it runs: a look first, with every entry, then the file.
    done = office.run(asked)
    assert done.extraction.state(office.home.clock.now()) == "ran"
    assert [len(look) for look in office.looks] == [DOSSIERS]
    found = members(office.output)
    items = [json.loads(line) for line in found["items.ndjson"].splitlines()]
    assert {item["id"] for item in items} == set(office.looks[0])
    assert all(set(item) == {"id", "entry", "received_at", "dossier_number", "procedure"} for item in items)
    assert not [name for name in found if name.startswith(("originals/", "receipts/"))]
    # The manifest names form, letter and approval, and says what is absent.
    manifest = json.loads(found["manifest.json"])["extraction"]
    assert manifest["letter"]["number"] == "123/TTr-BHXH"
    assert manifest["approval"]["approved_by"] == ["binh"]
    assert "insurance_numbers" in manifest["absent"]
    assert office.genuine(office.output)
    # The inspector takes it, and signs for it.
    handed = hand_over(HomeExtraction(office.archive), asked.id, "Nguyễn Văn Minh", "lan").extraction
    assert handed.handed is not None
    assert handed.handed.receipt_sha256
    papers = receipt_files(handed)
    page = papers["receipt.vi.html"].decode()
    for said in (
        "Biên bản bàn giao",
        "123/TTr-BHXH",
        AGENCY,
        "Nguyễn Văn Minh",
        "binh",
        manifest["approval"]["digest"],
    ):
        assert said in page
    assert "Receipt of hand-over" in papers["receipt.en.html"].decode()
    told = PdfReader(io.BytesIO(papers["receipt.vi.pdf"])).pages[0].extract_text()
    assert "Thanh tra Bảo hiểm xã hội tỉnh Đắk Lắk" in " ".join(told.split())


def scan_query(asked: Extraction) -> Any:
    return Query(filters={"gateway": "vanvault", "message_id": asked.scan})


def test_reading_copies_say_what_they_are(office: Office) -> None:
    office.run(office.approved(copies=["csv", "pdf"]))
    found = members(office.output)
    lines = found["copies/copy.csv"].decode().split("\r\n")
    assert lines[0].startswith(f"BẢN SAO,{AGENCY}")
    assert lines[1] == "id,entry,dossier_number,procedure,received_at"
    assert len(lines) == 2 + DOSSIERS + 1
    for page in PdfReader(io.BytesIO(found["copies/copy.pdf"])).pages:
        said = " ".join(page.extract_text().split())
        assert said.count("BẢN SAO") >= 2
        assert AGENCY in said
    assert office.genuine(office.output)


def test_a_copy_runs_no_formula_of_a_sender(office: Office) -> None:
    with Node(office.archive) as node:
        node.wait_ready()
        node.push(
            message("f", b"<x/>", given=Metadata(employer_code="TC3", dossier_number="=cmd|'/c calc'!A0"))
        )
    office.run(office.approved(filter={"employer_code": "TC3"}, fields=["dossier_number"], copies=["csv"]))
    assert "'=cmd|" in members(office.output)["copies/copy.csv"].decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"filter": {"gateway": "vanvault"}},
        {"filter": {"salary": "1"}},
        {"filter": {"employer_code": "TA0001A", "from": "yesterday"}},
        {"filter": {"employer_code": "TA0001A", "to": "2026-01-01", "from": "2026-02-01"}},
        {"filter": {"employer_code": "x" * 513}},
        {"filter": {"employer_code": "TA0001A", "limit": "1"}},
        {"fields": ["salary"]},
        {"scan": b"#!/bin/sh\n"},
        {"scan": b""},
    ],
)
def test_a_form_that_no_search_takes_is_not_put_on_record(office: Office, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        office.ask(**changed)
    assert office.count("extraction.requested") == 0


def test_a_copy_that_could_not_hold_them_is_refused_before_others_approve_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vanvault.recovery.extraction.copies.MOST_OF_A_PDF", DOSSIERS - 1)
    with pytest.raises(InvalidInput, match=f"{DOSSIERS - 1} entries at most, and there are {DOSSIERS}"):
        office.ask(copies=["pdf"])
    assert office.count("extraction.requested") == 0
    assert office.ask(copies=["csv"]).count == DOSSIERS


def test_counting_ends_at_the_first_entry_too_many(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    most, every = 3, office.archive.search.every
    counted: list[str] = []

    def counting(query: Query, unread: Callable[[Unread], None] | None = None) -> Iterator[Item]:
        for item in every(query, unread):
            counted.append(str(item["id"]))
            yield item

    monkeypatch.setattr("vanvault.recovery.extraction.record.MOST_ENTRIES", most)
    monkeypatch.setattr(office.archive.search, "every", counting)
    with pytest.raises(InvalidInput, match=f"{most} entries at most"):
        office.ask()
    assert len(counted) == most + 1
    assert office.count("extraction.requested") == 0


def test_the_scan_is_the_one_that_the_form_names(office: Office) -> None:
    told = told_form(until=office.day(3))
    told["letter"] = {**told["letter"], "day": office.day(0), "scan_sha256": "0" * 64}
    with pytest.raises(InvalidInput, match="another one"):
        ask_extraction(HomeExtraction(office.archive), told, SCAN, "lan", lambda count: None)


def test_the_same_form_again_is_the_same_extraction(office: Office) -> None:
    first, again = office.ask(), office.ask()
    assert first.id == again.id
    assert office.count("extraction.requested") == 1
    assert ask_approval(office.archive, first, office.clerk) == ask_approval(
        office.archive, first, office.clerk
    )
    assert office.count("approval.requested") == 1


def test_asking_uses_no_approval_up(office: Office) -> None:
    extraction = office.ask()
    id = ask_approval(office.archive, extraction, office.clerk)
    office.approve(extraction)
    assert ask_approval(office.archive, extraction, office.clerk) == id
    assert (office.count("approval.requested"), office.count("approval.used")) == (1, 0)


def test_without_a_site_no_letter_is_on_record(office: Office) -> None:
    office.home.standby.fail_next("put", times=50)
    with pytest.raises(SiteUnavailable):
        office.ask()


def test_another_filter_is_another_request(office: Office) -> None:
    office.approved()
    other = office.ask(filter={"employer_code": "TB0002B"})
    with pytest.raises(ApprovalNeeded):
        office.run(other)
    assert not office.output.exists()


def test_what_one_asked_another_does_not_run_on_the_same_approval(office: Office) -> None:
    extraction = office.approved()
    with pytest.raises(ApprovalNeeded):
        office.run(extraction, who=Requester("hoa", current_accounts(office.archive).get("hoa").id))


def test_a_refused_one_does_not_run(office: Office) -> None:
    extraction = office.ask()
    request = ask_approval(office.archive, extraction, office.clerk)
    refuse_request(office.archive, request, approver(office.archive, "hoa"), "the letter names no employer")
    with pytest.raises(ApprovalNeeded) as anew:
        office.run(extraction)
    assert anew.value.request != request


def test_where_more_is_found_than_was_approved_nothing_is_given_out(office: Office) -> None:
    extraction = office.approved(filter={"employer_code": "TA0001A", "to": office.day(20)})
    push(office.archive, DOSSIERS, DOSSIERS + 1)
    with pytest.raises(Conflict, match=f"{DOSSIERS + 1} entries are found now.*with {DOSSIERS}") as refused:
        office.run(extraction)
    assert "extract request" in refused.value.hint
    assert not office.output.exists()
    assert office.count("approval.used") == 0, "the approval is not used up by a run that may not be"


def test_what_came_after_the_request_is_not_in_it(office: Office) -> None:
    extraction = office.approved()
    push(office.archive, DOSSIERS, DOSSIERS + 1)
    assert office.run(extraction).extraction.count == DOSSIERS


def test_one_approval_is_one_run(office: Office, tmp_path: Path) -> None:
    extraction = office.approved()
    office.run(extraction)
    again = office.run(extraction)
    assert again.already
    with pytest.raises(Conflict, match="one approval is one use"):
        office.run(extraction, tmp_path / "other.zip")
    office.output.unlink()
    with pytest.raises(Conflict, match="one approval is one use"):
        office.run(extraction)
    assert office.count("extraction.ran") == office.count("approval.used") == 1


def test_nothing_is_replaced(office: Office) -> None:
    office.output.write_bytes(b"somebody's")
    extraction = office.approved()
    with pytest.raises(Conflict, match="is there already"):
        office.run(extraction)
    assert office.count("approval.used") == 0
    assert office.output.read_bytes() == b"somebody's"


def test_after_the_last_day_nothing_runs_goes_on_or_is_handed_over(office: Office, tmp_path: Path) -> None:
    asked, ran = office.approved(), office.approved(purpose="another")
    office.run(ran, tmp_path / "ran.zip")
    stopped = office.approved(purpose="a third")
    with pytest.raises(Killed):
        office.run(stopped, tmp_path / "stopped.zip", step=_killing_at(3))
    office.home.clock.advance(timedelta(days=32))
    for extraction, path in ((asked, office.output), (stopped, tmp_path / "stopped.zip")):
        with pytest.raises(AccessDenied, match="the last day"):
            office.run(extraction, path)
    with pytest.raises(AccessDenied, match="not handed over any more"):
        hand_over(HomeExtraction(office.archive), ran.id, "Nguyễn Văn Minh", "lan")
    assert office.state(asked) == "over"


@pytest.mark.parametrize("name", ["", " ", "x" * 301, "Mi\nnh", "\x1b[2J", "\u202eMinh"])
def test_who_receives_it_has_a_name(office: Office, name: str) -> None:
    extraction = office.approved()
    office.run(extraction)
    with pytest.raises(InvalidInput):
        hand_over(HomeExtraction(office.archive), extraction.id, name, "lan")


def test_it_is_handed_over_once_and_only_complete(office: Office) -> None:
    extraction = office.approved()
    with pytest.raises(Conflict, match="no complete file"):
        hand_over(HomeExtraction(office.archive), extraction.id, "Nguyễn Văn Minh", "lan")
    office.run(extraction)
    first, again = (
        hand_over(HomeExtraction(office.archive), extraction.id, "Nguyễn Văn Minh", "lan") for _ in range(2)
    )
    assert (first.already, again.already) == (False, True)
    with pytest.raises(Conflict, match="handed over to Nguyễn Văn Minh"):
        hand_over(HomeExtraction(office.archive), extraction.id, "Hoa", "lan")
    assert office.count("extraction.handed-over") == 1


def test_somebody_else_than_the_recipient_takes_it_with_a_reason_only(office: Office) -> None:
    extraction = office.approved()
    office.run(extraction)
    host = HomeExtraction(office.archive)
    with pytest.raises(InvalidInput, match="names Nguyễn Văn Minh as the recipient") as refused:
        hand_over(host, extraction.id, "Hoa", "lan")
    assert refused.value.field == "to"
    with pytest.raises(InvalidInput):
        hand_over(host, extraction.id, "Hoa", "lan", "a\nb")
    handed = hand_over(host, extraction.id, "Hoa", "lan", "sent by the agency").extraction
    assert handed.handed is not None
    assert (handed.handed.received_by, handed.handed.because) == ("Hoa", "sent by the agency")
    page = receipt_files(handed)["receipt.en.html"].decode()
    assert "Nguyễn Văn Minh" in page and "sent by the agency" in page


@pytest.mark.parametrize("full_name", ["Nguyễn Văn Minh", "  nguyễn văn  MINH "])
def test_the_recipient_approves_nothing_whatever_the_account_is_called(
    office: Office, full_name: str
) -> None:
    account = NewAccount("xyz", "person", full_name, roles=("approver",))
    add_account(Desk(office.archive, "anh"), account)
    with pytest.raises(AccessDenied, match="for their own benefit"):
        office.approve(office.ask(), by="xyz")


def test_another_home_does_not_go_on_with_a_run(office: Office, tmp_path: Path) -> None:
    with second_home(office.home, tmp_path / "second") as second:
        extraction = office.approved()
        with pytest.raises(Killed):
            office.run(extraction, step=_killing_at(2))
        other = Office(second, second.archive(), office.output)
        with pytest.raises(Conflict, match="began elsewhere"):
            other.run(extraction, who=office.clerk)


def test_no_look_no_byte(office: Office) -> None:
    extraction = office.approved()

    def unwritten(ids: Sequence[str]) -> None:
        raise SiteUnavailable("no site takes the look", site="", may_be_stored=False)

    with pytest.raises(SiteUnavailable):
        office.run(extraction, shows=unwritten)
    assert not list(office.output.parent.glob("x.zip*"))
    assert office.run(extraction).extraction.result is not None, "the same run goes on"


def _killing_at(items: int) -> Callable[[int], None]:
    written = 0

    def step(more: int) -> None:
        nonlocal written
        written += more
        if written >= items:
            raise Killed

    return step


def _on_the_look(ids: Sequence[str]) -> None:
    raise Killed


def test_killed_at_the_look_or_in_the_file_it_goes_on(office: Office) -> None:
    extraction = office.approved()
    with pytest.raises(Killed):
        office.run(extraction, shows=_on_the_look)
    office.starts_anew()
    with pytest.raises(Conflict, match="began into"):
        office.run(extraction, office.output.with_name("other.zip"))
    for items in (1, DOSSIERS):
        with pytest.raises(Killed):
            office.run(extraction, step=_killing_at(items))
        office.starts_anew()
    assert not office.run(extraction).already
    assert office.genuine(office.output)
    assert office.count("approval.used") == 1


def test_a_run_whose_begin_is_seen_late_goes_on_though_another_was_tried_meanwhile(office: Office) -> None:
    extraction = office.approved()
    late: list[dict[str, object]] = []

    class Slow(HomeExtraction):
        """Killed with the begin on its way."""

        def record(self, type: str, detail: Mapping[str, object]) -> None:
            late.append(dict(detail))
            raise Killed

    with pytest.raises(Killed):
        office.run(extraction, host=Slow(office.archive))
    office.starts_anew()
    with pytest.raises(ApprovalNeeded):
        office.run(extraction)
    office.archive.record(EventType.EXTRACTION_BEGUN, late[0])
    assert office.run(extraction).extraction.result is not None
    assert office.count("extraction.begun") == office.count("approval.used") == 1


def test_killed_when_the_file_is_there_and_not_on_record_the_run_ends_by_itself(office: Office) -> None:
    extraction = office.approved()

    def fault(name: str) -> None:
        if office.output.exists():
            raise Killed

    office.home.fault = fault
    office.archive = office.home.archive()
    with pytest.raises(Killed):
        office.run(extraction)
    before = office.output.read_bytes()
    office.starts_anew()
    assert office.state(extraction) == "begun"
    done = office.run(extraction)
    assert done.extraction.result is not None
    assert done.extraction.result.sha256 == hashlib.sha256(before).hexdigest()
    assert office.output.read_bytes() == before


def test_another_file_in_its_place_is_not_put_on_record(office: Office) -> None:
    extraction = office.approved()
    with pytest.raises(Killed):
        office.run(extraction, shows=_on_the_look)
    office.output.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    office.starts_anew()
    with pytest.raises(Conflict, match="not the file of this extraction"):
        office.run(extraction)
    assert office.count("extraction.ran") == 0


def test_the_file_of_another_extraction_is_not_taken_for_this_one(office: Office) -> None:
    other, extraction = office.approved(), office.approved(purpose="another")
    office.run(other, office.output.with_name("other.zip"))
    with pytest.raises(Killed):
        office.run(extraction, shows=_on_the_look)
    shutil.copy(office.output.with_name("other.zip"), office.output)
    office.starts_anew()
    with pytest.raises(Conflict, match="not the file of this extraction"):
        office.run(extraction)


@pytest.mark.parametrize("nth", range(1, 40, 3))
def test_killed_at_any_write_one_approval_gives_one_file_at_most(office: Office, nth: int) -> None:
    extraction = office.approved()
    steps = iter(range(1, 10_000))

    def fault(name: str) -> None:
        if next(steps) == nth:
            raise Killed

    office.home.fault = fault
    office.archive = office.home.archive()
    with suppress(Killed):
        office.run(extraction)
    office.starts_anew()
    try:
        office.run(extraction)
    except ApprovalNeeded:
        # Between the use and the begin: nothing was given out, and it is approved anew.
        assert not office.output.exists()
        office.approve(extraction, "hoa")
        office.run(extraction)
        assert office.count("approval.used") == 2
    else:
        assert office.count("approval.used") == 1
    assert office.count("extraction.begun") == office.count("extraction.ran") == 1
    assert office.genuine(office.output)


def test_every_field_of_a_form_has_a_name_for_officers() -> None:
    assert len({field_name(name, "vi") for name in (*KEYS, *FIELDS)}) == len(FIELDS) + len(KEYS)
    assert field_name("dossier_number", "vi") == "số hồ sơ (dossier_number)"
    assert field_name("dossier_number", "en") == "dossier_number"
