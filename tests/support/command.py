"""The command ``vanvault`` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_MAIN = "from vanvault.cli.main import main; main()"


def vanvault(home: Path, *arguments: str, exit_code: int = 0) -> Any:
    """Run a verb with --json; its last JSON line. Fails when it exits otherwise than expected."""
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, "--home", str(home), *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == exit_code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else None
