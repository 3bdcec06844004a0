"""Verbs start without the libraries that they do not use, each of which takes a tenth of a second or more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.compacted import CompactedLab

HEAVY = {"pyarrow", "numpy", "boto3", "botocore.session", "minio"}
#: What no look at an archive in files needs: S3, HTTP, logs, processes, tables on a terminal. It needs what
#: writes: it puts itself on record.
UNUSED = {
    "asyncio",
    "boto3",
    "botocore",
    "fastapi",
    "lxml",
    "minio",
    "multiprocessing",
    "numpy.ma",
    "prometheus_client",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pydantic_settings",
    "rich",
    "structlog",
    "urllib3",
    "vanvault.api",
    "vanvault.archiver.stores.probe",
    "vanvault.archiver.stores.s3",
    "vanvault.archiver.upkeep",
    "vanvault.recovery.coverage",
    "vanvault.recovery.objects",
    "vanvault.recovery.verify",
}
#: What only reading whole rows and their proofs needs: searches read row blocks and the hot tail.
PARQUET = {"pyarrow.parquet", "pyarrow.parquet.encryption"}

_PROGRAM = """
import sys
from vanvault.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "module", ["main", "account", "gateway", "keys", "push", "receipt", "schedule", "status"]
)
def test_a_verb_loads_no_library_that_it_may_not_need(module: str) -> None:
    program = f"import sys, vanvault.cli.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_a_status_loads_nothing_that_only_reads_rows_or_prints_shares() -> None:
    program = "import sys, vanvault.recovery.status; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"pyarrow.compute", "segno", *PARQUET} & set(done.stdout.split()) == set()


def run(home: Path, *verb: str) -> tuple[set[str], str]:
    """The modules of a process that has run a verb to its end with success, and what it wrote to stdout."""
    command = [sys.executable, "-c", _PROGRAM, "--home", str(home), *verb]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()), done.stdout


def test_no_garbage_is_looked_for_while_a_verb_starts(compacted: CompactedLab) -> None:
    program = """
import atexit, gc, sys
from vanvault.cli.main import run
def look(phase, _):
    if "vanvault.archiver.appliance" in sys.modules and "vanvault.recovery.verified" not in sys.modules:
        print("garbage is looked for", file=sys.stderr)
gc.callbacks.append(look)
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0, file=sys.stderr))
run()
"""
    command = [sys.executable, "-c", program, "--home", str(compacted.home), "search", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "garbage" not in done.stderr
    assert done.stderr.splitlines()[-1].split() == ["True", "True"]


def test_verbs_that_look_load_nothing_that_only_others_use(compacted: CompactedLab) -> None:
    with compacted.open() as archive:
        archive.catch_up()  # the building of an index loads more
    loaded, output = run(compacted.home, "search", "--json", "--entry", "message", "--order", "oldest")
    assert loaded & (UNUSED | PARQUET) == set()
    for item in json.loads(output)["items"][:1]:
        assert run(compacted.home, "get", "--receipt", item["id"])[0] & UNUSED == set()
        narrow = ("search", "--json", "--message-id", item["message_id"], "--from", "2020-01-01")
        loaded, output = run(compacted.home, *narrow)
        assert loaded & (UNUSED | PARQUET) == set()
        assert len(json.loads(output)["items"]) == 1
