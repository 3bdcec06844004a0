"""A plan on record: what it takes, what it leaves and why, and who must approve it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pypdf import PdfReader

from tests.recovery.disposal.conftest import GATEWAY, Office
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged, InvalidInput, NotFound
from vanvault.archiver.disposal import COOLING, planned_entries
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.disposal import PLAN_FORM, signed_plan, withdraw_disposal
from vanvault.recovery.documents import public_keys_of


def test_what_closed_long_ago_is_planned_and_lines_of_its_own_stay(office: Office) -> None:
    made = office.plan()
    assert {one.id for one in made.plan.entries} == {*office.ids["t-1"], *office.ids["t-2"]}
    assert made.plan.counts["entries"] == 4
    assert made.plan.kept["own"] > 0
    assert made.plan.locked > 0
    assert made.known is not None
    assert made.known.state == "planned"
    assert made.known.record.entries == 4


def test_a_hold_over_one_entry_keeps_its_whole_transaction(office: Office) -> None:
    office.hold(filters={"employer_code": "TA0001A"})
    made = office.plan()
    assert {one.id for one in made.plan.entries} == set(office.ids["t-2"])
    assert made.plan.kept["held"] == 2


def test_only_what_was_asked_for_is_planned(office: Office) -> None:
    made = office.plan(until=date(2036, 1, 1))
    assert made.known is None
    assert made.plan.kept["not-asked"] == 4
    assert office.plan(gateways=("gateway-9",)).known is None
    assert office.plan(gateways=(GATEWAY,)).known is not None
    with pytest.raises(InvalidInput):
        office.plan(gateways=("vanvault",))


def test_one_plan_is_bounded_and_says_that_more_is_due(office: Office) -> None:
    settings = office.archive.settings
    few = settings.disposal.model_copy(update={"most_entries": 3})
    office.archive.settings = settings.model_copy(update={"disposal": few})
    made = office.plan()
    assert len(made.plan.entries) == 2, "a transaction is not divided"
    assert made.plan.more


def test_a_plan_is_signed_archived_and_shown_in_both_languages(office: Office) -> None:
    made = office.plan()
    assert made.known is not None
    assert made.folder is not None
    data = (made.folder / "report.json").read_bytes()
    key = office.archive.signing.active()
    trusted = public_keys_of({key.key_id: key.public()})
    report = PLAN_FORM.verified(data, trusted)
    assert report == signed_plan(office.archive, made.known, trusted)
    assert planned_entries(report) == made.plan.entries
    assert report["verified"].keys() == {"primary", "standby"}
    for language, words in (("vi", "Kế hoạch tiêu hủy"), ("en", "Plan of a disposal")):
        pages = PdfReader(made.folder / f"plan.{language}.pdf").pages
        text = " ".join("".join(page.extract_text() for page in pages).split())
        assert words in text
        assert made.known.record.id in text
    with pytest.raises(Damaged):
        PLAN_FORM.verified(data.replace(b'"more":false', b'"more":true'), trusted)


def test_two_others_approve_it_and_then_it_cools(office: Office) -> None:
    id = office.planned().record.id
    office.approve(id, "binh")
    assert office.known(id).state == "planned"
    office.approve(id, "hoa")
    known = office.known(id)
    assert known.state == "cooling"
    assert known.cools_until is not None
    office.pass_time(COOLING - timedelta(seconds=1))
    assert office.known(id).state == "cooling"
    assert known.cools_until - office.now <= timedelta(seconds=2)
    office.pass_time(timedelta(seconds=2))
    assert office.known(id).state == "ready"
    assert office.known(id).why_no_run(office.who("lan")) == "who planned a disposal does not run it"
    assert office.known(id).why_no_run(office.who("minh")) == ""
    office.pass_time(timedelta(days=45))
    assert office.known(id).state == "expired"


def test_who_planned_it_does_not_approve_it(office: Office) -> None:
    made = office.plan("binh")
    assert made.known is not None
    with pytest.raises(AccessDenied):
        office.approve(made.known.record.id, "binh")


def test_it_is_taken_back_with_a_reason_and_another_can_be_planned(office: Office) -> None:
    first = office.planned().record.id
    with pytest.raises(Conflict, match="one goes after the other"):
        office.plan()
    with pytest.raises(InvalidInput):
        withdraw_disposal(office.archive, first, office.who("minh"), " ")
    done = withdraw_disposal(office.archive, first, Requester("minh"), "the office moves")
    assert done.state == "withdrawn"
    with pytest.raises(Conflict):
        withdraw_disposal(office.archive, first, Requester("minh"), "again")
    assert office.planned().record.id != first


def test_nothing_is_planned_while_a_verification_is_too_old(office: Office) -> None:
    office.pass_time(timedelta(days=8))
    with pytest.raises(Conflict, match="was not verified whole"):
        office.plan()


def test_nothing_is_planned_while_a_site_is_away(office: Office) -> None:
    office.home.standby.fail_next("now", times=1_000)
    with pytest.raises(Conflict, match="the site standby is away"):
        office.plan()
    office.home.standby.fail_next("now", times=0)


def test_a_plan_that_is_another_one_at_the_sites_is_not_believed(office: Office) -> None:
    known = office.planned()
    key = office.archive.signing.active()
    trusted = public_keys_of({key.key_id: key.public()})
    other = replace(known, record=replace(known.record, digest="00" * 32))
    with pytest.raises(Damaged, match="another one than is on record"):
        signed_plan(office.archive, other, trusted)
    with pytest.raises(NotFound):
        signed_plan(office.archive, replace(known, record=replace(known.record, plan="no-plan")), trusted)
