"""The position of a stolen key, over random histories with a thief: nothing of his is ever believed.

The model writes down who really made each object. The planner sees only what lies at the sites: names,
dates that may be false, and what objects name.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanvault.recovery.custody.position import (
    Question,
    SeenObject,
    TrustPosition,
    accepted_with,
    plan_position,
)

STOLEN, OTHER = "stolen", "other"


@dataclass
class World:
    """Nodes that write, compact and restart, under two keys; and from ``theft`` on a thief with one."""

    chance: random.Random
    theft: int
    rotation: int  # nodes sign with OTHER from then on
    now: int = 0
    objects: list[SeenObject] = field(default_factory=list)
    honest: set[str] = field(default_factory=set)
    chains: dict[str, list[SeenObject]] = field(default_factory=dict)  # of running nodes

    @property
    def signer(self) -> str:
        return OTHER if self.now >= self.rotation else STOLEN

    def add(self, one: SeenObject, *, honest: bool) -> SeenObject:
        self.objects.append(one)
        if honest:
            self.honest.add(one.key)
        return one

    def batch(self, writer: str, number: int, **fields: object) -> SeenObject:
        key = f"batch/{writer}/{number:010d}-{len(self.objects)}-signature"
        one = SeenObject(key, self.signer, made_us=self.now, at_every_site_since_us=self.now)
        return replace(one, **fields)  # type: ignore[arg-type]

    def node_writes(self) -> None:
        """The next object of a running node; it names a head that it believes, whoever made it."""
        writer = self.chance.choice([*self.chains, f"w{self.now}"])
        chain = self.chains.setdefault(writer, [])
        names: tuple[str, ...] = ()
        believed = [one for one in self.objects if one.key.split("/")[1] != writer]
        if not chain and believed:
            names = (self.chance.choice(believed).key,)
        before = chain[-1].key.rpartition("-")[0] if chain else ""
        chain.append(self.add(self.batch(writer, len(chain), previous=before, names=names), honest=True))

    def node_compacts(self) -> None:
        """A segment over batches that the node believes, whoever made them."""
        batches = [one for one in self.objects if one.key.startswith("batch/")]
        chosen = self.chance.sample(batches, min(len(batches), 3))
        covers = tuple((one.key, one.signer) for one in chosen)
        key = f"segment/s{self.now}/3-{len(self.objects)}-signature"
        segment = SeenObject(
            key, self.signer, made_us=self.now, covers=covers, at_every_site_since_us=self.now
        )
        self.add(segment, honest=True)

    def node_stops(self) -> None:
        if self.chains:
            del self.chains[self.chance.choice([*self.chains])]

    def thief_writes(self) -> None:
        """Dated as he likes, in a chain of his own or somebody else's, naming what he likes."""
        if self.now < self.theft or not self.objects:
            return
        like = self.chance.choice(self.objects)
        some = tuple(one.key for one in self.chance.sample(self.objects, min(2, len(self.objects))))
        forged = self.batch(
            self.chance.choice([like.key.split("/")[1], "thief"]),
            self.chance.randrange(5),
            signer=STOLEN,
            made_us=self.chance.randrange(self.now + 1),
            previous=like.key.rpartition("-")[0],
            own=some[:1],
            names=some[1:],
            covers=tuple((key, STOLEN) for key in some) if self.chance.random() < 0.3 else (),
        )
        # He rules one site's clock at most: of the two, the later one tells.
        self.add(replace(forged, at_every_site_since_us=max(self.now, self.theft)), honest=False)


ACTS = ("node_writes", "node_writes", "node_writes", "node_compacts", "node_stops", "thief_writes")


def history(seed: int, acts: list[str], theft: int, rotation: int) -> World:
    world = World(random.Random(seed), theft, rotation)
    for act in acts:
        getattr(world, act)()
        world.now += 1
    return world


