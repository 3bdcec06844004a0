"""A small archive with everything in it that a verification looks at, and ways to harm its files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.names import signed_again
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.core.format.batches import decode_batch, encode_batch
from vanvault.archiver.core.model import Batch, Draft, Metadata, MetadataReading, Placement
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Ports, SystemEntropy
from vanvault.archiver.intake import Writer, event_draft, message_draft
from vanvault.archiver.replicas import LargeObjects
from vanvault.archiver.stores import Site, StoredVersion, folder_of
from vanvault.archiver.stores.files.layout import data_name
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import VerifyReport, verify_archive
from vanvault.recovery.work import Effort

LARGE = b"<large>" + bytes(range(256)) * 64 + b"</large>"


class Repeated:
    """Chance that falls alike on each clone of a node."""

    def __init__(self) -> None:
        self._count = 0

    def token(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_128(self._count.to_bytes(8)).digest(size)


class BadSector:
    """A site whose disk does not give one object; ``first`` runs before that is noticed.

    ``denied``: the site lists the object, and says to a read that there is none.
    """

    def __init__(
        self, site: Site, key: str, first: Callable[[], None] = lambda: None, *, denied: bool = False
    ) -> None:
        self._site = site
        self._key = key
        self._first = first
        self._denied = denied

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        if key == self._key:
            self._first()
            if self._denied:
                raise NotFound(f"site {self._site.site} holds no such version of {key}")
            raise SiteUnavailable("input/output error", site=self._site.site, may_be_stored=False)
        return self._site.get(key, version, most=most)

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        return self.get(key, version, most=most), self._site.stat(key, version)


def message(archive: Archive, number: int, *, body: bytes = b"", writer: Writer | None = None) -> Draft:
    """A draft; with a writer its body becomes a large object."""
    body = body or b"<dossier number='%d'/>" % number
    draft = message_draft(
        gateway="gateway-1",
        message_id=f"message-{number}",
        received=archive.clock.now(),
        content_type="text/xml",
        body=body,
        sha256=hashlib.sha256(body).digest(),
        sha512=hashlib.sha512(body).digest(),
        given=Metadata(employer_code="TZ0001Z"),
        reading=MetadataReading(Metadata()),
    )
    if writer is None:
        return draft
    return replace(draft, body=None, large=place_large(archive, writer, body))


def place_large(archive: Archive, writer: Writer, body: bytes) -> tuple[Placement, ...]:
    """Put a large object, the writer's only one, at both sites."""
    large = LargeObjects(archive.sites, archive.keys, archive.entropy, archive.object_signer)
    until = archive.retain_until("messages", archive.clock.now() + timedelta(days=1))
    return large.place(body, writer=writer.id, executor=writer.executor, retain_until=until)


def event(archive: Archive, number: int) -> Draft:
    fields = {"event_id": f"event-{number}", "occurred_at": "2026-11-22T08:30:00+07:00", "type": "sent"}
    return event_draft("gateway-1", fields, received=archive.clock.now())


def build(home: Path) -> None:
    """Three writers: one closed, one crashed, one closed after it; both kinds; large objects."""
    clock = TickingClock()
    init_home(home, clock=clock)
    number = 0
    for role in ("closed", "crashed", "closed"):
        with Archive.open(home, ports=Ports.under(clock)) as archive:
            writer, _ = archive.open_writer()
            for _ in range(3):
                number += 1
                drafts = [message(archive, 10 * number + row) for row in range(3)]
                writer.commit([*drafts, event(archive, number)])
            writer.commit([message(archive, 1000 + number, body=LARGE + role.encode(), writer=writer)])
            if role == "closed":
                writer.commit([archive.system_event("writer.closed", {})], final=True)
            writer.close()
            archive.catch_up()


