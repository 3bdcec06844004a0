"""How ``make test`` shares out the tests among processes (pytest-xdist, ``--dist loadgroup``).

A unit is what one process runs without a break: a file, or all tests that need a server that is slow to start
(``GROUPS``), so that one process starts it once. The longest units come first: a long one that begins last
would leave the other cores idle at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadGroupScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

ROOT = Path(__file__).parents[2]

#: By the start of a fixture's or a parameter's name: the unit of the tests that need it.
GROUPS = {"ceph": "ceph", "scheduler": "dask"}

#: Seconds, roughly, of the units that take longest (2 cores, 2026-11). Only the order matters.
LONGEST: dict[str, int] = {}


class Units(LoadGroupScheduling):
    """Files stay whole, but for the tests of a group."""

    def _split_scope(self, nodeid: str) -> str:
        found = super()._split_scope(nodeid)
        return nodeid.split("::", 1)[0] if found == nodeid else found


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Units | None:
    """pytest-xdist's hook in the process that shares out."""
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # the order is that of pytest_collection_modifyitems
    return Units(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Pytest's hook; in the processes that run tests: name the groups, and bring the items into order."""
    if not hasattr(config, "workerinput"):
        return
    units: dict[str, list[pytest.Item]] = {}
    for item in items:
        group = group_of(item)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
        units.setdefault(group or item.nodeid.split("::", 1)[0], []).append(item)
    first = sorted(units, key=lambda unit: -LONGEST.get(unit, 0))
    items[:] = [item for unit in first for item in units[unit]]


def group_of(item: pytest.Item) -> str:
    """The group of a test, by its fixtures and parameters; empty without one."""
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    names = [*getattr(item, "fixturenames", ()), *(one for one in parameters if isinstance(one, str))]
    return next((group for start, group in GROUPS.items() for name in names if name.startswith(start)), "")
