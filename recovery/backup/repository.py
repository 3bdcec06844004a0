"""The backups of one archive in a restic repository: snapshots by their tags, and what they hold.

Every snapshot has the tags ``vanvault``, ``archive=<id>`` and ``kind=objects`` or ``kind=record``; a slice of
objects has ``slice=<id>``, a record ``good=yes`` or ``good=no``. Tags are not signed: they help to find,
and nothing is believed or forgotten because of them alone.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from vanvault.archiver.core.errors import Damaged, InvalidInput, NotFound, SettingsError
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.backup.content import OBJECTS, OURS, RECORD, SnapshotContent, content_of
from vanvault.recovery.backup.restic import Listener, Restic, json_lines, parse_json

SnapshotKind = Literal["objects", "record"]

#: Snapshots forgotten in one command: an argument list has its limit.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of restic that VanVault made."""

    id: str
    made: datetime
    archive: str
    kind: str
    tags: Mapping[str, str]


class Repository:
    """A repository and the one archive whose backups it holds."""

    def __init__(self, restic: Restic, archive: str = "") -> None:
        """``archive``: its id; "": whichever it is (a restore without a home)."""
        self.restic = restic
        self._archive = archive

    def init(self) -> None:
        """Make an empty repository. Raises Conflict: there is one."""
        self.restic.run("init")

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Those of the archive, oldest first.

        Raises SettingsError: the repository is another archive's, or (without an id) holds several.
        """
        listed = parse_json(self.restic.run("snapshots", "--json", "--tag", OURS)) or []
        found = sorted(map(_snapshot, listed), key=lambda one: (one.made, one.id))
        archives = {one.archive for one in found}
        if self._archive and archives - {self._archive}:
            raise SettingsError(
                "the backup repository belongs to another archive",
                hint="Correct backup.repository; each archive needs a repository of its own.",
            )
        if len(archives) > 1:
            raise SettingsError(f"the backup repository holds {len(archives)} archives; name the home of one")
        return tuple(found)

    def records(self) -> tuple[Snapshot, ...]:
        """The backups, newest first."""
        return tuple(one for one in reversed(self.snapshots()) if one.kind == "record")

    def record(self, wanted: str = "") -> Snapshot:
        """The backup with this id or beginning of one ("": the newest). Raises NotFound, InvalidInput."""
        records = self.records()
        found = [one for one in records if one.id.startswith(wanted)]
        if not found:
            raise NotFound(
                "the repository holds no complete backup"
                if not wanted
                else f"there is no backup {wanted[:64]}",
                hint="vanvault backup list shows all; objects without a record are not restored.",
            )
        if wanted and len(found) > 1:
            raise InvalidInput(f"several backups begin with {wanted[:64]}", field="backup")
        return found[0]

    def save(
        self,
        folder: Path,
        name: str,
        *,
        kind: SnapshotKind,
        tags: Mapping[str, str],
        now: datetime,
        listener: Listener | None = None,
    ) -> tuple[str, int, int]:
        """Save ``folder/name``; the snapshot, and the files and bytes that restic says it read.

        Raises Damaged when it could not read everything (exit code 3).
        """
        summary: dict[str, Any] = {}

        def listen(line: Mapping[str, Any]) -> None:
            if line.get("message_type") == "summary":
                summary.update(line)
            elif listener is not None:
                listener(line)

        words = [f"--tag={OURS}", f"--tag=archive={self._archive}", f"--tag=kind={kind}"]
        words += [f"--tag={tag}={value}" for tag, value in tags.items()]
        # Objects are encrypted, so compressing them costs time and saves nothing.
        words += ["--compression=off"] if kind == "objects" else []
        words += ["--host=vanvault", f"--time={now:%Y-%m-%d %H:%M:%S}", "--force", "--json", name]
        self.restic.run("backup", *words, cwd=folder, listener=listen)
        try:
            counts = int(summary["total_files_processed"]), int(summary["total_bytes_processed"])
            return str(summary["snapshot_id"]), *counts
        except (KeyError, ValueError) as error:
            raise Damaged("restic ended well, but did not say what it saved") from error

    def files_of(self, snapshot: str) -> dict[str, int]:
        """The files in a snapshot's folder of objects: name -> bytes."""
        lines = json_lines(self.restic.run("ls", "--json", snapshot))
        prefix = f"/{OBJECTS}/"
        return {
            str(line["path"]).removeprefix(prefix): int(line.get("size", 0))
            for line in lines
            if line.get("type") == "file" and str(line["path"]).startswith(prefix)
        }

    def contents(self) -> tuple[SnapshotContent, ...]:
        """What every snapshot in the repository consists of, whoever made it. Raises Damaged."""
        listed = parse_json(self.restic.run("snapshots", "--json")) or []
        return tuple(content_of(one, self._archive, self._tree) for one in listed)

    def has_forgotten(self, contents: Iterable[SnapshotContent]) -> bool:
        """Do bytes lie there that no snapshot or no index names? ``restic prune`` takes them away.

        ``contents``: of every snapshot. A pack without an index is what a killed run leaves. Raises Damaged.
        """
        packs: set[str] = set()
        blobs: set[tuple[str, str]] = set()
        try:
            for index in self._listed("index"):
                for pack in parse_json(self.restic.run("cat", "index", index))["packs"] or ():
                    packs.add(str(pack["id"]))
                    blobs.update((str(blob["type"]), str(blob["id"])) for blob in pack["blobs"])
        except (KeyError, TypeError) as error:
            raise Damaged(
                "the index of the repository is of a form that this version does not know"
            ) from error
        named = {blob for one in contents for blob in one.blobs}
        return bool(self._listed("packs") - packs) or bool(blobs - named)

    def _listed(self, what: str) -> set[str]:
        return {line.strip() for line in self.restic.run("list", what).decode().splitlines() if line.strip()}

    def _tree(self, id: str) -> Any:
        return parse_json(self.restic.run("cat", "blob", id))

    def record_files(self, snapshot: str) -> dict[str, bytes]:
        """The files of a record by their path in it. Raises Damaged."""
        printed = self.restic.run("dump", snapshot, f"/{RECORD}")
        try:
            with tarfile.open(fileobj=io.BytesIO(printed)) as archive:
                found = {
                    member.name.lstrip("/"): _content(archive, member)
                    for member in archive.getmembers()
                    if member.isfile()
                }
        except tarfile.TarError as error:
            raise Damaged("the record of the backup cannot be read", hint="Restore an older one.") from error
        return {path.removeprefix(f"{RECORD}/"): data for path, data in found.items()}

    def restore(self, snapshot: str, folder: Path) -> None:
        """All files of a snapshot into ``folder``. Raises Damaged: not all of them could be restored."""
        self.restic.run("restore", snapshot, "--target", str(folder.absolute()))

    def forget_records(self, keep_days: int, *, dry_run: bool) -> tuple[str, ...]:
        """Forget backups that are ``keep_days`` older than the newest; which they were."""
        tags = f"{OURS},archive={self._archive},kind=record"
        words = [f"--tag={tags}", f"--keep-within={keep_days}d", "--group-by=", "--json"]
        printed = self.restic.run("forget", *words, *(("--dry-run",) if dry_run else ()))
        groups = parse_json(printed or b"[]") or []
        return tuple(str(one["id"]) for group in groups for one in group.get("remove") or ())

    def forget(self, snapshots: Sequence[str]) -> None:
        """Forget these."""
        for start in range(0, len(snapshots), _AT_ONCE):
            self.restic.run("forget", *snapshots[start : start + _AT_ONCE])

    def check(self, read_percent: float) -> None:
        """restic's own check, which reads a random share of the data. Raises Damaged."""
        share = f"--read-data-subset={read_percent:g}%"
        self.restic.run("check", *((share,) if read_percent > 0 else ()))


def slices_by_id(snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    """The newest snapshot of each slice."""
    return {one.tags["slice"]: one for one in snapshots if one.kind == "objects" and "slice" in one.tags}


def _snapshot(fields: Mapping[str, Any]) -> Snapshot:
    try:
        pairs = (tag.partition("=") for tag in fields.get("tags") or ())
        tags = {name: value for name, equals, value in pairs if equals}
        made = parse_rfc3339(_whole_seconds(str(fields["time"])))
        return Snapshot(str(fields["id"]), made, tags.get("archive", ""), tags.get("kind", ""), tags)
    except (KeyError, TypeError, InvalidInput) as error:
        raise Damaged("restic lists snapshots in a form that this version does not know") from error


def _whole_seconds(text: str) -> str:
    """restic gives nanoseconds where there are any; the zone is UTC, because its environment says so."""
    return text.partition(".")[0].removesuffix("Z") + "Z"


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file is not None else b""