histories = st.builds(
    history,
    st.integers(0, 2**32),
    st.lists(st.sampled_from(ACTS), max_size=40),
    st.integers(0, 40),
    st.integers(0, 40),
)


def standing(position: TrustPosition) -> set[str]:
    return {one.key for one in position.stands}


@settings(max_examples=400)
@given(world=histories, by_stores=st.booleans(), knows=st.booleans())
def test_nothing_of_the_thief_is_believed(world: World, by_stores: bool, knows: bool) -> None:
    question = Question(STOLEN, world.theft if knows else 0, by_stores)
    position = plan_position(question, world.objects)
    assert standing(position) <= world.honest
    stands = standing(position)
    for segment in world.objects:
        if segment.signer == OTHER and segment.covers:
            forged = any(key not in world.honest for key, _ in segment.covers)
            assert not forged or segment in position.withdrawn
    theirs = {one.key for one in world.objects if one.signer == STOLEN}
    assert stands | {one.key for one in position.waits} == theirs


@settings(max_examples=400)
@given(world=histories, by_stores=st.booleans())
def test_nothing_that_another_key_named_before_the_theft_is_lost(world: World, by_stores: bool) -> None:
    stands = standing(plan_position(Question(STOLEN, world.theft, by_stores), world.objects))
    by_key = {one.key: one for one in world.objects}
    by_content = {one.key.rpartition("-")[0]: one.key for one in world.objects}
    for one in world.objects:
        named: list[str] = []
        if one.signer == OTHER or one.key in stands:
            named = [*one.own, *(by_content[name] for name in (one.previous,) if name)]
        if one.signer == OTHER and one.made_us is not None and one.made_us < world.theft:
            named += [*one.names, *(key for key, _ in one.covers)]
        for key in named:
            assert by_key[key].signer == OTHER or key in stands


@settings(max_examples=200)
@given(world=histories)
def test_what_every_site_held_before_the_theft_stands_when_that_is_asked_for(world: World) -> None:
    position = plan_position(Question(STOLEN, world.theft, by_stores=True), world.objects)
    before = {
        one.key
        for one in world.objects
        if one.signer == STOLEN and one.key in world.honest and (one.made_us or 0) < world.theft
    }
    assert before <= standing(position)


def seen(name: str, signer: str, made_us: int = 0, **fields: object) -> SeenObject:
    return SeenObject(f"batch/{name}/0-{name}-s", signer, made_us, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by_stores", "since", "stands"), [(True, 10, True), (False, 10, False), (True, 5, False)]
)
def test_one_key_alone_rests_on_the_clocks_of_the_stores(by_stores: bool, since: int, stands: bool) -> None:
    only = seen("only", STOLEN, at_every_site_since_us=5)
    position = plan_position(Question(STOLEN, since, by_stores), [only])
    assert bool(position.stands) == stands


def test_evidence_of_a_batch_that_is_gone_keeps_the_chain() -> None:
    first = seen("first", STOLEN)
    second = replace(seen("second", STOLEN, previous="batch/first/0-first"), here=False)
    named = seen("named", OTHER, made_us=3, names=(second.key,))
    position = plan_position(Question(STOLEN, 5), [first, second, named])
    assert standing(position) == {first.key, second.key}
    assert not plan_position(Question(STOLEN, 2), [first, second, named]).stands


def test_a_second_name_for_good_bytes_does_not_stand() -> None:
    """The thief signs the same object again: the bytes are good, the name is his."""
    first = seen("first", STOLEN, at_every_site_since_us=1)
    again = replace(first, key="batch/first/0-first-other", at_every_site_since_us=9)
    alias = replace(first, key="batch/alias/0-first-s", at_every_site_since_us=9)
    second = seen("second", OTHER, made_us=3, previous="batch/first/0-first")
    position = plan_position(Question(STOLEN, 5), [again, alias, first, second])
    assert standing(position) == {first.key}


