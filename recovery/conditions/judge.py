"""From facts to conditions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.core.law import DUTIES, duties
from vanvault.archiver.core.times import rfc3339_seconds, vietnam_day
from vanvault.archiver.people.accounts import REVIEW_MONTHS
from vanvault.archiver.people.sign_on import REVIEW_WITHIN
from vanvault.recovery.conditions.facts import ArchiveFacts, RecordFacts, SeenFacts, Since
from vanvault.recovery.conditions.kinds import CONDITIONS, ConditionKind, ConditionSeverity

#: Id, since when (None: as far as is known, now), and what is the matter.
_Found = tuple[str, datetime | None, str]
#: Accounts that one condition names.
_MOST_NAMES = 5

#: Each says by itself why intake is refused.
_REFUSING = frozenset(
    {"site-away", "site-clock-off", "clock-ahead", "clock-off", "probe-missing", "keys-missing"}
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about the archive that somebody must see to, until it is mended."""

    kind: ConditionKind
    since: datetime  # when it began, as far as is known; else when it was seen
    text: str  # what is the matter, for people

    @property
    def id(self) -> str:
        return self.kind.id

    @property
    def severity(self) -> ConditionSeverity:
        return self.kind.severity

    @property
    def line(self) -> str:
        """One line for people: what is the matter, since when, and what to do."""
        return f"{self.id}: {self.text}, since {rfc3339_seconds(self.since)}. {self.kind.remedy}"

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "id": self.id,
            "severity": self.severity,
            "since": rfc3339_seconds(self.since),
            "text": self.text,
            "remedy": self.kind.remedy,
            "runbook": self.kind.runbook,
        }


def conditions_of(
    facts: ArchiveFacts, first_seen: Mapping[str, datetime] | None = None
) -> tuple[Condition, ...]:
    """Every condition that stands, errors first, then in the order of the table; each at most once.

    ``first_seen``: by id since when it was seen, for those of which no fact says since when they stand.
    """
    seen_at = first_seen or {}
    found: dict[str, Condition] = {}
    for name, since, text in (*_of_sites(facts.seen), *_of_record(facts), *_of_look(facts)):
        found[name] = Condition(
            CONDITIONS[name], (since or seen_at.get(name, facts.now)).replace(microsecond=0), text
        )
    if facts.seen.refused and not _REFUSING.intersection(found):
        since = facts.seen.refused_since or facts.now
        text = f"the node takes no message: {facts.seen.refused}"
        found["intake-refused"] = Condition(CONDITIONS["intake-refused"], since.replace(microsecond=0), text)
    in_order = [found[name] for name in CONDITIONS if name in found]
    return tuple(sorted(in_order, key=lambda one: one.severity != "error"))


def _of_sites(seen: SeenFacts) -> Iterator[_Found]:
    for name, sites in (("site-away", seen.away), ("site-clock-off", seen.clock_off)):
        if sites:
            yield name, _first(seen.since, sites), "; ".join(f"{site}: {why}" for site, why in sites.items())
    if seen.behind:
        text = ", ".join(f"{site} lacks {count} objects" for site, count in seen.behind.items())
        yield "site-behind", _first(seen.since, seen.behind), text
    if seen.together:
        yield "sites-together", None, seen.together


