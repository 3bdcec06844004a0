"""Any archive, compacted, disposed of in part and harmed: verify names exactly what was harmed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.archives import SITES, Home, memory_home
from tests.support.lab import event, message, named
from vanvault.archiver.appliance import Archive
from vanvault.archiver.intake import Writer
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.repair import plan_repair, repair_sites
from vanvault.recovery.verify import VerifyReport, verify_archive
from vanvault.recovery.work import Effort

COMMITS = st.lists(st.sampled_from(["messages", "events", "both", "large"]), max_size=3)
#: Of each writer: hours before it starts, what each of its commits holds, and whether it closes.
WRITERS = st.lists(st.tuples(st.sampled_from([0, 5, 30, 75]), COMMITS, st.booleans()), min_size=1, max_size=4)
HARMS = {"flip": "damaged", "truncate": "damaged", "drop": "missing"}


def write(archive: Archive, number: int, commits: list[str], closes: bool) -> None:
    writer, opened = archive.open_writer()
    archive.tail.apply([batch.folded for batch in opened])
    for at, kind in enumerate(commits):
        commit(archive, writer, 100 * number + at, kind)
    if closes:
        writer.commit([archive.system_event("writer.closed", {})], final=True)
    writer.close()
    archive.catch_up()


def commit(archive: Archive, writer: Writer, number: int, kind: str) -> None:
    drafts = [message(archive, number), message(archive, 10_000 + number)] if kind != "events" else []
    if kind == "large":
        drafts = [message(archive, number, body=b"<large>%d</large>" % number, writer=writer)]
    if kind in ("events", "both"):
        drafts.append(event(archive, number))
    writer.commit(drafts)


def checked(archive: Archive) -> VerifyReport:
    return verify_archive(archive, effort=Effort(workers=1), pause=lambda: None)


def dispose(home: Home, archive: Archive, data: st.DataObject) -> None:
    """Through the store's own disposal, which refuses what is locked."""
    keys = sorted({version.key for version in home.primary.list("batch/")})
    covered = [key for key in keys if archive.catalogue.covers(key)]
    for key in data.draw(st.lists(st.sampled_from(covered), unique=True)) if covered else []:
        for site in data.draw(st.sampled_from([SITES, SITES[:1], SITES[1:]])):
            for version in home.sites[site].versions(key):
                home.sites[site].delete(key, version.version)


@settings(max_examples=25, deadline=None)
@given(WRITERS, st.data())
def test_verify_names_exactly_what_was_harmed(
    writers: list[tuple[int, list[str], bool]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder, memory_home(Path(folder) / "home") as home:
        archive = home.archive()
        for number, (hours, commits, closes) in enumerate(writers):
            home.clock.advance(timedelta(hours=hours))
            # A large object is a writer's only one here.
            kinds = [kind for at, kind in enumerate(commits) if kind != "large" or kind not in commits[:at]]
            write(archive, number, kinds, closes)
            if data.draw(st.booleans()):
                compact(archive)
        home.clock.advance(timedelta(days=100))
        keep_locks(archive)
        dispose(home, archive, data)
        assert checked(archive).findings == ()
        covered = {key for key in _keys(home) if archive.catalogue.covers(key)}
        harmed = data.draw(
            st.dictionaries(
                st.sampled_from(sorted(_keys(home) - covered)),
                st.tuples(st.sampled_from(SITES), st.sampled_from(sorted(HARMS))),
                max_size=4,
            )
        )
        for key, (site, harm) in harmed.items():
            damage = home.sites[site].damage
            if harm == "truncate":
                damage.truncate(key, 5)
            else:
                getattr(damage, harm)(key)
        report = checked(archive)
        assert named(report) == {(HARMS[harm], site, key) for key, (site, harm) in harmed.items()}
        assert repair_sites(plan_repair(report), home.sites).whole
        assert checked(archive).whole


def _keys(home: Home) -> set[str]:
    return {version.key for site in home.sites.values() for version in site.list()}
