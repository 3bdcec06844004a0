"""Which conditions follow from which facts; each has its page in the runbooks, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.runbooks.pages import FOLDER, LANGUAGES, text_of
from vanvault.archiver.core.law import HowKnown, citation
from vanvault.recovery.access import Emergency
from vanvault.recovery.backup import BackupStanding
from vanvault.recovery.conditions import CONDITIONS, ArchiveFacts, RecordFacts, SeenFacts, conditions_of
from vanvault.recovery.coverage import KnownAside, KnownDamage
from vanvault.recovery.custody import EscrowStanding, KnownKeys
from vanvault.recovery.custody.standing import EscrowBundle

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
BEGAN = NOW - timedelta(days=400)
AN_HOUR_AGO = NOW - timedelta(hours=1)
LAST_WEEK = NOW - timedelta(days=7)

BACKED_UP = BackupStanding(configured=True, last_good=AN_HOUR_AGO)
BUNDLE = EscrowBundle("8b9bfbc0f154991b", frozenset(["originals/1"]), LAST_WEEK, AN_HOUR_AGO)
SAFE = EscrowStanding(possible=True, bundles=(BUNDLE,), in_use=("originals/1",))
SOUND = RecordFacts(began=BEGAN, backup=BACKED_UP, escrow=SAFE)

#: ArchiveFacts that make just one condition, and since when it stands.
OF_RECORD = {
    "damage-known": ({"damage": {"primary": KnownDamage(LAST_WEEK, AN_HOUR_AGO, 2)}}, LAST_WEEK),
    "verification-overdue": ({"unverified": {"standby": LAST_WEEK}}, LAST_WEEK),
    "drill-failed": ({"drills_failed": {"node-lost": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "drill-overdue": ({"drills_overdue": {"node-lost": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "job-failing": ({"jobs_failing": {"verify": AN_HOUR_AGO, "forecast": LAST_WEEK}}, LAST_WEEK),
    "job-overdue": ({"jobs_overdue": {"verify": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "break-glass": ({"break_glass": {"lan (g-0123)": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "break-glass-overdue": (
        {"break_glass": {"lan (g-0123)": LAST_WEEK}},
        LAST_WEEK + timedelta(days=1),
    ),
    "reviews-due": ({"reviews_due": {"lan": AN_HOUR_AGO, "minh": LAST_WEEK}}, LAST_WEEK),
    "approvers-gone": ({"approvers_gone": {"1 people can approve": LAST_WEEK}}, LAST_WEEK),
    "approvers-few": ({"approvers_few": {"2 people may approve": LAST_WEEK}}, LAST_WEEK),
    "hold-unconfirmed": ({"holds_unconfirmed": {"h-1": LAST_WEEK}}, LAST_WEEK),
    "disposal-half-done": ({"disposals_half_done": {"d-1": LAST_WEEK}}, LAST_WEEK),
    "disposal-came-back": ({"disposals_back": {"2 of them": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "disposal-waits": ({"disposals_waiting": {"d-2": AN_HOUR_AGO}}, AN_HOUR_AGO),
    "keepers-failing": ({"keepers": {"clocks: no round for a day": LAST_WEEK}}, LAST_WEEK),
    "profile-differs": ({"profile_differs": {"QD08-2015 is in force": LAST_WEEK}}, LAST_WEEK),
    "open-too-long": ({"open_too_long": {"3 transactions": LAST_WEEK}}, LAST_WEEK),
    "report-overdue": ({"reports_overdue": {"accounts 2026-Q3": LAST_WEEK}}, LAST_WEEK),
    "window-unannounced": ({"windows_unannounced": {"a1b2c3": LAST_WEEK}}, LAST_WEEK),
    "job-wrong": ({"jobs_wrong": ("schedule.jobs.verify.every: too long",)}, NOW),
    "backup-missing": ({"backup": BackupStanding(configured=False)}, BEGAN),
    "backup-abroad": ({"backup": replace(BACKED_UP, country="SG")}, NOW),
    "backup-overdue": (
        {"backup": BackupStanding(configured=True, last_good=LAST_WEEK)},
        LAST_WEEK + timedelta(days=2),
    ),
    "backup-failed": ({"backup": replace(BACKED_UP, left_out_since=LAST_WEEK)}, LAST_WEEK),
    "escrow-missing": ({"escrow": EscrowStanding(possible=True)}, BEGAN),
    "escrow-stale": (
        {"escrow": replace(SAFE, lacking=("originals/2",), since=AN_HOUR_AGO)},
        AN_HOUR_AGO,
    ),
    "escrow-unverified": (
        {"escrow": replace(SAFE, unverified=("originals/1",), since=LAST_WEEK)},
        LAST_WEEK,
    ),
    "keys-missing": ({"keys": KnownKeys(missing=("originals/2",))}, NOW),
}
OF_LOOK = {
    "site-away": ({"away": {"standby": "connection refused"}, "since": {"standby": LAST_WEEK}}, LAST_WEEK),
    "site-clock-off": ({"clock_off": {"standby": "7 h ahead"}}, NOW),
    "clock-ahead": ({"clock_ahead": "a clock was ahead once"}, NOW),
    "clock-off": ({"clocks_apart": "the host's clock is off"}, NOW),
    "probe-missing": ({"unprobed": "primary: it was not probed"}, NOW),
    "intake-refused": ({"refused": "the disk is full", "refused_since": LAST_WEEK}, LAST_WEEK),
    "site-behind": ({"behind": {"standby": 3}}, NOW),
    "sites-together": ({"together": "both sites are buckets of one server"}, NOW),
    "lock-ends": ({"lock_alarms": 1}, NOW),
    "key-acts-missing": ({"acts_missing": ("00112233",)}, NOW),
    "key-not-trusted": ({"keys_untrusted": ("00112233",)}, NOW),
    "set-aside": ({"set_aside": 4}, NOW),
    "residue-refused": ({"refused_residues": ("1ybz0j763g9qvbn0",)}, NOW),
    "id-conflict": ({"conflicts": 1}, NOW),
    "look-emergency": (
        {"emergency": Emergency("e1", "lan", "both sites are away", AN_HOUR_AGO, NOW)},
        AN_HOUR_AGO,
    ),
    "index-not-kept": ({"index_not_kept": {"standby": "it keeps no index of 2 of 9 segments"}}, NOW),
    "hot-tail-incomplete": ({"complete": False}, NOW),
}


def test_a_sound_archive_has_none() -> None:
    assert conditions_of(ArchiveFacts(NOW, SOUND, SeenFacts())) == ()


@pytest.mark.parametrize("name", CONDITIONS)
def test_each_condition_follows_from_its_facts_alone(name: str) -> None:
    record, seen, since = SOUND, SeenFacts(), NOW
    if name in OF_RECORD:
        fields, since = OF_RECORD[name]
        record = replace(SOUND, **fields)
    else:
        fields, since = OF_LOOK[name]
        seen = SeenFacts(**fields)
    (found,) = conditions_of(ArchiveFacts(NOW, record, seen))
    assert (found.id, found.since) == (name, since)
    told = found.as_json()
    assert told["severity"] == CONDITIONS[name].severity
    assert all(told[field] for field in ("since", "text", "remedy", "runbook"))


def test_without_an_escrow_ever_nothing_is_stale() -> None:
    never = EscrowStanding(possible=True, in_use=("originals/1",), lacking=("originals/1",))
    (found,) = conditions_of(ArchiveFacts(NOW, replace(SOUND, escrow=never), SeenFacts()))
    assert (found.id, found.severity) == ("escrow-missing", "warning")
    assert never.problems() == ()


@pytest.mark.parametrize("why", ["clock_ahead", "clocks_apart", "unprobed", "key_trouble"])
def test_a_refusal_that_another_condition_explains_is_told_once(why: str) -> None:
    seen = SeenFacts(**{why: "it is so", "refused": "it is so", "refused_since": LAST_WEEK})  # type: ignore[arg-type]
    (found,) = conditions_of(ArchiveFacts(NOW, SOUND, seen))
    assert found.id != "intake-refused"


def test_what_a_look_and_a_verification_found_is_counted_once() -> None:
    record = replace(SOUND, set_aside={"primary": KnownAside(LAST_WEEK, 3)})
    for seen, objects in ((0, 3), (2, 3), (5, 5)):
        (found,) = conditions_of(ArchiveFacts(NOW, record, SeenFacts(set_aside=seen)))
        assert (found.id, found.since) == ("set-aside", LAST_WEEK)
        assert found.text.startswith(f"{objects} objects")


def test_a_run_with_a_stale_escrow_saved_all_in_time() -> None:
    saved = BackupStanding(configured=True, last_good=LAST_WEEK, last_saved=AN_HOUR_AGO)
    assert conditions_of(ArchiveFacts(NOW, replace(SOUND, backup=saved), SeenFacts())) == ()


def test_a_third_copy_in_viet_nam_or_nobody_says_where_is_no_condition() -> None:
    for country in ("VN", None):
        record = replace(SOUND, backup=replace(BACKED_UP, country=country))
        assert conditions_of(ArchiveFacts(NOW, record, SeenFacts())) == ()


def test_a_third_copy_abroad_cites_the_law_and_claims_no_more_than_is_known() -> None:
    record = replace(SOUND, backup=replace(BACKED_UP, country="SG"))
    (found,) = conditions_of(ArchiveFacts(NOW, record, SeenFacts()))
    assert "lies in SG" in found.text
    assert citation("data-in-country", text="L116-2025") in found.text
    assert HowKnown.NOTES.words("en") in found.text


def test_before_the_law_on_cybersecurity_no_text_of_the_table_asks_where_data_lie() -> None:
    record = replace(
        SOUND, backup=replace(BACKED_UP, country="SG", last_good=datetime(2026, 6, 30, tzinfo=UTC))
    )
    assert conditions_of(ArchiveFacts(datetime(2026, 6, 30, 5, tzinfo=UTC), record, SeenFacts())) == ()


def test_of_many_accounts_to_review_a_few_are_named_the_longest_due_first() -> None:
    due = {f"person-{number}": LAST_WEEK + timedelta(hours=number) for number in range(9)}
    (found,) = conditions_of(ArchiveFacts(NOW, replace(SOUND, reviews_due=due), SeenFacts()))
    assert found.text.startswith("person-0, person-1, person-2, person-3, person-4 and 4 more: ")


def test_an_emergency_whose_file_cannot_be_read_is_told_too() -> None:
    (found,) = conditions_of(ArchiveFacts(NOW, SOUND, SeenFacts(emergency_trouble="the disk gives no byte")))
    assert found.id == "look-emergency"
    assert "the disk gives no byte" in found.text


def test_errors_are_told_first() -> None:
    record = replace(SOUND, backup=BackupStanding(configured=False), drills_failed={"node-lost": NOW})
    severities = [one.severity for one in conditions_of(ArchiveFacts(NOW, record, SeenFacts(set_aside=1)))]
    assert severities == ["error", "warning", "warning"]


def test_a_new_archive_is_given_time_for_its_first_backup() -> None:
    never = BackupStanding(configured=True)
    young = replace(SOUND, began=NOW - timedelta(days=1), backup=never)
    assert conditions_of(ArchiveFacts(NOW, young, SeenFacts())) == ()
    old = replace(young, began=NOW - timedelta(days=3))
    assert [one.id for one in conditions_of(ArchiveFacts(NOW, old, SeenFacts()))] == ["backup-overdue"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CONDITIONS)
def test_each_condition_has_an_entry_in_its_runbook(name: str, language: str) -> None:
    kind = CONDITIONS[name]
    assert f"`{name}`" in text_of(kind.page, language)
    assert kind.runbook == f"runbooks/{kind.page}.en.md"


@pytest.mark.parametrize("name", CONDITIONS)
def test_each_condition_has_an_alert_rule_that_names_its_runbook(name: str) -> None:
    groups = yaml.safe_load((FOLDER.parent / "docs" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    expression = f'max by (id) (vanvault_condition{{id="{name}"}}) == 1'
    (rule,) = (rule for group in groups for rule in group["rules"] if rule["expr"] == expression)
    assert f"runbook {CONDITIONS[name].page}." in rule["annotations"]["summary"]
    assert rule["labels"]["severity"] == ("critical" if CONDITIONS[name].severity == "error" else "warning")
