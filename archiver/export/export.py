"""Runs an export: on record first, then page by page to a working folder, then sealed and given its name.

The steps of its life, each durable before the next begins, so that a kill at any moment is resumed by
the same request:

1. Level with both sites; ``until`` is fixed, so that what arrives meanwhile changes nothing.
2. The event ``vanvault.export.started`` is archived, and the look put on record. Only then a byte is written.
3. Pages, oldest first; a checkpoint after each.
4. The end of the file, the manifest and its signature: ``sealed``.
5. The event ``vanvault.export.finished`` with the manifest's digest: ``recorded``.
6. The file (and, beside a flat file, its manifest) gets its final name; the folder goes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Conflict, InvalidInput, SiteUnavailable
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.export.contents import (
    Contents,
    FinishedFile,
    ZipContents,
    as_list,
    contents_of,
    file_digest,
)
from vanvault.archiver.export.host import ExportHost, HomeExport, surveyed
from vanvault.archiver.export.manifest import MANIFEST, signed_manifest
from vanvault.archiver.export.request import ExportRequest, ExportState, filter_fields
from vanvault.archiver.export.workspace import Workspace, refuse_existing
from vanvault.archiver.journal import EventType

#: Items between two checkpoints.
PAGE = 500
#: With originals, which may be large, so that a kill repeats little.
PAGE_WITH_ORIGINALS = 100

OnPage = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A finished export."""

    output: Path
    manifest_path: Path | None  # None: it is a member of the ZIP
    state: ExportState
    bytes: int
    sha256: str  # of the output
    manifest_sha256: str
    unreadable: list[dict[str, str]]
    resumed: bool

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        counts = self.state.counts
        return {
            "export": self.state.export,
            "format": self.state.request["format"],
            "output": str(self.output),
            "manifest": str(self.manifest_path) if self.manifest_path else None,
            "items": counts.items,
            "messages": counts.messages,
            "events": counts.events,
            "originals": counts.originals,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "manifest_sha256": self.manifest_sha256,
            "unreadable": self.unreadable,
            "disposed": dict(sorted(self.state.disposed.items())),
            "resumed": self.resumed,
        }


def export(
    archive: Archive,
    request: ExportRequest,
    output: Path,
    *,
    who: str,
    step: OnPage = lambda items: None,
    host: ExportHost | None = None,
) -> ExportReport:
    """Export to ``output``, or go on where an earlier run of the same request was stopped.

    ``host``: where it runs; by default in the home of the archive, without a look of its own.

    Raises:
        Conflict: the output exists, or its working folder is of another request.
        Busy: another process works at it.
        InvalidInput: the output cannot be written.
        SiteUnavailable: a site is away; run it again to go on.
        KeyUnavailable: a master or signing key is missing.
        TooLarge: it is more than the host lets go.
    """
    host = host or HomeExport(archive)
    work = Workspace(output)
    beside = None if request.format == "zip" else output.with_name(f"{output.name}.{MANIFEST}")
    with work.locked():
        state = work.load()
        resumed = state is not None
        if state is None or state.phase != "recorded":
            for path in (output, beside):
                if path is not None:
                    refuse_existing(path)
        if state is None:
            state = _begin(archive, request, work, who, host)
        else:
            _check_same(request, state, work)
            state = _level(archive, request, state, who, host)
            step(state.counts.items)
        if state.phase in ("collecting", "collected"):
            contents = contents_of(request, archive, work, state)
            state = _collect(archive, request, work, state, contents, step, host)
            state = _seal(archive, request, work, state, contents, host)
        return _publish(host, work, state, beside, who, resumed=resumed)


def _begin(
    archive: Archive, request: ExportRequest, work: Workspace, who: str, host: ExportHost
) -> ExportState:
    damaged = host.level(settle=True)
    state = ExportState(
        request=request.fields(),
        export=archive.entropy.token(8).hex(),
        who=who,
        started_at=rfc3339_us(to_us(archive.clock.now())),
        # What is known now; the archive's own clock, so that no other node's is asked.
        until_us=min(request.query.to_us, archive.tail.last_received_us() + 1),
        damaged_batches=damaged,
    )
    survey = surveyed(archive, request, host, state.until_us) if host.looked else None
    if survey is not None:
        host.check(survey)
    told = {**request.fields(), "export": state.export, "who": who}
    host.record(EventType.EXPORT_STARTED, {**told, "looked": True} if host.looked else told)
    if survey is not None:
        host.shows(survey)
    return work.checkpoint(state)


def _check_same(request: ExportRequest, state: ExportState, work: Workspace) -> None:
    if request.fields() != state.request:
        raise Conflict(
            f"{work.folder} holds another export, begun {state.started_at[:19]}Z",
            hint="Repeat that one with its own arguments, delete the folder, or name another output.",
        )


