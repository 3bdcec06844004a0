"""Whole sample transactions: what a gateway would push, in the order in which it would happen.

A seed decides everything: the same seed gives the same transactions, byte for byte, however many are asked
for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.sample.forms import Form, d02_ts, scan, tk1_ts
from vanvault.archiver.core.sample.messages import (
    IVAN,
    PROCEDURES,
    envelope,
    envelope_truth,
    health_claim,
    notice,
)
from vanvault.archiver.core.sample.people import Employer, Person, employer, person

MAX_BODY = 2 * 10**6  # bytes; no sample message is larger

_ROW = 400  # bytes that one employee adds to an envelope, base64 included
_SIGNED = 6_420  # bytes of an envelope whose one D02-TS has no employees
_MOST_ROWS = 60  # employees in a dossier of a given size; scans fill the rest
_POOL = 400  # employers whose transactions come again and again


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """One message. ``metadata`` is what the gateway would send along, ``truth`` what the body says."""

    message_id: str
    body: bytes
    content_type: str
    metadata: Metadata
    truth: Metadata
    at: datetime


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One line of the transaction log.

    ``state`` is one of signed, received, forwarded, accepted, rejected, processing, supplement, returned,
    refused, withdrawn.
    """

    event_id: str
    transaction_id: str
    occurred_at: datetime
    type: str
    state: str
    actor: str
    dossier_number: str = ""
    employer_code: str = ""
    procedure: str = ""
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleTransaction:
    """A transaction with its messages and events, each in the order of time; ``state`` is where it stands."""

    transaction_id: str
    messages: tuple[SampleMessage, ...]
    events: tuple[SampleEvent, ...]
    state: str


def generate(
    count: int, seed: int, *, start: datetime, size: int | None = None, span: timedelta | None = None
) -> Iterator[SampleTransaction]:
    """``count`` transactions, the first of which begins at ``start`` (aware), one every 40 s on average.

    ``span`` spreads them over that time instead; each of these ends within it or some days later, and one in
    twenty of those that closed is opened again, a month or more later.

    ``size`` asks for dossiers of about so many bytes (10,000 or more); without it sizes are mixed: most 9 to
    30 kB, a tail up to MAX_BODY. About one in twelve is a health claim; one in six is still open, some are
    rejected, supplemented, refused or withdrawn.
    """
    begins = start
    for index in range(count):
        rng = _rng(seed, "transaction", index)
        if span is not None:
            begins = start + _rounded(span * ((index + rng.random()) / count))
        made = _transaction(seed, rng, f"{begins:%Y%m%d}-{seed:x}-{index:07d}", begins, size)
        again = begins + timedelta(days=rng.randint(30, 400)) if span is not None else None
        if span is not None and again is not None and again < start + span and rng.random() < 0.05:
            made = _opened_again(made, again)
        yield made
        begins += timedelta(seconds=round(rng.expovariate(1 / 40), 3))


def dossiers(count: int, seed: int, size: int = 10_000) -> Iterator[bytes]:
    """``count`` distinct signed envelopes within 7 % of ``size`` bytes (10,000 or more), for benchmarks."""
    for index in range(count):
        rng = _rng(seed, "dossier", index)
        forms, _ = _forms(rng, _employer(seed, index), "01/2026", size)
        created = datetime.fromisoformat("2026-01-15T08:00:00+07:00") + timedelta(seconds=index)
        yield envelope(_employer(seed, index), "600", "01/2026", created, forms)


def _rng(seed: int, what: str, index: int) -> Random:
    return Random(f"{seed}/{what}/{index}")  # noqa: S311 - repeatable on purpose, and guards nothing


def _employer(seed: int, index: int) -> Employer:
    return employer(_rng(seed, "employer", index % _POOL))


