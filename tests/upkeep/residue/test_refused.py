"""A residue segment that would replace what it does not hold is told to people, and counts for nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.names import segment_key
from tests.support.residues import disposable

from vanvault.archiver.core.names import RESIDUE_NUMBERS
from vanvault.recovery.status import status


def told(archive: object) -> dict[str, str]:
    return {one.id: one.text for one in status(archive).conditions}  # type: ignore[arg-type]


def test_status_names_it_until_it_is_gone(tmp_path: Path) -> None:
    with disposable(tmp_path / "home") as made:
        old = made.segment
        _, genuine = made.dispose("m-1")
        assert "residue-refused" not in told(made.archive)
        later = f"{genuine.segment[:-1]}{'y' if genuine.segment[-1] != 'y' else 'z'}"
        lacking = replace(genuine, segment=later, covers=genuine.covers[1:], replaces=(old.manifest.segment,))
        key = segment_key(later, RESIDUE_NUMBERS["manifest"], "manifest", bytes(32))
        made.archive.catalogue.add(key, lacking)
        assert later in told(made.archive)["residue-refused"]
        assert made.archive.search.entry(made.id("m-3"))["entry"] == "message"