def test_an_accepted_object_brings_its_chain_and_nobody_elses() -> None:
    first, stranger = seen("first", STOLEN), seen("stranger", STOLEN)
    second = seen("second", STOLEN, previous="batch/first/0-first", names=(stranger.key,))
    waiting = {one.key: one for one in (first, second, stranger)}
    assert accepted_with([second.key], waiting) == {first.key, second.key}


def test_a_segment_that_stands_keeps_the_batches_that_are_gone() -> None:
    gone = SeenObject("batch/gone/0-gone-s", STOLEN, here=False)
    old = seen("old", STOLEN, 3, covers=((gone.key, STOLEN),), at_every_site_since_us=4)
    assert standing(plan_position(Question(STOLEN, 5, True), [gone, old])) == {old.key, gone.key}
    late = replace(old, made_us=6, at_every_site_since_us=7)
    assert not plan_position(Question(STOLEN, 5, True), [gone, late]).stands
    assert accepted_with([late.key], {one.key: one for one in (gone, late)}) == {late.key, gone.key}


def test_an_accepted_segment_brings_no_batch_that_lies_there() -> None:
    there = seen("there", STOLEN)
    late = seen("late", STOLEN, 6, covers=((there.key, STOLEN),))
    assert accepted_with([late.key], {one.key: one for one in (there, late)}) == {late.key}


@pytest.mark.parametrize("turned", [False, True])
def test_the_word_of_another_key_about_a_batch_that_is_gone_counts_most(turned: bool) -> None:
    """The stolen key's own segment tells no more than that there was such a batch."""
    first = seen("first", STOLEN)
    told = replace(seen("second", STOLEN, previous="batch/first/0-first"), here=False)
    bare = SeenObject(told.key, STOLEN, here=False)
    named = seen("named", OTHER, made_us=3, names=(told.key,))
    both = [bare, told] if turned else [told, bare]
    assert standing(plan_position(Question(STOLEN, 5), [first, *both, named])) == {first.key, told.key}


def test_a_position_tells_the_last_object_of_each_writer() -> None:
    first = SeenObject("batch/w/0000000000-a-s", STOLEN, 0)
    second = SeenObject("batch/w/0000000001-b-s", STOLEN, 1, previous="batch/w/0000000000-a")
    other = seen("other", OTHER, made_us=2, names=(second.key,))
    assert plan_position(Question(STOLEN, 5), [first, second, other]).last() == {"w": second.key}


def batch_of(signer: str, number: int, **fields: object) -> SeenObject:
    one = SeenObject(f"batch/writer-{signer}/{number:010d}-digest-signature", signer, made_us=50)
    return replace(one, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("made_us", "stands"), [(99, True), (100, False), (101, False)])
def test_what_another_key_names_stands_only_if_it_was_named_before_the_theft(
    made_us: int, stands: bool
) -> None:
    theirs = batch_of(STOLEN, 0)
    other = batch_of(OTHER, 0, made_us=made_us, names=(theirs.key,))
    position = plan_position(Question(STOLEN, 100), [theirs, other])
    assert [one.key for one in position.stands] == [theirs.key] * stands
    assert [one.key for one in position.waits] == [theirs.key] * (not stands)


@pytest.mark.parametrize(("since", "stands"), [(99, True), (100, False)])
def test_by_the_clocks_of_the_stores_what_lay_there_before_the_theft_stands(since: int, stands: bool) -> None:
    theirs = batch_of(STOLEN, 0, at_every_site_since_us=since)
    for by_stores in (True, False):
        position = plan_position(Question(STOLEN, 100, by_stores), [theirs])
        assert bool(position.stands) == (stands and by_stores)


def test_what_is_gone_does_not_wait() -> None:
    """Only a segment's evidence tells of it: there is nothing to accept."""
    gone = batch_of(STOLEN, 0, here=False)
    position = plan_position(Question(STOLEN, 100), [gone])
    assert position.waits == position.stands == ()
