"""Archives of which a day is compacted, some entries of which can be disposed of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.support.archives import Home, Node, event, memory_home, message
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.evidence import Receipt
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.model import Metadata, SegmentManifest
from vanvault.archiver.upkeep import compact
from vanvault.archiver.upkeep.residue import Disposed, write_residue

MESSAGES, EVENTS = 6, 2
DISPOSAL = "d-00000000000000a1"
LARGE = b"<large>" + b"x" * 4096


class Disposable:
    """One segment of a day; ``receipts`` by the gateway's ids, as they were given."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.archive: Archive = home.archive()
        self.receipts: dict[str, Receipt] = {}
        self._write()
        home.clock.advance(timedelta(days=3))
        compact(self.archive)
        self.archive.catch_up()

    def _write(self) -> None:
        about = Metadata(transaction_id="t-1", employer_code="E1", insurance_numbers=("790", "791"))
        with Node(self.archive) as node:
            node.wait_ready()
            for n in range(MESSAGES):
                self.receipts[f"m-{n}"] = node.push(message(f"m-{n}", f"<m>{n}</m>".encode(), given=about))
            for n in range(EVENTS):
                self.receipts[f"e-{n}"] = node.push(event(f"e-{n}"))
            large = node.placed(message("m-large", LARGE, given=about))
            self.receipts["m-large"] = node.push(large)
        self.archive.catch_up()

    @property
    def segment(self) -> KnownSegment:
        """What stands for the day."""
        (found,) = self.archive.catalogue.segments()
        return found

    def id(self, name: str) -> str:
        return str(self.receipts[name]["id"])

    def dispose(
        self,
        *names: str,
        originals: Sequence[str] = (),
        disposal: str = DISPOSAL,
        fault: Fault = no_fault,
        segments: Sequence[KnownSegment] = (),
    ) -> tuple[str, SegmentManifest]:
        """Let go of these entries whole, and of the bytes of ``originals``."""
        due = self.archive.tail.last_received_us()
        chosen = [
            Disposed(self.id(name), what, "QD08-2015/5", due)
            for what, some in (("entry", names), ("original", originals))
            for name in some
        ]
        return write_residue(
            self.archive, list(segments) or [self.segment], chosen, disposal=disposal, fault=fault
        )

    def again(self) -> Archive:
        """The home as another process opens it, without a cache."""
        self.home.forget_hot_tail()
        self.archive = self.home.archive()
        self.archive.catch_up()
        return self.archive


@contextmanager
def disposable(path: Path) -> Iterator[Disposable]:
    """A new archive in memory."""
    with memory_home(path) as home:
        yield Disposable(home)
