"""Everything that lies at the sites, as far as a position needs it: who signed what, and what it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged, KeyUnavailable, NotFound
from vanvault.archiver.core.format.batches import decode_batch, decode_header
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments import load_manifest
from vanvault.archiver.core.model import BatchHeader
from vanvault.archiver.core.names import ObjectName, parse_key
from vanvault.archiver.core.times import to_us
from vanvault.archiver.keys import Judged
from vanvault.archiver.keys.parquet import ParquetKeys
from vanvault.archiver.replicas import GuardedSite, read_anywhere
from vanvault.archiver.stores import Site
from vanvault.recovery.custody.position import SeenObject

#: The id of the key whose signature fits the name of an object; None: no trusted key's does.
SignerOf = Callable[[str], str | None]


def with_what_waits(archive: Archive) -> dict[str, Site]:
    """The sites through a gate that lets pass what a revoked key signed, too: to look, not to believe."""

    def judge(key: str) -> Judged:
        judged = archive.object_trust.judge(key)
        return Judged(judged.name, None) if judged.reason == "revoked-key" else judged

    return {
        name: site.behind(judge) if isinstance(site, GuardedSite) else site
        for name, site in archive.sites.items()
    }


@dataclass(slots=True)
class Survey:
    """One look at every object; ``unreadable`` fills as ``objects`` goes."""

    archive: Archive
    sites: Mapping[str, Site]
    signer_of: SignerOf
    unreadable: list[str] = field(default_factory=list)  # keys: what they name is not known

    @property
    def keys(self) -> ParquetKeys:
        """They open what waits, too: what it names is to be known."""
        return self.archive.parquet.with_what_waits()

    def objects(self) -> Iterator[SeenObject]:
        """Every object that a trusted key signed, and every batch that only a segment's evidence tells of.

        Raises SiteUnavailable: a site cannot be listed, or does not give an object.
        """
        for key, since in self._listed():
            name, signer = parse_key(key), self.signer_of(key)
            if name is None or signer is None:
                continue
            try:
                yield from self._read(name, signer, since)
            except (Damaged, KeyUnavailable, NotFound):
                self.unreadable.append(key)
                yield SeenObject(key, signer, at_every_site_since_us=since)

    def _listed(self) -> Iterator[tuple[str, int | None]]:
        """Every key, and since when every site holds it by its own clock."""
        since: dict[str, dict[str, int]] = {}
        for site_name, site in self.sites.items():
            for version in site.list():
                at = since.setdefault(version.key, {})
                stored = to_us(version.stored_at)
                at[site_name] = min(stored, at.get(site_name, stored))
        for key, at in since.items():
            yield key, max(at.values()) if len(at) == len(self.sites) else None

    def _read(self, name: ObjectName, signer: str, since: int | None) -> Iterator[SeenObject]:
        if name.family == "batch":
            data = read_anywhere(self.sites, name.key)
            header = decode_batch(name.key, data, self.keys, bodies=False).header
            yield _batch(name, signer, header, since)
        elif name.kind == "manifest":
            yield from self._segment(name, signer, since)
        else:
            yield SeenObject(name.key, signer, at_every_site_since_us=since)

    def _segment(self, name: ObjectName, signer: str, since: int | None) -> Iterator[SeenObject]:
        manifest = load_manifest(read_anywhere(self.sites, name.key), key=name.key)
        part = manifest.part("evidence")
        evidence = self._evidence(part.key) if part is not None else []
        covers = []
        for key, text in evidence:
            batch, by = parse_key(key), self.signer_of(key)
            if batch is None or by is None:
                continue
            covers.append((key, by))
            if by == signer:  # its own word about what that batch names proves nothing of a stolen key
                yield SeenObject(key, by, here=False)
            else:
                yield _batch(batch, by, decode_header(text, key=key), None, here=False)
        yield SeenObject(
            name.key,
            signer,
            made_us=manifest.created_us,
            covers=tuple(covers),
            parts=tuple(part.key for part in manifest.parts),
            at_every_site_since_us=since,
        )

    def _evidence(self, key: str) -> list[tuple[str, bytes]]:
        with opened(read_anywhere(self.sites, key), self.keys, key) as file:
            table = file.read(columns=["key", "header"], use_threads=False)
        return [(row["key"], row["header"]) for row in table.to_pylist()]


def _batch(
    name: ObjectName, signer: str, header: BatchHeader, since: int | None, *, here: bool = True
) -> SeenObject:
    named = [*header.heads, *(commit.key for commit in header.commits), *(one.key for one in header.large)]
    own = tuple(key for key in named if key.split("/")[1:2] == [name.writer])
    before = f"batch/{name.writer}/{name.sequence - 1:010d}-{header.previous}" if header.previous else ""
    return SeenObject(
        name.key,
        signer,
        made_us=header.created_us,
        previous=before,
        own=own,
        names=tuple(key for key in named if key not in own),
        at_every_site_since_us=since,
        here=here,
    )
