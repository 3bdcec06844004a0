"""A year in monthly steps: what an archive stores for a message before its batches are cleared, and after."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import orjson

from tests.support.archives import SITES
from tests.support.clearing import cleared, make_spent, spent_left
from tests.support.clocks import TickingClock
from tests.support.compacted import CompactedLab
from tests.support.lab import message
from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.upkeep import compact

_MONTHS, _A_MONTH = 12, 2
_BODY = 40_000  # bytes that no compression makes fewer


def month(lab: CompactedLab, number: int) -> list[str]:
    """Some messages of one day, and what a node does until the next month; ids of the entries."""
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        for at in range(_A_MONTH):
            body = hashlib.shake_128(b"%d %d" % (number, at)).digest(_BODY)
            writer.commit([message(archive, 100 * number + at, body=body)], final=at == _A_MONTH - 1)
        ids = [f"{writer.id}-{sequence}-0" for sequence in range(_A_MONTH)]
        writer.close()
        archive.catch_up()
        lab.clock.moment += timedelta(days=30)
        archive.catch_up()
        assert compact(archive).report.segments
    lab.keep()
    return ids


def stored_each(lab: CompactedLab, messages: int) -> dict[str, float]:
    """Bytes of all objects at a site, for each message."""
    with lab.open() as archive:
        return {
            name: sum(version.size for version in site.list()) / messages
            for name, site in archive.sites.items()
        }


def receipts(lab: CompactedLab, ids: list[str]) -> list[bytes]:
    with lab.open() as archive:
        archive.catch_up()
        return [orjson.dumps(archive.receipts.of(one)) for one in ids]


def test_after_a_year_each_message_is_stored_once_a_site(tmp_path: Path) -> None:
    init_home(tmp_path / "home", clock=TickingClock())
    lab = CompactedLab(tmp_path / "home")
    ids = [one for number in range(_MONTHS) for one in month(lab, number)]
    make_spent(lab)
    before, first = stored_each(lab, len(ids)), receipts(lab, ids)
    assert cleared(lab).exit_code == ExitCode.OK
    after = stored_each(lab, len(ids))
    for site in SITES:
        assert spent_left(lab, site) == []
        assert before[site] > 2 * _BODY
        assert _BODY < after[site] < 0.6 * before[site]
    assert receipts(lab, ids) == first
    lab.forget()
    assert receipts(lab, ids) == first
