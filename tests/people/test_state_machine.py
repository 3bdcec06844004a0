"""Any order of changes, against a model that is a few sets: names, ids and tokens keep their promises."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.core.errors import AccessDenied, Conflict, NotFound
from vanvault.archiver.people import Gateways, NewToken

NAMES = st.sampled_from(["a", "b", "c"])


class GatewaysOverTime(RuleBasedStateMachine):
    """Each rule does the same to the file and to the model; a refusal must be one of the model's, too."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.clock, self.entropy = ManualClock(), SeededEntropy(7)
        self.gateways = Gateways(self.home)
        self.ids: dict[str, str] = {}  # every name that ever was, and its id
        self.present: set[str] = set()
        self.good: dict[str, NewToken] = {}  # secrets that must work
        self.bad: set[str] = set()  # secrets that must never work again
        self.changes = 0

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        try:
            made = self.gateways.add(name, self.entropy, self.clock)
        except Conflict:
            assert name in self.ids
            return
        assert name not in self.ids
        assert made.gateway_id not in self.ids.values()
        self._came(made)

    @rule(name=NAMES)
    def bring_back(self, name: str) -> None:
        try:
            made = self.gateways.bring_back(name, self.entropy, self.clock)
        except NotFound:
            assert name not in self.ids
            return
        except Conflict:
            assert name in self.present
            return
        assert made.gateway_id == self.ids[name]
        self._came(made)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        try:
            self.gateways.remove(name, self.entropy, self.clock)
        except NotFound:
            assert name not in self.present
            return
        self.present.remove(name)
        self._went([made for made in self.good.values() if made.gateway == name])

    @rule(name=NAMES, hours=st.integers(0, 48) | st.none())
    def add_token(self, name: str, hours: int | None) -> None:
        overlap = None if hours is None else timedelta(hours=hours)
        try:
            made = self.gateways.add_token(name, self.entropy, self.clock, overlap=overlap)
        except NotFound:
            assert name not in self.present
            return
        if hours is not None:  # whether it is over at once or later, nobody may count on the others any more
            for other in [one for one in self.good.values() if one.gateway == name]:
                del self.good[other.secret]
        self._came(made)

    @rule(data=st.data())
    def remove_token(self, data: st.DataObject) -> None:
        if self.good:
            made = self.good[data.draw(st.sampled_from(sorted(self.good)))]
            self.gateways.remove_token(made.gateway, made.id, self.entropy, self.clock)
            self._went([made])

    @rule(hours=st.integers(1, 24))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule()
    def another_process_begins(self) -> None:
        self.gateways = Gateways(self.home)

    @rule()
    def all_is_recorded(self) -> None:
        self.gateways.recorded([change.nonce for change in self.gateways.unrecorded()])
        self.changes = 0

    @invariant()
    def tokens_work_or_not_as_the_model_says(self) -> None:
        if not self.ids:
            return
        for secret, made in self.good.items():
            caller = self.gateways.authenticate(secret, self.clock)
            assert (caller.gateway, caller.gateway_id) == (made.gateway, self.ids[made.gateway])
        for secret in self.bad:
            try:
                self.gateways.authenticate(secret, self.clock)
            except AccessDenied:
                continue
            raise AssertionError("a removed token works again")

    @invariant()
    def names_and_ids_belong_together_for_ever(self) -> None:
        assert {one.name: one.id for one in self.gateways.all()} == self.ids
        assert self.gateways.names() == sorted(self.present)

    @invariant()
    def every_change_waits_for_the_record_once(self) -> None:
        changes = self.gateways.unrecorded()
        assert len(changes) == len({change.nonce for change in changes}) == self.changes

    def _came(self, made: NewToken) -> None:
        self.ids[made.gateway] = made.gateway_id
        self.present.add(made.gateway)
        self.good[made.secret] = made
        self.changes += 1

    def _went(self, tokens: list[NewToken]) -> None:
        for made in tokens:
            del self.good[made.secret]
            self.bad.add(made.secret)
        self.changes += 1


TestGatewaysOverTime = GatewaysOverTime.TestCase
TestGatewaysOverTime.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
