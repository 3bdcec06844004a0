"""The table of what takes long names what there is."""

from __future__ import annotations

from tests.support.sharing_out import GROUPS, LONGEST, ROOT


def test_every_long_unit_is_a_file_or_a_group() -> None:
    missing = [unit for unit in LONGEST if unit not in GROUPS.values() and not (ROOT / unit).is_file()]
    assert missing == []