def _level(
    archive: Archive, request: ExportRequest, state: ExportState, who: str, host: ExportHost
) -> ExportState:
    """Fold first, so that the cursor's position is known even in a new hot tail."""
    if state.phase == "collecting":
        damaged = {*state.damaged_batches, *host.level(settle=False)}
        state = replace(state, damaged_batches=tuple(sorted(damaged)))
    if state.phase != "recorded":
        told = {"export": state.export, "items": state.counts.items, "who": who}
        host.record(EventType.EXPORT_RESUMED, {**told, "looked": True} if host.looked else told)
        if host.looked:
            host.shows(surveyed(archive, request, host, state.until_us))
    return state


def _collect(
    archive: Archive,
    request: ExportRequest,
    work: Workspace,
    state: ExportState,
    contents: Contents,
    step: OnPage,
    host: ExportHost,
) -> ExportState:
    limit = PAGE_WITH_ORIGINALS if request.format == "zip" else PAGE
    query = replace(request.query, to_us=state.until_us, limit=limit)
    while state.phase == "collecting":
        page = archive.search.page(replace(query, after=_after(archive, query, state, work)), whole=True)
        if any(unread.reason == "unavailable" for unread in page.unread):
            raise SiteUnavailable(
                "a segment cannot be read, because its sites are away",
                site="every site",
                may_be_stored=False,
                hint="Repeat the export when a site is back; it goes on where it stopped.",
            )
        counts = state.counts
        unread = {*state.damaged_batches, *(unread.object for unread in page.unread)}
        state = replace(state, damaged_batches=tuple(sorted(unread)))
        disposed = Counter(state.disposed)
        for item in page.items:
            if host.sees(item):
                if item["entry"] == "disposed":
                    disposed[item.get("disposed", {"certificate": ""})["certificate"]] += 1
                else:
                    counts = contents.add(item, counts)
            step(1)
        phase = "collecting" if page.next else "collected"
        state = replace(state, counts=counts, cursor=page.next or "", disposed=dict(disposed))
        state = work.checkpoint(state if phase == "collecting" else replace(state, phase="collected"))
    return state


def _after(archive: Archive, query: Query, state: ExportState, work: Workspace) -> bytes:
    if not state.cursor:
        return b""
    try:
        return query.continued(state.cursor, archive.search.cursor_key).after
    except InvalidInput as error:
        raise Conflict(
            f"the checkpoint in {work.folder} does not fit this archive's index key any more",
            hint="Was the index key rotated? Delete the folder, and begin anew.",
        ) from error


def _seal(
    archive: Archive,
    request: ExportRequest,
    work: Workspace,
    state: ExportState,
    contents: Contents,
    host: ExportHost,
) -> ExportState:
    finished: FinishedFile = contents.finish(state)
    manifest = signed_manifest(
        state,
        archive=archive.settings.archive,
        content=finished.content,
        filter=filter_fields(replace(request.query, to_us=state.until_us)),
        unreadable=as_list(state.damaged_batches) + contents.unreadable(),
        finished_at=rfc3339_us(to_us(archive.clock.now())),
        signer=archive.signing.active(),
        withheld=host.withheld(),
    )
    if isinstance(contents, ZipContents):
        contents.writer.add(MANIFEST, manifest, summed=False)
        contents.writer.end()
    spool = work.spool(MANIFEST)
    spool.reset(0)
    spool.write(manifest)
    return work.checkpoint(replace(state, phase="sealed"))


def _publish(
    host: ExportHost, work: Workspace, state: ExportState, beside: Path | None, who: str, *, resumed: bool
) -> ExportReport:
    name = {"csv": "items.csv", "ndjson": "items.ndjson", "parquet": "items.parquet", "zip": "data.zip"}[
        state.request["format"]
    ]
    kept = work.folder / MANIFEST
    data = (kept if kept.exists() or beside is None else beside).read_bytes()
    manifest = orjson.loads(data)
    manifest_sha256 = hashlib.sha256(data).hexdigest()
    source = work.folder / name if (work.folder / name).exists() else work.output
    report = ExportReport(
        output=work.output,
        manifest_path=beside,
        state=state,
        bytes=source.stat().st_size,
        sha256=file_digest(source) if beside is None else manifest["content"]["sha256"],
        manifest_sha256=manifest_sha256,
        unreadable=manifest["unreadable"],
        resumed=resumed,
    )
    if state.phase == "sealed":
        host.record(EventType.EXPORT_FINISHED, _finished(report, who))
        state = work.checkpoint(replace(state, phase="recorded"))
    if beside is not None:
        work.publish(MANIFEST, beside)
    work.publish(name, work.output)
    work.remove()
    return report


def _finished(report: ExportReport, who: str) -> dict[str, object]:
    counts = report.state.counts
    return {
        "bytes": report.bytes,
        "export": report.state.export,
        "format": report.state.request["format"],
        "items": counts.items,
        "manifest_sha256": report.manifest_sha256,
        "originals": counts.originals,
        "unreadable": len(report.unreadable),
        "who": who,
    }
