"""A disposal is run: what goes from both sites, what stays, kills at each step, and the certificate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.recovery.disposal.conftest import Office, settled
from tests.support.archives import Home, memory_home
from tests.support.clearing import disposers_of
from tests.support.clocks import ManualClock
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Busy,
    Conflict,
    Damaged,
    NotFound,
    SettingsError,
)
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.retention import rounded_up, source_in
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disposal import COOLING, ids_digest
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldSay, HoldScope, placing
from vanvault.recovery.conditions import SeenFacts, gather_facts
from vanvault.recovery.disposal import (
    CERTIFICATE_FORM,
    certificate_file,
    run_disposal,
    signed_certificate,
    signed_plan,
    withdraw_disposal,
)
from vanvault.recovery.disposal.papers import paper_document
from vanvault.recovery.documents import LANGUAGES, Report, public_keys_of


class Killed(BaseException):
    """The process ends here."""


@dataclass
class AtStep:
    """Does something when a run comes to a step for the first time, and notes all steps."""

    step: str
    act: Callable[[], None]
    steps: list[str] = field(default_factory=list)

    def __call__(self, step: str) -> None:
        first = step not in self.steps
        self.steps.append(step)
        if first and step == self.step:
            self.act()


def certificate(office: Office, id: str) -> Report:
    key = office.archive.signing.active()
    return signed_certificate(office.archive, office.known(id), public_keys_of({key.key_id: key.public()}))


def planned_segments(office: Office, id: str) -> list[str]:
    key = office.archive.signing.active()
    plan = signed_plan(office.archive, office.known(id), public_keys_of({key.key_id: key.public()}))
    return [one["segment"] for one in plan["segments"]]


def is_gone(office: Office, transaction: str) -> bool:
    kinds = {office.archive.search.entry(id)["entry"] for id in office.ids[transaction]}
    assert len(kinds) == 1 or "disposed" not in kinds
    return kinds == {"disposed"}


def test_from_the_plan_to_the_certificate(office: Office) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    assert all(office.lies(*segments).values())
    done = office.run(id)
    assert (done.known.state, done.left, done.halted) == ("certified", (), ())
    assert office.lies(*segments) == {"primary": [], "standby": []}
    assert is_gone(office, "t-1")
    assert is_gone(office, "t-2")
    assert not is_gone(office, "t-open")
    [kept] = office.ids["t-open"]
    assert office.archive.original(office.archive.search.entry(kept)) == b"dossier 5"


def test_the_certificate_says_what_went_from_where_and_by_whom_and_is_proved_offline(office: Office) -> None:
    id = office.cooled()
    done = office.run(id)
    told = certificate(office, id)
    ids = [(entry, "entry") for entry in (*office.ids["t-1"], *office.ids["t-2"])]
    assert told["ids_sha256"] == ids_digest(ids)
    assert (told["planned_by"], told["approved_by"], told["ran_by"]) == ("lan", ["binh", "hoa"], "minh")
    assert told["plan_sha256"] == done.known.record.digest
    assert told["counts"]["entries"] == 4
    assert {one["site"]: one["objects"] for one in told["removed"]} == Counter(
        site for site, *_ in told["objects"]
    )
    assert all(one["at"] for one in told["removed"])
    assert told["segments"][0]["covers"]
    assert (told["number"], told["first"], told["remaining"]) == (1, "", [])
    assert done.folder is not None
    key = office.archive.signing.active()
    data = (done.folder / "report.json").read_bytes()
    trusted = public_keys_of({key.key_id: key.public()})
    assert CERTIFICATE_FORM.verified(data, trusted) == told
    with pytest.raises(Damaged):
        CERTIFICATE_FORM.verified(data.replace(b'"ran_by":"minh"', b'"ran_by":"lann"'), trusted)
    for language, words in (("vi", "Biên bản tiêu hủy"), ("en", "Certificate of a disposal")):
        pages = PdfReader(done.folder / f"certificate.{language}.pdf").pages
        text = " ".join("".join(page.extract_text() for page in pages).split())
        assert words in text
        assert "binh, hoa" in text
        pdf = (done.folder / f"certificate.{language}.pdf").read_bytes()
        assert certificate_file(office.archive, done.known, f"certificate.{language}.pdf", trusted) == pdf
    assert certificate_file(office.archive, done.known, "report.json", trusted) == data
    with pytest.raises(NotFound):
        certificate_file(office.archive, done.known, "certificate.vi.html", trusted)


def test_it_is_refused_before_it_may_run_and_to_who_planned_it(office: Office) -> None:
    id = office.planned().record.id
    with pytest.raises(ApprovalNeeded) as needed:
        office.run(id)
    assert needed.value.request == office.known(id).approval.request
    office.approve(id, "binh", "hoa")
    office.pass_time(COOLING - timedelta(minutes=1))
    with pytest.raises(Conflict, match="it cools until"):
        office.run(id)
    office.pass_time(timedelta(minutes=2))
    with pytest.raises(AccessDenied, match="who planned a disposal does not run it"):
        office.run(id, by="lan")
    with pytest.raises(Conflict, match="was not verified whole"):
        office.run(id)
    with pytest.raises(SettingsError, match="standby has no disposer"):
        run_disposal(office.archive, id, office.who("minh"), {"primary": office.home.primary})
    withdraw_disposal(office.archive, id, office.who("hoa"), "we wait")
    with pytest.raises(Conflict, match="it was withdrawn"):
        office.run(id)
    assert not is_gone(office, "t-1")


def test_a_hold_between_plan_and_run_keeps_its_transaction_and_the_rest_goes(office: Office) -> None:
    id = office.cooled()
    office.hold(filters={"employer_code": "TA0001A"})
    assert office.run(id).known.state == "certified"
    assert not is_gone(office, "t-1")
    assert is_gone(office, "t-2")
    told = certificate(office, id)
    assert told["dropped"] == {"held": 2}
    assert [(one["rule"], one["entries"]) for one in told["rules"]] == [("QD08-2015 log", 2)]
    assert told["rules"][0]["clause"] == office.archive.profile.log.source
    assert told["approved_at"] < told["begun_at"]
    verdicts = {lang: paper_document("certificate", told, lang).verdict for lang in LANGUAGES}
    assert verdicts["en"] == "What was to go is gone; entries of the plan stayed, 2 (a legal hold: 2)"
    assert "được giữ lại: 2 (đang có lệnh tạm giữ: 2)" in verdicts["vi"]
    pages = str(paper_document("certificate", told, "vi").sections)
    assert source_in(told["rules"][0]["clause"], "vi") in pages
    assert "clause not known" not in pages
    assert all(set(one["replaced"]) <= set(planned_segments(office, id)) for one in told["removed"])
    assert told["ids_sha256"] == ids_digest((one, "entry") for one in office.ids["t-2"])


def test_a_transaction_that_was_opened_again_since_the_plan_stays(office: Office) -> None:
    id = office.cooled()
    office.write("t-1", office.line("t-1", "transaction.supplement"))
    office.run(id)
    assert certificate(office, id)["dropped"] == {"open": 2}
    assert [office.archive.search.entry(one)["entry"] for one in office.ids["t-1"]].count("disposed") == 0


def test_where_nothing_is_due_any_more_nothing_is_used_up_and_nothing_goes(office: Office) -> None:
    id = office.cooled()
    office.hold(filters={"gateway": "gateway-1"})
    done = office.run(id)
    assert (done.known.state, done.known.record.begin) == ("empty", None)
    assert done.known.record.emptied == {"held": 4}
    with pytest.raises(Conflict, match="nothing of it was due"):
        office.run(id)


def test_what_came_after_the_closing_line_goes_though_the_line_lay_in_an_earlier_segment(
    tmp_path: Path,
) -> None:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        office = Office(home, archive)
        office.transaction("t-late")
        office.upkeep()
        office.write("t-late", office.dossier("t-late"))
        settled(office)
        id = office.cooled()
        assert len(planned_segments(office, id)) > 1
        assert office.run(id).known.state == "certified"
        assert is_gone(office, "t-late")
        assert certificate(office, id)["dropped"] == {}


def test_what_is_due_goes_from_a_segment_that_something_open_keeps_locked(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        office = settled(Office(home, archive), beside_open=True)
        id = office.cooled()
        [segment] = planned_segments(office, id)
        done = office.run(id)
        assert done.known.state == "certified-in-part"
        assert is_gone(office, "t-1")
        assert not is_gone(office, "t-beside")
        assert all(office.lies(segment).values()), "the bytes are locked for what is open beside them"
        ends = {one["until"] for one in certificate(office, id)["remaining"]}
        office.pass_time(timedelta(days=200))
        office.upkeep()
        office.pass_time(timedelta(days=600))
        office.upkeep()
        assert list(gather_facts(office.archive, SeenFacts()).record.disposals_waiting) == [id]
        office.verify()
        assert office.run(id).known.state == "certified"
        assert office.lies(segment) == {"primary": [], "standby": []}
        assert max(ends) < rfc3339_seconds(office.now), "no keeper prolongs what was replaced"
        assert gather_facts(office.archive, SeenFacts()).record.disposals_waiting == {}
        assert not is_gone(office, "t-beside")
        [kept] = office.ids["t-beside"]
        assert office.archive.original(office.archive.search.entry(kept)).startswith(b"dossier")


def test_a_run_that_is_killed_at_each_step_in_turn_goes_on_to_the_same_end(office: Office) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    seen: set[str] = set()

    def kill_once(step: str) -> None:
        if step not in seen:
            seen.add(step)
            raise Killed

    for _ in range(60):
        try:
            office.run(id, fault=kill_once)
            break
        except Killed:
            office.starts_anew()
        except Conflict as over:  # killed when all was done
            assert "gone already" in over.message
            break
    assert {
        "disposal-used",
        "disposal-begun",
        "disposal-rechecked",
        "disposal-replaced",
        "disposal-before-remove",
        "disposal-after-one",
        "disposal-after-site",
        "disposal-before-certificate",
    } <= seen
    assert office.known(id).state == "certified"
    assert office.lies(*segments) == {"primary": [], "standby": []}
    told = certificate(office, id)
    assert told["counts"]["entries"] == 4
    assert {site for site, *_ in told["objects"]} == {"primary", "standby"}
    kinds = [one.split(".")[1] for _, one, *_ in told["objects"]]
    # What went before a kill is named as well.
    assert all(kinds.count(kind) == 2 for kind in ("manifest", "log", "originals", "evidence"))


def test_after_the_last_kill_the_certificate_is_there_and_nothing_is_done_again(office: Office) -> None:
    id = office.cooled()

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        office.run(id, fault=AtStep("disposal-certified", kill))
    office.starts_anew()
    assert office.known(id).state == "certified"
    with pytest.raises(Conflict, match="gone already"):
        office.run(id)


def test_a_site_that_is_away_leaves_it_half_done_and_the_next_run_completes_it(office: Office) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    office.home.standby.fail_next("delete", times=1_000)
    done = office.run(id)
    assert done.known.state == "half-done"
    assert "standby" in done.halted[0]
    assert done.exit_code != 0
    assert office.lies(*segments)["primary"] == []
    assert office.lies(*segments)["standby"]
    assert is_gone(office, "t-1"), "it is gone from every answer already"
    office.home.standby.fail_next("delete", times=0)
    assert office.run(id, by="hoa").known.state == "certified"
    assert office.lies(*segments)["standby"] == []
    told = certificate(office, id)
    assert (told["ran_by"], told["who"]) == ("minh", "hoa")


def test_a_hold_between_the_two_sites_keeps_what_lies_at_the_second(office: Office) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    hold = AtStep("disposal-after-site", lambda: office.hold(filters={"employer_code": "TA0001A"}))
    done = office.run(id, fault=hold)
    assert done.known.state == "half-done"
    assert "a court asks" in done.halted[0]
    assert office.lies(*segments)["primary"] == []
    assert office.lies(*segments)["standby"]
    assert office.run(id).known.state == "half-done"


@pytest.mark.parametrize(
    "scope",
    [
        {"filters": {"message_id": "m-99"}},
        {"filters": {"sha256": "ab" * 32, "gateway": "gateway-1"}},
        {"from_us": 1, "to_us": 2},
        {"filters": {"event_id": "e-99", "transaction_id": "t-2"}},
    ],
)
def test_a_hold_that_another_entry_of_the_transaction_may_bring_under_keeps_what_is_left(
    office: Office, scope: dict[str, Any]
) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    done = office.run(id, fault=AtStep("disposal-after-site", lambda: office.hold(**scope)))
    assert done.known.state == "half-done"
    assert "a court asks" in done.halted[0]
    assert office.lies(*segments)["standby"]


def test_a_hold_over_another_gateway_between_the_two_sites_stops_nothing(office: Office) -> None:
    id = office.cooled()
    hold = AtStep("disposal-after-site", lambda: office.hold(filters={"gateway": "gateway-9"}))
    assert office.run(id, fault=hold).known.state == "certified"


def test_a_hold_that_was_placed_before_the_look_and_is_known_only_after_it_keeps_what_is_left(
    office: Office,
) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    scope, say = HoldScope(filters={"employer_code": "TA0001A"}), HoldSay(office.now, "minh", "a-minh")
    detail = placing("h-00000000000000aa", HoldReason("12/2037", "a court asks"), scope, say)
    old = office.archive.system_event(EventType.HOLD_PLACED, detail)
    office.pass_time(timedelta(hours=1))
    late = AtStep("disposal-after-site", lambda: office.archive.record_aside([old]))
    done = office.run(id, fault=late)
    assert done.known.state == "half-done"
    assert "a court asks" in done.halted[0]
    assert office.lies(*segments)["standby"]


def test_a_run_that_goes_on_knows_by_which_holds_its_segment_was_judged(office: Office) -> None:
    id = office.cooled()
    office.hold(filters={"transaction_id": "t-open"})
    office.hold(filters={"employer_code": "TC0003C"})
    office.home.standby.fail_next("delete", times=1_000)
    assert office.run(id).known.state == "half-done"
    office.home.standby.fail_next("delete", times=0)
    assert office.run(id).known.state == "certified"


def test_a_hold_that_cannot_be_read_between_the_two_sites_keeps_what_lies_at_the_second(
    office: Office,
) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)

    def strange() -> None:
        office.archive.record_aside([office.archive.system_event(EventType.HOLD_PLACED, {"hold": 5})])

    done = office.run(id, fault=AtStep("disposal-after-site", strange))
    assert done.known.state == "half-done"
    assert "a hold that this version cannot read" in done.halted[0]
    assert office.lies(*segments)["primary"] == []
    assert office.lies(*segments)["standby"]


def test_where_a_hold_cannot_be_read_at_the_look_nothing_is_replaced(office: Office) -> None:
    id = office.cooled()

    def strange() -> None:
        office.archive.record_aside([office.archive.system_event(EventType.HOLD_PLACED, {"hold": 5})])

    done = office.run(id, fault=AtStep("disposal-begun", strange))
    assert done.known.state == "half-done"
    assert "was not replaced" in done.halted[0]
    assert not is_gone(office, "t-1")


@pytest.mark.parametrize("step", ["disposal-begun", "disposal-replaced"])
def test_while_a_site_is_away_at_a_look_nothing_goes_and_the_next_run_completes_it(
    office: Office, step: str
) -> None:
    id = office.cooled()
    segments = planned_segments(office, id)
    standby = office.home.standby
    done = office.run(id, fault=AtStep(step, lambda: standby.fail_next("list", times=10_000)))
    assert done.known.state == "half-done"
    assert "the site standby is away" in done.halted[0]
    standby.fail_next("list", times=0)
    assert office.lies(*segments)["primary"]
    assert is_gone(office, "t-1") == (step == "disposal-replaced")
    office.pass_time(timedelta(minutes=10))
    assert office.run(id).known.state == "certified"


def test_a_withdrawal_while_it_is_looked_at_keeps_all_and_uses_up_nothing(office: Office) -> None:
    id = office.cooled()

    def withdraw() -> None:
        withdraw_disposal(office.archive, id, office.who("hoa"), "we wait")

    with pytest.raises(Conflict, match="it was withdrawn"):
        office.run(id, fault=AtStep("disposal-looked", withdraw))
    known = office.known(id)
    assert (known.state, known.approval.state, known.record.begin) == ("withdrawn", "approved", None)
    assert not is_gone(office, "t-1")


def test_who_is_not_signed_on_runs_none(office: Office) -> None:
    id = office.cooled()
    for name in ("lan", "root"):
        with pytest.raises(AccessDenied, match="not signed on"):
            run_disposal(office.archive, id, Requester(name), office.home.sites)
    assert office.run(id).known.state == "certified"


def test_a_hold_over_something_else_between_the_two_sites_stops_nothing(office: Office) -> None:
    id = office.cooled()
    hold = AtStep("disposal-after-site", lambda: office.hold(filters={"transaction_id": "t-open"}))
    assert office.run(id, fault=hold).known.state == "certified"


def test_a_lock_that_a_keeper_prolonged_meanwhile_is_in_the_certificate_and_a_later_run_completes_it(
    office: Office,
) -> None:
    id = office.cooled()
    [segment] = planned_segments(office, id)
    site, until = office.home.standby, rounded_up(office.now + timedelta(days=5))

    def prolong() -> None:
        key = office.lies(segment)["standby"][0]
        site.extend(key, site.stat(key).version, until)

    done = office.run(id, fault=AtStep("disposal-replaced", prolong))
    assert done.known.state == "certified-in-part"
    [left] = certificate(office, id)["remaining"]
    assert left["where"] == "standby"
    assert segment in left["what"]
    assert left["until"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    assert office.run(id).known.record.certificates == done.known.record.certificates, "nothing is new"
    office.pass_time(timedelta(days=5, minutes=1))
    office.keep()
    again = office.run(id)
    assert again.known.state == "certified"
    assert office.lies(segment) == {"primary": [], "standby": []}
    told = certificate(office, id)
    assert (told["number"], told["first"]) == (2, done.known.record.certificates[0].sha256)


def with_repository(office: Office, repository: str | None) -> None:
    settings = office.archive.settings
    backup = settings.backup.model_copy(update={"repository": repository})
    office.archive.settings = settings.model_copy(update={"backup": backup})


def backed_up(office: Office, what: str = "control+objects") -> None:
    office.archive.record("backup.ran", {"whole": True, "what": what})
    office.archive.refresh()


def test_backups_elsewhere_are_named_for_as_long_as_nobody_can_say_that_they_are_gone(office: Office) -> None:
    id = office.cooled()
    with_repository(office, "elsewhere")
    backed_up(office)
    done = office.run(id)
    assert done.known.state == "certified-in-part"
    [left] = certificate(office, id)["remaining"]
    assert (left["where"], left["until"]) == ("third copy", None)
    assert "nobody looked there" in left["why"]
    office.pass_years(1)
    office.verify()
    backed_up(office)
    assert office.run(id).known.record.certificates == done.known.record.certificates, (
        "by time nothing is gone"
    )
    with_repository(office, None)
    assert office.run(id).known.state == "certified-in-part", "a backup was made once"


def test_where_no_backup_ever_held_objects_none_is_named(office: Office) -> None:
    id = office.cooled()
    backed_up(office, "control")
    assert office.run(id).known.state == "certified"


def test_what_may_go_first_is_waited_for_also_where_other_ends_are_not_known(office: Office) -> None:
    id = office.cooled()
    with_repository(office, "elsewhere")
    backed_up(office)
    [segment] = planned_segments(office, id)
    until = rounded_up(office.now + timedelta(days=5))

    def prolong() -> None:
        site = office.home.standby
        key = office.lies(segment)["standby"][0]
        site.extend(key, site.stat(key).version, until)

    first = office.run(id, fault=AtStep("disposal-replaced", prolong)).known.record.certificate
    assert first is not None
    assert (first.remaining, first.until) == (2, until)
    assert gather_facts(office.archive, SeenFacts()).record.disposals_waiting == {}
    office.pass_time(timedelta(days=5, minutes=1))
    office.keep()
    backed_up(office)
    assert gather_facts(office.archive, SeenFacts()).record.disposals_waiting == {id: until}
    office.home.standby.fail_next("delete", times=1_000)
    assert office.run(id).known.state == "half-done"
    assert list(gather_facts(office.archive, SeenFacts()).record.disposals_half_done) == [id]
    office.home.standby.fail_next("delete", times=0)
    office.pass_time(timedelta(minutes=1))
    done = office.run(id).known
    assert done.state == "certified-in-part"
    assert [(one.number, one.remaining) for one in done.record.certificates] == [(1, 2), (2, 1)]
    facts = gather_facts(office.archive, SeenFacts()).record
    assert (facts.disposals_waiting, facts.disposals_half_done) == ({}, {})


def test_what_a_store_refused_is_not_among_what_went(office: Office) -> None:
    id = office.cooled()
    [segment] = planned_segments(office, id)
    key = office.lies(segment)["primary"][0]
    site, until = office.home.primary, rounded_up(office.now + timedelta(days=5))

    def prolong() -> None:
        site.extend(key, site.stat(key).version, until)

    office.run(id, fault=AtStep("disposal-before-remove", prolong))
    told = certificate(office, id)
    [left] = told["remaining"]
    assert (left["where"], left["why"]) == ("primary", "the store refused it")
    went = {(where, name) for where, name, *_ in told["objects"]}
    assert ("primary", key) not in went
    assert ("standby", key) in went
    assert told["counts"]["objects"] == len(went) == sum(one["objects"] for one in told["removed"])


def test_one_run_at_a_time(office: Office) -> None:
    id = office.cooled()

    def second() -> None:
        with pytest.raises(Busy):
            office.run(id)

    assert office.run(id, fault=AtStep("disposal-begun", second)).known.state == "certified"


def test_at_file_sites_with_the_secrets_of_their_disposers(tmp_path: Path) -> None:
    clock = ManualClock()
    init_home(tmp_path / "home", clock=clock)
    with Archive.open(tmp_path / "home", ports=Ports.under(clock)) as archive:
        office = settled(Office(Home(tmp_path / "home", clock, dict(archive.sites)), archive))  # type: ignore[arg-type]
        id = office.cooled()
        segments = planned_segments(office, id)
        done = office.run(id, **disposers_of(archive))
        assert (done.known.state, done.halted, done.left) == ("certified", (), ())
        assert office.lies(*segments) == {"primary": [], "standby": []}
        assert is_gone(office, "t-1")
