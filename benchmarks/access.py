"""What the record of looks costs: one look alone, looks beside pushes, a look-up with and without it.

One node's intake over two sites in files, in this process, without HTTP. Beside each figure of a look stands
that of a push of 10 kB under the same conditions, on the same store.

    python benchmarks/access.py [--quick] [--rounds N] [--together N]

The last line is JSON. Times are medians in milliseconds, CPU is of the whole process for each look (or push):

    push_ms, push_cpu_ms              one push alone
    look_ms, look_cpu_ms              one look alone, until it may be shown
    together_cpu_ms                   each of so many looks at once, given and told as a node's requests are
    pushes_together_cpu_ms            each of so many pushes at once
    beside_cpu_ms                     what each look adds to a group of as many pushes
    aside_ms                          one look while intake is closed: a chain of one object
    search_ms, search_recorded_ms     a look-up by message id, without and with its record
    handed_over_ms                    one look of another process's verb, through the socket of the node
    sign_on_ms, sign_on_cpu_ms        one sign-on with a password and a code, Argon2id and the record included
    session_ms, token_ms              what each request costs to know its caller: a session, an API token
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from statistics import median

from common import Original, make_originals
from places import add_options, place_for
from tests.support.archives import Node, message

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Busy, VanVaultError
from vanvault.archiver.core.model import EventDraft, MessageDraft
from vanvault.archiver.core.outcome import Done
from vanvault.archiver.core.times import to_us
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.looks import Look, Viewer
from vanvault.archiver.people.sign_on import LocalAttempt
from vanvault.archiver.people.sign_on.local import Passwords, totp_code, totp_step
from vanvault.archiver.people.tokens import TokenWish
from vanvault.recovery.access import LookHearing, LookPort, LookRecorder, handed_over
from vanvault.recovery.accounts import AccountsView, Desk, add_account
from vanvault.recovery.person_tokens import PersonTokensView, add_person_token
from vanvault.recovery.sign_on import (
    CallerPlace,
    CredentialRequest,
    SessionOpened,
    SignOnRecord,
    SignOns,
    set_credentials,
)

_VIEWER = Viewer("lan", "account", "a-0123456789abcdef", "10.0.0.7", 50123)
#: Entries that a look shows: one page of a search.
_SHOWN = 50
_PASSWORD = "Mưa rào 1979 ở Huế"
_PLACE = CallerPlace(ip_address("10.0.0.7"), 50123)
_MOST_S = 30  # until a node hears what it is handed


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds: the median of one, and CPU of the process for each."""

    ms: float
    cpu_ms: float


class Bench:
    """A node, what it is asked, and numbers that make each request another one."""

    def __init__(self, node: Node, originals: Sequence[Original]) -> None:
        self.node = node
        self.archive = node.archive
        self.recorder = LookRecorder(
            LookPort(node.intake.submit, self.archive.record_aside), self.archive.clock
        )
        self._originals = iter(originals)
        self._ids = tuple(f"1m8pcmve2h7yn7kr-12345-{row}" for row in range(_SHOWN))
        self._count = 0

    def look(self) -> Look:
        self._count += 1
        request = f"request-{self._count:012d}"
        return Look(
            _VIEWER, "search", {"employer_code": "TZ1234Z"}, "shown", self._ids, _SHOWN, request=request
        )

    def draft(self) -> MessageDraft:
        original = next(self._originals)
        draft = message(original.message_id, original.body)
        return replace(draft, received_us=to_us(self.archive.clock.now()))

    def push(self) -> None:
        self.node.push(self.draft())

    def record(self) -> None:
        self.recorder.recorded(self.look())

    def begin(self) -> Future[None]:
        """A look as a request of a node makes it: no thread waits until it may be shown."""
        shown: Future[None] = Future()

        def told(error: VanVaultError | None) -> None:
            if error is None:
                shown.set_result(None)
            else:
                shown.set_exception(error)

        self.recorder.record(self.look(), told)
        return shown


def cost(work: Callable[[], object], rounds: int, *, each: int = 1) -> Cost:
    """Of ``work``, one after another; ``each``: how many of what is counted one round does."""
    times = []
    cpu = time.process_time()
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    return Cost(round(1000 * median(times), 3), round(1000 * cpu / rounds / each, 3))


def closed(event: EventDraft, done: Done) -> None:
    """Intake of a node that waits for a site."""
    raise Busy("a site is out")


