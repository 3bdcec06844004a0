"""``python -m tests.mutants.run``: do the tests notice small bugs? The last line is JSON (``make mutants``).

Each mutant is made in a copy of the tree, and the tests that its row names run there. Before that they run in
the copy as it is: a test that fails anyway notices nothing. Results are kept in ``build/mutants.jsonl``, so
that a run that was ended goes on where it was; a change of the module, of the tests or of the row makes a
result void. The exit code is 0 only when no mutant survived that the table does not call equivalent.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.model import ROOT, Mutant, patched
from tests.mutants.table import MUTANTS

RESULTS = ROOT / "build" / "mutants.jsonl"
#: Seconds for the tests of one mutant; a bug that makes a test wait without an end is noticed thereby.
MOST_S = 300
#: Seconds for one test, as pytest-timeout counts them.
TEST_S = 60
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", "build", "dist", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info"
)
_FAILED = 1  # pytest: tests ran, and some failed
_BROKEN = 2  # pytest: a test file could not be imported


class Tree:
    """A copy of the project in which one mutant at a time is made."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        shutil.copytree(ROOT, self.root, symlinks=True, ignore=_LEFT_OUT)
        self._env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.root / "src"), str(self.root)]),
            "TMPDIR": str(folder),
        }
        found = subprocess.run(
            [sys.executable, "-c", "import vanvault.archiver.core as it; print(it.__file__)"],
            cwd=self.root,
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if not found.startswith(str(self.root)):
            raise SystemExit(f"the tests would run {found.strip()}, which is not the copy")

    def test(self, tests: Iterable[str]) -> tuple[int | None, str]:
        """How pytest ended (None: not in time), and the last lines that it said."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line"]
        process = subprocess.Popen(
            [*command, f"--timeout={TEST_S}", *tests],
            cwd=self.root,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return None, ""
        return process.returncode, "\n".join(said.strip().splitlines()[-4:])

    def run(self, mutant: Mutant) -> str:
        """``killed``, ``late`` (killed by a time limit), ``survived``, or what went wrong."""
        path = self.root / mutant.path
        source = path.read_text(encoding="utf-8")
        self._write(path, patched(mutant, source))
        try:
            code, said = self.test(mutant.tests)
        finally:
            self._write(path, source)
        if code is None or "Timeout >" in said:
            return "late"
        verdicts = {0: "survived", _FAILED: "killed", _BROKEN: "killed"}
        return verdicts.get(code, f"pytest ended with {code}: {said}")

    def _write(self, path: Path, source: str) -> None:
        path.write_text(source, encoding="utf-8")
        for compiled in path.parent.glob(
            f"__pycache__/{path.stem}.*"
        ):  # of the same second and size, perhaps
            compiled.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    chosen = [
        mutant
        for mutant in MUTANTS
        if (not options.only or mutant.name in options.only.split(","))
        and (not options.room or mutant.room.startswith(tuple(options.room.split(","))))
    ]
    known = {} if options.again else _known()
    states = {one.name: _state(one) for one in chosen}  # before the tree is copied: it may change meanwhile
    verdicts = {
        name: known[state] for name, state in states.items() if known.get(state) in ("killed", "late")
    }
    left = [one for one in chosen if one.name not in verdicts]
    print(f"{len(chosen)} mutants, {len(verdicts)} of them known from before", flush=True)
    if left:
        _run(left, options, states, verdicts)
    equivalent = {mutant.name for mutant in chosen if mutant.equivalent}
    killed = sorted(name for name, verdict in verdicts.items() if verdict in ("killed", "late"))
    survived = sorted(name for name in verdicts if name not in killed and name not in equivalent)
    print(
        json.dumps(
            {
                "mutants": len(chosen),
                "killed": len(killed),
                "survived": survived,
                "equivalent": sorted(equivalent - set(killed)),
                "late": sorted(name for name, verdict in verdicts.items() if verdict == "late"),
            }
        )
    )
    return 1 if survived else 0


def _run(
    mutants: list[Mutant], options: argparse.Namespace, states: dict[str, str], verdicts: dict[str, str]
) -> None:
    processes, checked = options.processes, not options.unchecked
    RESULTS.parent.mkdir(exist_ok=True)
    lock = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch, ThreadPoolExecutor(processes) as pool:
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(processes):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            trees.put(Tree(folder))

        def in_a_tree(work: Callable[[Tree], None]) -> None:
            tree = trees.get()
            try:
                work(tree)
            finally:
                trees.put(tree)

        def sound(test: str) -> None:
            def work(tree: Tree) -> None:
                code, said = tree.test([test])
                if code:
                    failing[test] = said

            in_a_tree(work)

        def judge(mutant: Mutant) -> None:
            def work(tree: Tree) -> None:
                began = time.monotonic()
                verdict = tree.run(mutant)
                with lock:
                    verdicts[mutant.name] = verdict
                    with RESULTS.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"state": states[mutant.name], "verdict": verdict}) + "\n")
                    took = time.monotonic() - began
                    print(f"{verdict:9} {took:5.1f} s  {mutant.name} ({mutant.path})", flush=True)

            in_a_tree(work)

        failing: dict[str, str] = {}
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        if checked:
            list(pool.map(sound, tests))
        for test, said in failing.items():
            print(f"fails without a bug: {test}\n{said}", flush=True)
        ready = [mutant for mutant in mutants if not failing.keys() & set(mutant.tests)]
        verdicts |= {one.name: "its tests fail without it" for one in mutants if one not in ready}
        list(pool.map(judge, ready))


def _known() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    lines = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    return {line["state"]: line["verdict"] for line in lines}


def _state(mutant: Mutant) -> str:
    """What a result is of: the row, the module and the test files as they are."""
    digest = hashlib.sha256(repr(mutant).encode())
    for path in (mutant.path, *(test.split("::")[0] for test in mutant.tests)):
        digest.update((ROOT / path).read_bytes())
    return digest.hexdigest()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("--only", default="", help="names of mutants, with commas between")
    parser.add_argument("--room", default="", help="beginnings of rooms, such as archiver/stores,api")
    parser.add_argument("--processes", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--unchecked", action="store_true", help="the tests are known to pass without a bug")
    parser.add_argument("--again", action="store_true", help="take no result from before")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
