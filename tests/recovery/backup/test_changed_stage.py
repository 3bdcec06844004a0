"""Another program changes the stage between writing and saving: what restic saved is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recovery.backup.kit import Kit
from vanvault.archiver.core.errors import Damaged
from vanvault.recovery.backup.check import list_backups


def shorter(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [shorter, Path.unlink], ids=["shorter", "gone"])
def test_a_slice_that_was_saved_short_is_no_backup_and_is_saved_again(
    kit: Kit, harm: Callable[[Path], None]
) -> None:
    def change(step: str) -> None:
        if step == "staged":
            harm(next(iter(sorted((kit.home / "cache" / "backup" / "objects").iterdir()))))

    with pytest.raises(Damaged, match="restic saved"):
        kit.run(fault=change)
    with kit.open() as (_, repository):
        assert list_backups(repository) == ()
        assert len(repository.snapshots()) == 1  # the slice is there, under the name of what it should hold
    report = kit.run()
    assert report.whole
    assert report.slices_taken == 0
    before = kit.objects("standby")
    kit.lose_sites()
    assert kit.load("primary").whole
    assert kit.objects("primary") == before


def test_a_record_that_was_saved_short_is_told(kit: Kit) -> None:
    def change(step: str) -> None:
        if step == "before-record":
            shorter(
                next(path for path in (kit.home / "cache" / "backup" / "record").rglob("*") if path.is_file())
            )

    with pytest.raises(Damaged, match="restic saved"):
        kit.run(fault=change)