def handing_over(bench: Bench, home: Path, rounds: int) -> Cost:
    hearing, stop = LookHearing(home, bench.recorder), threading.Event()
    thread = threading.Thread(target=hearing.task.run, args=(stop,))
    thread.start()
    try:
        began = time.monotonic()
        while not handed_over(home, bench.look()):
            if time.monotonic() - began > _MOST_S:
                raise SystemExit(f"the node took over no look within {_MOST_S} s")
            time.sleep(0.01)
        return cost(lambda: handed_over(home, bench.look()), rounds)
    finally:
        stop.set()
        hearing.task.ask()
        thread.join()


def signing_on(archive: Archive, rounds: int) -> dict[str, float]:
    """One person with a password, codes and a token, at this node."""
    desk = Desk(archive, "benchmark")
    add_account(desk, NewAccount("lan", "person", "Nguyễn Thị Lan", roles=("auditor-log",)))
    passwords = Passwords()
    made = set_credentials(
        archive, CredentialRequest("lan", "benchmark", _PASSWORD, new_codes=True), passwords
    )
    token = add_person_token(desk, "lan", TokenWish((), timedelta(hours=1), ()))
    accounts = AccountsView.of(archive)

    def record(event: EventDraft) -> None:
        archive.record_aside([event])

    sign_ons = SignOns(archive, accounts, SignOnRecord(record, record), None, lambda: passwords)
    tokens = PersonTokensView(archive, accounts)

    def sign_on() -> SessionOpened:
        step = totp_step(archive.clock.now())
        return sign_ons.local("lan", LocalAttempt(_PASSWORD, totp_code(made.seed, step)), _PLACE)

    opened: list[SessionOpened] = []
    once = cost(lambda: opened.append(sign_on()), 1)  # a code is good once
    session = cost(lambda: sign_ons.caller(opened[0].secret), rounds)
    bearer = cost(lambda: tokens.bearer(token.secret, _PLACE.address), rounds)
    return {
        "sign_on_ms": once.ms,
        "sign_on_cpu_ms": once.cpu_ms,
        "session_ms": session.ms,
        "token_ms": bearer.ms,
    }


def measure(home: Path, rounds: int, together: int) -> dict[str, float]:
    originals = make_originals(256, 16).take(2 * rounds + 4 * rounds * together + 100)
    with Archive.open(home) as archive, Node(archive) as node, ThreadPoolExecutor(together) as threads:
        node.wait_ready()
        bench = Bench(node, originals)
        first = bench.draft()
        node.push(first)
        query = Query(filters={"message_id": first.message_id})

        def at_once(pushes: int, looks: int) -> None:
            begun = [threads.submit(bench.push) for _ in range(pushes)]
            begun += [bench.begin() for _ in range(looks)]
            for done in begun:
                done.result()

        def search(recorded: bool) -> None:
            archive.search.page(query)
            if recorded:
                bench.record()

        cost(bench.push, 20)  # what is loaded and made at first
        cost(bench.record, 20)
        push, look = cost(bench.push, rounds), cost(bench.record, rounds)
        groups = max(5, rounds // together)
        pushes = cost(lambda: at_once(together, 0), groups, each=together)
        looks = cost(lambda: at_once(0, together), groups, each=together)
        both = cost(lambda: at_once(together, together), groups, each=together)
        aside = LookRecorder(LookPort(closed, archive.record_aside), archive.clock)
        written_aside = cost(lambda: aside.recorded(bench.look()), max(5, rounds // 5))
        plain, recorded = cost(lambda: search(False), rounds), cost(lambda: search(True), rounds)
        through = handing_over(bench, home, rounds)
        people = signing_on(archive, rounds)
    return {
        "push_ms": push.ms,
        "push_cpu_ms": push.cpu_ms,
        "look_ms": look.ms,
        "look_cpu_ms": look.cpu_ms,
        "together_cpu_ms": looks.cpu_ms,
        "pushes_together_cpu_ms": pushes.cpu_ms,
        "beside_cpu_ms": round(both.cpu_ms - pushes.cpu_ms, 3),
        "aside_ms": written_aside.ms,
        "search_ms": plain.ms,
        "search_recorded_ms": recorded.ms,
        "handed_over_ms": through.ms,
        **people,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200, help="of each kind")
    parser.add_argument("--together", type=int, default=16, help="requests at once")
    parser.add_argument("--quick", action="store_true", help="40 rounds")
    add_options(parser)
    options = parser.parse_args()
    rounds = 40 if options.quick else options.rounds
    with place_for("access", options) as place:
        home = place.folder / "home"
        init_home(home)
        found = measure(home, rounds, options.together)
        facts = place.facts()
    print(
        json.dumps({"benchmark": "access", "rounds": rounds, "together": options.together, **facts, **found})
    )


if __name__ == "__main__":
    main()
