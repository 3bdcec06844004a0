"""The command ``vanvault``: in this process, or in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.support import nursery
from vanvault.cli.main import main

Run = Callable[..., Result]

#: The command in a process of its own, without its arguments.
COMMAND = (sys.executable, "-m", "vanvault.cli")
#: Where no server ever listens. No test asks the default port: a server of ``make run`` may listen there.
NOWHERE = "http://127.0.0.1:1"


def run_cli(
    home: Path, *arguments: object, env: Mapping[str, str] | None = None, input: bytes = b""
) -> Result:
    """``vanvault --home HOME ARGUMENTS`` in this process; only ``env`` of our variables is seen."""
    clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("VANVAULT_")}
    clean["VANVAULT_URL"] = NOWHERE
    result = CliRunner().invoke(
        main, ["--home", str(home), *map(str, arguments)], env=clean | dict(env or {}), input=input
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def json_of(result: Result) -> Any:
    """The one JSON value on stdout of a verb that succeeded."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def lines_of(result: Result) -> list[Any]:
    """The JSON value on each line of stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def vanvault(home: Path, *arguments: str, exit_code: int = 0) -> Any:
    """Run a verb with --json in a process of its own; its last JSON line.

    Fails when it exits otherwise than expected.
    """
    done = nursery.run("vanvault.cli", ["--home", str(home), *arguments, "--json"], timeout=280)
    assert done.returncode == exit_code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else None