def _of_record(facts: ArchiveFacts) -> Iterator[_Found]:
    record = facts.record
    if record.damage:
        since = min(one.since for one in record.damage.values())
        text = ", ".join(f"{site} ({one.findings} findings)" for site, one in record.damage.items())
        yield (
            "damage-known",
            since,
            f"a verification found damage at {text}, and none has found it whole since",
        )
    for name, what, late in (
        ("verification-overdue", "parts were not verified for too long", record.unverified),
        ("drill-failed", "the last run did not pass", record.drills_failed),
        ("drill-overdue", "not passed in time", record.drills_overdue),
        ("job-failing", "the last run went wrong", record.jobs_failing),
        ("job-overdue", "no good run in time", record.jobs_overdue),
        ("hold-unconfirmed", "placed, and nobody confirmed it in 72 hours", record.holds_unconfirmed),
        ("disposal-half-done", "begun, and not at its end", record.disposals_half_done),
        (
            "disposal-waits",
            "cooled, or what was left may go now, and nobody has run it",
            record.disposals_waiting,
        ),
        ("report-overdue", "not made before the 10th", record.reports_overdue),
    ):
        if late:
            yield name, min(late.values()), f"{', '.join(sorted(late))}: {what}"
    if record.jobs_wrong:
        yield "job-wrong", None, "; ".join(record.jobs_wrong)
    if record.windows_unannounced:
        since, names = min(record.windows_unannounced.values()), ", ".join(record.windows_unannounced)
        yield "window-unannounced", since, f"not everybody was told of {names}. {_asked_ahead(facts.now)}"
    if record.disposals_back:
        text = "; ".join(sorted(record.disposals_back))
        since = min(record.disposals_back.values())
        yield "disposal-came-back", since, f"copies of what was disposed of lie at a site again: {text}"
    for name, few in (
        ("approvers-gone", record.approvers_gone),
        ("approvers-few", record.approvers_few),
        ("keepers-failing", record.keepers),
        ("profile-differs", record.profile_differs),
        ("open-too-long", record.open_too_long),
    ):
        if few:
            yield name, min(few.values()), "; ".join(sorted(few))
    yield from _of_break_glass(facts)
    if record.reviews_due:
        yield "reviews-due", min(record.reviews_due.values()), _reviews(record.reviews_due)
    yield from _of_backup(facts)
    yield from _of_escrow(record)
    yield from _of_keys(facts)


def _of_break_glass(facts: ArchiveFacts) -> Iterator[_Found]:
    uses = facts.record.break_glass
    late = {name: at + REVIEW_WITHIN for name, at in uses.items() if at + REVIEW_WITHIN <= facts.now}
    fresh = {name: at for name, at in uses.items() if name not in late}
    if fresh:
        names = ", ".join(sorted(fresh))
        yield (
            "break-glass",
            min(fresh.values()),
            f"{names}: a sealed credential was used; review it",
        )
    if late:
        names = ", ".join(sorted(late))
        yield "break-glass-overdue", min(late.values()), f"{names}: its use was not reviewed within a day"


def _reviews(due: Since) -> str:
    names = sorted(due, key=lambda name: (due[name], name))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    told = f"{', '.join(names[:_MOST_NAMES])}{more}"
    return f"{told}: nobody has confirmed for {REVIEW_MONTHS} months, or the owner is off"


def _of_emergency(seen: SeenFacts) -> _Found:
    one = seen.emergency
    if one is None:
        return "look-emergency", None, f"whether an emergency is in force: {seen.emergency_trouble}"
    text = f"until {rfc3339_seconds(one.until)} looks may wait for the record in this home: {one.reason}"
    return "look-emergency", one.since, text


def _of_backup(facts: ArchiveFacts) -> Iterator[_Found]:
    record, backup = facts.record, facts.record.backup
    if not backup.configured:
        yield "backup-missing", record.began, "no third copy is kept: backup.repository is not set"
        return
    if backup.country not in (None, "VN") and (asked := _kept_in_country(facts.now)):
        yield "backup-abroad", None, f"the third copy lies in {backup.country}. {asked}"
    if backup.left_out_since or backup.unsound_since:
        times = [at for at in (backup.left_out_since, backup.unsound_since) if at]
        what = [
            *(["a run left objects out"] if backup.left_out_since else []),
            *(["a check found the repository wrong"] if backup.unsound_since else []),
        ]
        yield "backup-failed", min(times), " and ".join(what)
    saved = backup.last_saved or backup.last_good  # a stale escrow has conditions of its own
    due = (saved or record.began) + record.backup_max_age
    if due < facts.now:
        last = f"the last run that saved every object was at {rfc3339_seconds(saved)}" if saved else ""
        yield "backup-overdue", due, last or "there was no good run yet"


