"""What happens in which month: the fates of transactions, and what the office goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.recovery.retention_years.checker import Broken, Checker
from tests.recovery.retention_years.model import Case, HoldKnown
from tests.recovery.retention_years.office import Office
from vanvault.archiver.retention import HoldScope

MONTH = 30  # days
#: What becomes of a transaction: so many months after its first message, what is pushed.
FATES: Mapping[str, tuple[tuple[int, str], ...]] = {
    "prompt": ((0, "message"), (0, "transaction.returned")),
    "slow": ((0, "message"), (5, "message"), (8, "transaction.returned")),
    "refused": ((0, "message"), (1, "transaction.refused")),
    "withdrawn": ((0, "message"), (2, "transaction.withdrawn")),
    "appealed": (
        (0, "message"),
        (1, "transaction.refused"),
        (3, "transaction.appealed"),
        (6, "transaction.returned"),
    ),
    "late": ((0, "message"), (112, "transaction.returned")),
    "later-than-its-lock": ((0, "message"), (136, "transaction.returned")),
    "opened again": (
        (0, "message"),
        (1, "transaction.returned"),
        (100, "transaction.supplement"),
        (104, "message"),
        (105, "transaction.returned"),
    ),
    "result came later": ((0, "message"), (1, "transaction.returned"), (4, "message")),
    "never": ((0, "message"),),
    "held": ((0, "message"), (0, "transaction.returned")),
    "held for a while": ((0, "message"), (0, "transaction.returned")),
}
#: Those that are enough where each month takes longer.
FEW = ("prompt", "slow", "held", "held for a while", "never", "later-than-its-lock")
GATEWAYS = ("gateway-1", "gateway-2")


Act = Callable[["Story"], None]


@dataclass
class Story:
    """Goes through the months, and looks after each."""

    office: Office
    checker: Checker
    acts: Mapping[int, Act]  # by month
    month: int = 0
    cleared: int = 0  # times that batches of a segment were removed at a site
    whole_every: int = 12  # months
    holds: dict[str, HoldKnown] = field(default_factory=dict)
    _coming: dict[int, list[tuple[Case, str]]] = field(default_factory=dict)

    @classmethod
    def at(cls, office: Office, acts: Mapping[int, Act], fates: Sequence[str] = tuple(FATES)) -> Story:
        """Four of these fates begin in each of the first months, at both gateways in turn."""
        story = cls(office, Checker(office), acts)
        for number, fate in enumerate(fates):
            story.open_case(number // 4, fate, GATEWAYS[number % 2])
        return story

    def open_case(self, month: int, fate: str, gateway: str) -> None:
        number = len(self.office.ledger.cases)
        case = self.office.case(gateway, f"t-{number} {fate}", f"TZ{number:04}Z")
        for after, what in FATES[fate]:
            self._coming.setdefault(month + after, []).append((case, what))

    def case(self, fate: str) -> Case:
        """The first one of this fate."""
        return next(case for case in self.office.ledger.cases.values() if case.id.endswith(f" {fate}"))

    def hold(self, fate: str) -> None:
        """By the employer, as a court names it."""
        case = self.case(fate)
        self.holds[fate] = self.office.hold(
            lambda paper: paper.case is case, HoldScope(filters={"employer_code": case.employer})
        )

    def clear(self) -> None:
        """Stored once from then on, and all of it there."""
        self.office.verify()
        spent = self.checker.spent()
        done = self.office.clear()
        if (done.halted, done.left) != ((), []):
            raise Broken(f"the clearing was stopped: {done.as_json()}")
        self.cleared += len(done.cleared)
        self.checker.cleared(spent)

    def dispose(self, before_run: Callable[[], None] | None = None) -> None:
        """Planned, approved by two, cooled, run: what may go, by the ledger, and nothing else."""
        office, checker = self.office, self.checker
        office.staff()
        office.archive.refresh()
        made, may_go = office.plan(), checker.may_go()
        planned = {one.id for one in made.plan.entries}
        if planned != may_go:
            raise Broken(f"planned are {sorted(planned)}, and {sorted(may_go)} may go")
        if made.known is None:
            return
        id = made.known.record.id
        office.approve(id, "binh", "hoa")
        office.cool()
        if before_run:
            before_run()
        goes = planned & checker.may_go()
        done = office.dispose(id)
        if done.known.state not in ("certified", "certified-in-part"):
            raise Broken(f"{id} is {done.known.state}: {done.as_json()}")
        office.ledger.let_go(goes, id)
        checker.certified(id)
        checker.nothing_left()

    def lose(self, site: str) -> None:
        """All of it comes back from the other one."""
        self.office.lose_and_restore(site)
        if not self.office.restored:
            raise Broken(f"not all of {site} was restored")

    def release(self, fate: str) -> None:
        self.office.release(self.holds[fate])

    def months(self, count: int) -> None:
        for _ in range(count):
            self._one()

    def _one(self) -> None:
        office, month = self.office, self.month
        coming = self._coming.get(month, [])
        office.push(coming)
        if act := self.acts.get(month):
            act(self)
        if coming or month in self.acts or month % 12 == 5:
            office.upkeep()
            office.pass_time(MONTH - 2)
        else:
            office.pass_time(MONTH)
        office.keep()
        self.checker.monthly()
        if month % self.whole_every == self.whole_every - 1 or month in self.acts:
            self.checker.whole()
        self.month += 1


#: What an office goes through, each in a month of its own.
ACTS: Mapping[int, Act] = {
    2: lambda story: story.hold("held"),
    3: lambda story: story.hold("held for a while"),
    20: lambda story: story.lose("primary"),
    26: Story.clear,
    33: lambda story: story.office.fail_over_and_back(),
    47: lambda story: story.office.new_node(),
    61: lambda story: story.lose("standby"),
    75: lambda story: story.office.rebuild_index(),
    90: lambda story: story.office.level_and_repair(),
    126: Story.clear,
    128: lambda story: story.release("held for a while"),
    136: lambda story: story.dispose(),
    139: lambda story: story.lose("primary"),
    141: lambda story: story.dispose(),
    144: lambda story: story.dispose(),
    149: lambda story: story.dispose(),
}
