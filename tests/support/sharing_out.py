"""How ``make test`` shares out the tests among processes (pytest-xdist, ``--dist loadgroup``).

A unit is what one process runs without a break: a file, or all tests that need a server that is slow to start
(``GROUPS``), so that one process starts it once. The longest units come first: a long one that begins last
would leave the other cores idle at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

ROOT = Path(__file__).parents[2]

#: By the start of a fixture's or a parameter's name: the unit of the tests that need it.
GROUPS = {"ceph": "ceph", "keycloak": "keycloak", "scheduler": "dask"}

#: The units that take longest, the longest first (measured 2026-11 on 2 cores). The others come after them.
LONGEST = (
    "tests/faults/test_hostile.py",
    "tests/faults/test_hostile_site_out.py",
    "tests/faults/test_hostile_mutations.py",
    "tests/faults/test_kill_degraded.py",
    "tests/recovery/retention_years/test_years.py",
    "tests/api/test_two_nodes.py",
    "tests/upkeep/compaction/test_ten_years.py",
    "dask",
    "tests/api/console/test_browser.py",
    "tests/api/test_degraded.py",
    "keycloak",
    "tests/servers/test_processes.py",
    "tests/faults/test_kill.py",
    "tests/api/test_sites_in_trouble.py",
    "tests/api/listener/test_http.py",
    "tests/api/test_attacks.py",
    "tests/recovery/drill/test_record.py",
    "tests/journal/availability/test_properties.py",
    "tests/catalogue/index/test_rebuild.py",
    "tests/s3/test_life.py",
    "tests/recovery/test_segment_forgeries.py",
    "ceph",
    "tests/s3/test_faults_between.py",
    "tests/catalogue/search/test_search.py",
    "tests/upkeep/compaction/test_kill.py",
    "tests/faults/test_chaos.py",
    "tests/recovery/backup/test_verbs.py",
    "tests/stores/probe/test_faults.py",
    "tests/recovery/test_verify_segments.py",
    "tests/recovery/schedule/test_runs.py",
    "tests/recovery/backup/test_bad_input.py",
    "tests/upkeep/compaction/test_compact.py",
    "tests/upkeep/compaction/test_maintenance.py",
    "tests/recovery/test_restore_segments.py",
    "tests/recovery/backup/test_kill.py",
    "tests/contract/test_store_contract.py",
    "tests/recovery/backup/test_life.py",
    "tests/catalogue/search/test_bounds.py",
    "tests/recovery/coverage/test_model.py",
    "tests/recovery/test_cli.py",
    "tests/recovery/coverage/test_cli.py",
)


class Units(LoadScopeScheduling):
    """Files stay whole, but for the tests of a group."""

    def _split_scope(self, nodeid: str) -> str:
        grouped = nodeid.rfind("@") > nodeid.rfind("]")  # pytest-xdist adds "@" and the name of the group
        return nodeid.rpartition("@")[2] if grouped else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
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
    first = [unit for unit in LONGEST if unit in units]
    items[:] = [item for unit in dict.fromkeys([*first, *units]) for item in units[unit]]


def group_of(item: pytest.Item) -> str:
    """The group of a test, by its fixtures and parameters; empty without one."""
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    names = [*getattr(item, "fixturenames", ()), *(one for one in parameters if isinstance(one, str))]
    return next((group for start, group in GROUPS.items() for name in names if name.startswith(start)), "")