def _asked_ahead(now: datetime) -> str:
    """What the law asks for before a planned stop, with how that is known, and whether it still holds."""
    found = (duty for duty in DUTIES if duty.name == "maintenance-notice")
    return "; ".join(f"{duty.en.rstrip('.')}: {duty.cited_on(vietnam_day(now))}" for duty in found)


def _kept_in_country(now: datetime) -> str:
    """What the law asks for, with how that is known; empty: nothing, as far as is known, on this day."""
    found = (duty for duty in duties(on=vietnam_day(now)) if duty.name == "data-in-country")
    return "; ".join(f"{duty.en.rstrip('.')}: {duty.citation()}" for duty in found)


def _of_escrow(record: RecordFacts) -> Iterator[_Found]:
    escrow = record.escrow
    if escrow.missing:
        yield (
            "escrow-missing",
            record.began,
            "no escrow of the keys is on record: with this host, they are lost",
        )
    if escrow.stale:
        text = f"no escrow bundle holds {', '.join(escrow.stale)}: with this host, what it wrote is lost"
        yield "escrow-stale", escrow.since, text
    if escrow.unverified:
        text = f"no escrow bundle that was opened with its shares holds {', '.join(escrow.unverified)}"
        yield "escrow-unverified", escrow.since, text


def _of_keys(facts: ArchiveFacts) -> Iterator[_Found]:
    missing, trouble = facts.record.keys.missing, facts.seen.key_trouble
    on_record = f"{', '.join(missing)} is missing: what was written under it cannot be read or proved"
    what = [*([on_record] if missing else []), *([trouble.rstrip(".")] if trouble else [])]
    if what:
        yield "keys-missing", None, "; ".join(what)


def _of_look(facts: ArchiveFacts) -> Iterator[_Found]:
    seen = facts.seen
    for name, why in (
        ("clock-ahead", seen.clock_ahead),
        ("clock-off", seen.clocks_apart),
        ("probe-missing", seen.unprobed),
    ):
        if why:
            yield name, None, why
    if seen.lock_alarms:
        yield (
            "lock-ends",
            None,
            f"{seen.lock_alarms} copies of batches in no segment are about to lose their lock",
        )
    if seen.acts_missing:
        yield "key-acts-missing", None, f"the key folder lacks acts about {', '.join(seen.acts_missing)}"
    if seen.keys_untrusted:
        yield "key-not-trusted", None, f"no trusted key introduced {', '.join(seen.keys_untrusted)}"
    yield from _of_set_aside(facts)
    if seen.emergency is not None or seen.emergency_trouble:
        yield _of_emergency(seen)
    if seen.index_not_kept:
        text = "; ".join(f"{site}: {why}" for site, why in seen.index_not_kept.items())
        yield "index-not-kept", None, text
    if seen.refused_residues:
        more = len(seen.refused_residues) - _MOST_NAMES
        names = ", ".join(seen.refused_residues[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        yield "residue-refused", None, f"{names}: signed to replace segments that it does not hold whole"
    if seen.conflicts:
        yield "id-conflict", None, f"{seen.conflicts} ids have two contents"
    if not seen.complete:
        yield "hot-tail-incomplete", None, "not everything at the sites could be read for searches"


def _of_set_aside(facts: ArchiveFacts) -> Iterator[_Found]:
    """A look comes across objects only; a verification names every file. What both found is counted once."""
    named = facts.record.set_aside
    objects = max(facts.seen.set_aside, sum(one.objects for one in named.values()))
    if not objects:
        return
    where = ", ".join(f"{one.objects} at {site}" for site, one in named.items())
    told = f"; the last verification named {where}" if named else ""
    since = min((one.since for one in named.values()), default=None)
    yield "set-aside", since, f"{objects} objects at the sites are not the archive's{told}"


def _first(since: Since, sites: Mapping[str, object]) -> datetime | None:
    return min((since[site] for site in sites if site in since), default=None)