class Lab:
    """A copy of the built archive that a test may harm."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = TickingClock(days=2)

    @classmethod
    def copy(cls, template: Path, home: Path) -> Self:
        shutil.copytree(template, home)
        return cls(home)

    def open(self) -> Archive:
        return Archive.open(self.home, ports=Ports.under(self.clock))

    def forget(self) -> None:
        """Lose the hot tail, as on a new node."""
        shutil.rmtree(self.home / "cache")

    def root(self, site: str) -> Path:
        return self.home / "sites" / site

    def keys(self, *, family: str = "", kind: str = "") -> list[str]:
        with self.open() as archive:
            keys = sorted({version.key for site in archive.sites.values() for version in site.list()})
        named = [(key, parse_key(key)) for key in keys]
        return [
            key
            for key, name in named
            if name and (not family or name.family == family) and (not kind or name.kind == kind)
        ]

    def writers(self) -> list[str]:
        return sorted({key.split("/")[1] for key in self.keys()})

    def chain(self, writer: int) -> list[str]:
        """The batches of the writer with this number, in order."""
        chosen = self.writers()[writer]
        return [key for key in self.keys(family="batch") if key.split("/")[1] == chosen]

    def files(self, site: str, key: str) -> list[Path]:
        """The files of a key's versions, oldest first."""
        return [path for path in self.all_files(site, key) if path.name.count("~") == 1]

    def markers(self, site: str, key: str) -> list[Path]:
        """The empty files that extend the locks of a key's versions."""
        return [path for path in self.all_files(site, key) if path.name.count("~") > 1]

    def all_files(self, site: str, key: str) -> list[Path]:
        folder = self.root(site) / "objects" / folder_of(key)
        return sorted(folder.glob(f"{key.rpartition('/')[2]}~*")) if folder.is_dir() else []

    def flip(self, site: str, key: str) -> None:
        """Turn one bit in the middle of the newest version."""
        path = self.files(site, key)[-1]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        self.overwrite(path, bytes(data))

    def truncate(self, site: str, key: str) -> None:
        path = self.files(site, key)[-1]
        self.overwrite(path, path.read_bytes()[:-1])

    def drop(self, site: str, key: str) -> None:
        for path in self.all_files(site, key):
            path.unlink()

    def swap(self, site: str, one: str, other: str) -> None:
        first, second = self.files(site, one)[-1], self.files(site, other)[-1]
        a, b = first.read_bytes(), second.read_bytes()
        self.overwrite(first, b)
        self.overwrite(second, a)

    def shorten(self, site: str, key: str) -> None:
        """Make the lock end soon: in a file site it is part of the file's name."""
        for marker in self.markers(site, key):
            marker.unlink()
        path = self.files(site, key)[-1]
        path.rename(path.with_name(path.name[: -len("20371123T000000Z")] + "20270101T000000Z"))

    def add(self, site: str, key: str, data: bytes) -> None:
        """Slip in a version."""
        folder = self.root(site) / "objects" / folder_of(key)
        folder.mkdir(parents=True, exist_ok=True)
        # As long as the retention rules ask for: a batch's lock is the lock keeper's.
        until = "20270111T000000Z" if key.startswith("batch/") else "20371127T000000Z"
        (folder / data_name(key, f"1m80gqhrt8g7cm8-{until}")).write_bytes(data)

    def data(self, site: str, key: str) -> bytes:
        return self.files(site, key)[-1].read_bytes()

    @staticmethod
    def overwrite(path: Path, data: bytes) -> None:
        path.chmod(0o640)
        path.write_bytes(data)
        path.chmod(0o440)

    def forge(self, key: str, change: Callable[[Batch], Batch]) -> str:
        """Put another batch in an object's place at both sites, as only a holder of the keys can."""
        name = parse_key(key)
        assert name is not None
        with self.open() as archive:
            batch = change(decode_batch(key, self.data("primary", key), archive.parquet))
            subject = name.subject(archive.settings.archive)
            data_key = archive.parquet.fresh_key(subject, SystemEntropy())
            data = encode_batch(batch.header, batch.entries, data_key, archive.signing.active())
            forged = signed_again(archive, key, data)
        for site in SITES:
            self.drop(site, key)
            self.add(site, forged, data)
        return forged

    def verify(
        self,
        *,
        sites: Iterable[str] = (),
        subset: Subset | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> VerifyReport:
        with self.open() as archive:
            return verify_archive(
                archive, sites=tuple(sites), subset=subset, effort=Effort(workers=2), pause=pause
            )


def named(report: VerifyReport, *, failing: bool = True) -> set[tuple[str, str, str]]:
    """(problem, site, key) of the findings."""
    return {
        (finding.problem, finding.site, finding.key)
        for finding in report.findings
        if finding.failing == failing
    }
