"""The table of everything that is done at the hostile site."""

from __future__ import annotations

from tests.faults.hostile import answers, folders, forgeries, harm, unsigned
from tests.faults.hostile.table import Act

ACTS: dict[str, Act] = {
    name: act
    for module in (unsigned, harm, folders, answers, forgeries)
    for name, act in module.TABLE.acts.items()
}
