"""``python -m vanvault.recovery.schedule --home DIR JOB``: run a job if it is due, as a serving node does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core_dumps import forbid_core_dumps
from vanvault.archiver.standard_streams import guard_streams
from vanvault.recovery.schedule.child import at_edge, end_process
from vanvault.recovery.schedule.run import run_asked, run_named


def main(arguments: Sequence[str] | None = None) -> int:
    """The process. Returns its exit code; 0 when the job is not due."""
    parser = argparse.ArgumentParser(description="Run a scheduled job if it is due.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--asked", default="", help="The id under which a person asked for it.")
    parser.add_argument("job")
    given = parser.parse_args(arguments)

    def run() -> tuple[ExitCode, dict[str, object]]:
        if given.asked:
            ran = run_asked(given.home, given.asked)
            return ran.exit_code, ran.as_json()
        finished = run_named(given.home, given.job, if_due=True, as_json=True)
        if finished is None:
            return ExitCode.OK, {"job": given.job, "ran": False}
        return finished.exit_code, finished.as_json()

    return at_edge(run)


if __name__ == "__main__":
    forbid_core_dumps()
    guard_streams()
    end_process(main())