def _forms(rng: Random, unit: Employer, period: str, size: int) -> tuple[tuple[Form, ...], tuple[str, ...]]:
    """Forms for an envelope of about ``size`` bytes, and the insurance numbers in them."""
    rows = min(max(1, (size - _SIGNED) // _ROW), _MOST_ROWS)
    people = tuple(person(rng) for _ in range(rows))
    forms = [d02_ts(rng, unit, people, period)]
    rest = size - _SIGNED - rows * _ROW
    if rest > 2 * _ROW:
        forms.append(scan(rng, (rest - 300) * 3 // 4))
    return tuple(forms), tuple(dict.fromkeys(one.insurance_number for one in people))


def _mixed_forms(rng: Random, unit: Employer, period: str) -> tuple[tuple[Form, ...], tuple[str, ...]]:
    """Forms as they come: some rows, perhaps single declarations, perhaps scans."""
    people = tuple(person(rng) for _ in range(min(120, 1 + int(rng.lognormvariate(1.2, 0.9)))))
    forms = [d02_ts(rng, unit, people, period)]
    if rng.random() < 0.3:
        forms += [tk1_ts(unit, one) for one in people[:2]]
    if rng.random() < 0.2:
        room = (MAX_BODY - 250_000) * 3 // 4
        forms.append(scan(rng, min(room, int(rng.lognormvariate(10.3, 1.6)))))
    return tuple(forms), tuple(dict.fromkeys(one.insurance_number for one in people))


#: How a transaction goes on after it was forwarded, and how often.
_COURSES = {
    ("accepted", "processing", "returned"): 58,
    ("accepted", "processing", "supplement", "resubmitted", "processing", "returned"): 9,
    ("rejected",): 8,
    ("accepted", "processing", "refused"): 5,
    ("accepted", "withdrawn"): 2,
    ("accepted", "processing"): 10,
    ("accepted", "processing", "supplement"): 4,
    (): 4,
}
_ACTORS = {
    "signed": "employer",
    "resubmitted": "employer",
    "withdrawn": "employer",
    "received": "ivan",
    "forwarded": "ivan",
}


@dataclass(slots=True)
class _Log:
    """Grows as the transaction goes on."""

    transaction_id: str
    now: datetime
    known: Metadata
    messages: list[SampleMessage] = field(default_factory=list)
    events: list[SampleEvent] = field(default_factory=list)

    def wait(self, rng: Random, seconds: float) -> None:
        self.now += timedelta(seconds=round(0.5 + rng.expovariate(1 / seconds), 3))

    def message(self, body: bytes, truth: Metadata) -> None:
        given = Metadata(kind=truth.kind, transaction_id=self.transaction_id, ivan=IVAN)
        number = len(self.messages) + 1
        self.messages.append(
            SampleMessage(f"{self.transaction_id}.{number}", body, "application/xml", given, truth, self.now)
        )

    def event(self, kind: str, state: str) -> None:
        detail = {"message_id": self.messages[-1].message_id} if self.messages else {}
        self.events.append(
            SampleEvent(
                event_id=f"{self.transaction_id}-e{len(self.events) + 1}",
                transaction_id=self.transaction_id,
                occurred_at=self.now,
                type=f"transaction.{kind}",
                state=state,
                actor=_ACTORS.get(kind, "agency"),
                dossier_number=self.known.dossier_number,
                employer_code=self.known.employer_code,
                procedure=self.known.procedure,
                detail=detail,
            )
        )

    def done(self) -> SampleTransaction:
        return SampleTransaction(
            self.transaction_id, tuple(self.messages), tuple(self.events), self.events[-1].state
        )


def _transaction(
    seed: int, rng: Random, identity: str, begins: datetime, size: int | None
) -> SampleTransaction:
    if size is None and rng.random() < 0.08:
        return _claim(rng, identity, begins)
    unit = _employer(seed, rng.randrange(_POOL))
    procedure = rng.choice(tuple(PROCEDURES))
    period = f"{begins:%m/%Y}"
    forms, numbers = _forms(rng, unit, period, size) if size else _mixed_forms(rng, unit, period)
    log = _Log(identity, begins, envelope_truth(unit, procedure, period, numbers))
    log.event("signed", "signed")
    log.wait(rng, 5)
    log.message(envelope(unit, procedure, period, log.now, forms), log.known)
    log.event("received", "received")
    log.wait(rng, 60)
    log.event("forwarded", "forwarded")
    (course,) = rng.choices(tuple(_COURSES), weights=tuple(_COURSES.values()))
    for step in course:
        log.wait(rng, 1800 if step in ("accepted", "rejected") else 40_000)
        if step == "accepted":
            number = f"{rng.randrange(1, 99_999):05d}/{log.now:%Y}/{unit.agency.code}"
            log.known = replace(log.known, dossier_number=number)
        if step in ("accepted", "rejected", "returned", "refused"):
            number = log.known.dossier_number
            log.message(*notice(unit, procedure, period, log.now, step, number, identity))
        if step == "resubmitted":
            number = log.known.dossier_number
            again, numbers = _mixed_forms(rng, unit, period)
            truth = envelope_truth(unit, procedure, period, numbers, number)
            log.message(envelope(unit, procedure, period, log.now, again, number), truth)
        log.event(step, "received" if step == "resubmitted" else step)
    return log.done()


def _opened_again(made: SampleTransaction, at: datetime) -> SampleTransaction:
    """The same, where the agency took it up again after ``at``, once closed, and closed it a day later."""
    if made.state not in ("returned", "refused"):
        return made
    last, more = made.events[-1], []
    for number, (kind, state) in enumerate((("processing", "processing"), ("returned", "returned")), 1):
        identity = f"{made.transaction_id}-e{len(made.events) + number}"
        when = at + timedelta(days=number)
        more.append(
            replace(last, event_id=identity, occurred_at=when, type=f"transaction.{kind}", state=state)
        )
    return replace(made, events=(*made.events, *more), state=more[-1].state)


def _rounded(span: timedelta) -> timedelta:
    return timedelta(milliseconds=span // timedelta(milliseconds=1))


def _claim(rng: Random, identity: str, begins: datetime) -> SampleTransaction:
    facility = f"{rng.randint(1, 96):02d}{rng.randint(1, 399):03d}"
    patients: tuple[Person, ...] = tuple(person(rng) for _ in range(1 + int(rng.expovariate(1 / 3))))
    body, truth = health_claim(rng, facility, patients, begins)
    log = _Log(identity, begins, truth)
    log.message(body, truth)
    log.event("received", "received")
    log.wait(rng, 30)
    log.event("forwarded", "forwarded")
    if rng.random() < 0.85:
        log.wait(rng, 600)
        log.event("accepted", "accepted")
        log.wait(rng, 90_000)
        log.event("returned", "returned")
    return log.done()
