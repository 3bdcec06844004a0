"""An archive of two sites, a node on it, and the clock that all of them believe."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.hostile.hands import BucketHand, FileHand, Hand, Unfit
from tests.faults.hostile.lies import Lies, LyingSite
from tests.faults.hostile.model import Model
from tests.faults.hostile.view import Seal, View, parse
from tests.servers.fault_proxy import FaultProxy
from tests.support.archives import SITES, Node
from tests.support.living import copy_present
from vanvault.archiver.appliance import Archive, components, init_home
from vanvault.archiver.core.model import MessageDraft
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.times import to_us
from vanvault.archiver.stores import Site
from vanvault.archiver.upkeep import compact

LARGE_BYTES = 4096
BATCH_LOCK_DAYS = 45
SETTINGS = {
    "VANVAULT_INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES),
    "VANVAULT_INTAKE__LINGER_MS": "0",
    "VANVAULT_HEALTH__BACK_S": "0",
    "VANVAULT_CLOCK__CHECK_INTERVAL_S": "0.2",
    "VANVAULT_COMPACTION__SETTLE_HOURS": "0",
    "VANVAULT_JOBS__WORKERS": "1",
}


class Clock:
    """Each look moves it on by a millisecond; a run may move it by days."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


class RealClock:
    """The machine's, for servers that have no other; moving it does nothing."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Estate:
    """A built archive: its home, the clock under which it was built, and what was promised."""

    home: Path
    clock: Clock | RealClock
    model: Model
    archive: str = ""

    def copied(self, folder: Path) -> Estate:
        """The same once more, of file sites, to be harmed."""
        shutil.copytree(self.home, folder / "home")
        if (earlier := self.home.parent / "earlier").is_dir():
            shutil.copytree(earlier, folder / "earlier")
        return Estate(folder / "home", Clock(self.clock.now()), deepcopy(self.model), self.archive)


def build(home: Path, clock: Clock | RealClock, *, compacted: bool = True, name: str = "m") -> Estate:
    """A new home over file sites, and in it what ``fill`` writes."""
    with environment("all"):
        init_home(home, clock=clock)
    return fill(home, clock, compacted=compacted, name=name)


def fill(home: Path, clock: Clock | RealClock, *, compacted: bool = True, name: str = "m") -> Estate:
    """Messages, events and large messages of three starts of a node, the first of them in a segment.

    Each start is a writer of its own. ``name`` begins the ids.
    """
    with environment("all"):
        estate = Estate(home, clock, Model())
        for start in range(3):
            if start == 2 and (home / "sites").is_dir():
                shutil.copytree(home / "sites", home.parent / "earlier")
            with Archive.open(home, ports=Ports.under(clock)) as archive, Node(archive) as node:
                estate.archive = archive.settings.archive
                node.wait_ready()
                for number in range(2):
                    body = b"<x>%d.%d</x>" % (start, number)
                    push(estate.model, node, f"{name}-{start}-{number}", body, clock)
                push(
                    estate.model, node, f"{name}-{start}-large", b"<l>" + os.urandom(LARGE_BYTES + 64), clock
                )
                push(estate.model, node, f"{name}-{start}-event", None, clock)
            if compacted and start == 0:
                pass_days(clock, 1)
                with Archive.open(home, ports=Ports.under(clock)) as archive:
                    run = compact(archive, clock.now() if isinstance(clock, RealClock) else None)
                    assert run.report.segments
    return estate


def pass_days(clock: Clock | RealClock, days: float) -> None:
    if isinstance(clock, Clock):
        clock.moment += timedelta(days=days)


def push(model: Model, node: Node, id: str, body: bytes | None, clock: Clock | RealClock) -> dict[str, Any]:
    """One message, or (None) event, until it is acknowledged or refused. Raises VanVaultError."""
    model.sent.setdefault(id, ("event", b"") if body is None else ("message", body))
    receipt = send(model, node, id, clock)
    model.acknowledged(id, receipt)
    return receipt


def send(model: Model, node: Node, id: str, clock: Clock | RealClock) -> dict[str, Any]:
    """What was sent before, or is now, as it is; what it is answered."""
    draft = model.draft(id, to_us(clock.now()))
    if isinstance(draft, MessageDraft) and draft.size >= LARGE_BYTES and not node.intake.knows(draft):
        draft = node.placed(draft, degraded=node.archive.policy.may_degrade())
    return node.push(draft)


@dataclass
class World:
    """One run: the archive, who attacks it where, and what was there before."""

    estate: Estate
    hostile: str  # the site that is attacked
    hand: Hand
    honest_hand: Hand
    other: Estate  # an archive with keys and an id of its own; only to be read
    random: Random
    policy: str = "all"
    lies: Lies = field(default_factory=Lies)
    before: View = field(default_factory=dict)  # of the honest site
    earlier: Path | None = None  # a copy of the hostile file site as it was some time ago
    proxy: FaultProxy | None = None  # before the hostile bucket
    taken: set[str] = field(default_factory=set)  # keys with which something was done
    many: int = 300  # names of a flood
    forged: set[str] = field(default_factory=set)  # keys that no node made
    proved: set[str] = field(default_factory=set)  # forged ones, too, but under names that are signed

    @property
    def honest(self) -> str:
        return next(site for site in SITES if site != self.hostile)

    @property
    def home(self) -> Path:
        return self.estate.home

    @property
    def clock(self) -> Clock | RealClock:
        return self.estate.clock

    @property
    def model(self) -> Model:
        return self.estate.model

    @property
    def seal(self) -> Seal:
        return Seal.of(self.estate.archive, self.home / "keys")

    @property
    def files(self) -> FileHand:
        """The hand at a file site."""
        assert isinstance(self.hand, FileHand)
        return self.hand

    @property
    def buckets(self) -> BucketHand:
        """The hand at a bucket."""
        assert isinstance(self.hand, BucketHand)
        return self.hand

    def genuine(self, *kinds: str) -> list[str]:
        """Genuine keys that both sites held before the attack, of these kinds (none: all)."""
        named = [(key, parse(key)) for key in sorted(self.before)]
        return [key for key, name in named if name and (not kinds or name.kind in kinds)]

    def left(self, *kinds: str) -> list[str]:
        """Those of them with which nothing was done yet."""
        return [key for key in self.genuine(*kinds) if key not in self.taken]

    def needed(self) -> list[str]:
        """Batches with which nothing was done, and that no segment covers: such may not be missing."""
        covers = [one for key in self.genuine("manifest") for one in self._manifest(key)["covers"]]
        held = {
            (cover["writer"], number)
            for cover in covers
            for number in range(cover["first"], cover["last"] + 1)
        }
        named = [(key, parse(key)) for key in self.left("messages", "events")]
        return [key for key, name in named if name and (name.writer, name.sequence) not in held]

    def _manifest(self, key: str) -> dict[str, Any]:
        return dict(json.loads(self.honest_hand.data(key)))

    def take(self, *kinds: str, count: int = 1) -> list[str]:
        """Some genuine keys with which nothing was done yet. Raises Unfit where there are not so many."""
        left = self.left(*kinds)
        if len(left) < count:
            raise Unfit(f"no {' or '.join(kinds)} is left to be harmed")
        chosen = self.random.sample(left, count)
        self.taken.update(chosen)
        return chosen

    def some_key(self, *kinds: str) -> str:
        """One of these."""
        return self.take(*kinds)[0]

    @contextmanager
    def undone(self, folder: Path) -> Iterator[None]:
        """What is done to the hostile site within the block is undone at its end."""
        kept = folder / "kept"
        if isinstance(self.hand, FileHand):
            shutil.copytree(self.hand.root, kept, copy_function=copy_present)
        try:
            yield
        finally:
            self.tell_the_truth()
            if isinstance(self.hand, FileHand):
                if self.hand.root.is_dir():
                    self.hand.wipe()
                else:
                    self.hand.root.unlink(missing_ok=True)
                kept.rename(self.hand.root)

    def tell_the_truth(self) -> None:
        """The hostile site answers as it is, from now on."""
        self.lies.clear()
        if self.proxy is not None:
            self.proxy.clear()

    def open(self, *, home: Path | None = None) -> Archive:
        """As a newly started process does."""
        return Archive.open(home or self.home, ports=Ports.under(self.clock))

    def now(self) -> datetime:
        return self.clock.now()


@contextmanager
def environment(policy: str, **more: str) -> Iterator[None]:
    """The settings of all runs, and ``more`` variables, in the environment."""
    wanted = {**SETTINGS, "VANVAULT_SITES__POLICY": policy, **more}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def exchanged(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Another object under a name of a module or a class, as long as the block lasts."""
    before = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def lying(world: World) -> Iterator[None]:
    """The hostile site, however it is opened, tells the world's lies."""
    opened: Callable[..., Site] = components.__dict__["open_site"]

    def open_site(name: str, *arguments: Any, **options: Any) -> Site:
        site = opened(name, *arguments, **options)
        return LyingSite(site, world.lies) if name == world.hostile else site

    with ExitStack() as stack:
        stack.enter_context(exchanged(components, "open_site", open_site))
        stack.enter_context(environment(world.policy))
        stack.callback(world.tell_the_truth)
        yield


def rules_of(archive: Archive) -> Mapping[str, int]:
    """Years and days of the profile in force, as ``vanvault status`` tells them."""
    profile = archive.profile
    return {
        "log_years": profile.log.years,
        "originals_years": profile.originals.years,
        "margin_days": max(profile.log.margin_days, profile.originals.margin_days),
    }
