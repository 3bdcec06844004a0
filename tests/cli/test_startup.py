"""Verbs that read no Parquet and no S3 site start without the libraries for them, which take a second."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pyarrow", "numpy", "boto3", "botocore.session", "minio"}


@pytest.mark.parametrize("module", ["main", "gateway", "keys", "push", "receipt", "schedule", "status"])
def test_a_verb_loads_no_library_that_it_may_not_need(module: str) -> None:
    program = f"import sys, vanvault.cli.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()
