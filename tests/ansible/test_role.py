"""The Ansible role, run for real on this machine: into a folder of the test's, without systemd or users."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import stop_node
from tests.support.server import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return next(folder.glob("vanvault-*.whl"))


def play(folder: Path, wheel: Path, port: int) -> dict[str, int]:
    """Run the playbook against this machine; its counts of ok, changed and failed tasks."""
    done = run_playbook(folder, wheel, port)
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.rsplit("PLAY RECAP", 1)[1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap)}


def run_playbook(folder: Path, wheel: Path, port: int, **given: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "vanvault_wheel": str(wheel),
        "vanvault_python": sys.executable,
        "vanvault_prefix": str(folder / "prefix"),
        "vanvault_home": str(folder / "home"),
        "vanvault_unit_folder": str(folder),
        "vanvault_port": port,
        "vanvault_manage_host": False,
        "vanvault_schedule": "systemd",
        "ansible_python_interpreter": sys.executable,
        **given,
    }
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "--inventory=localhost,",
            "--connection=local",
            f"--extra-vars={json.dumps(variables)}",
            str(ROOT / "ansible" / "site.yml"),
        ],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "ansible")},
        capture_output=True,
        text=True,
    )


def test_a_bare_host_becomes_a_node_and_a_second_run_changes_nothing(tmp_path: Path, wheel: Path) -> None:
    port = free_port()
    assert play(tmp_path, wheel, port)["changed"] > 0
    settings, token = tmp_path / "home" / "vanvault.toml", tmp_path / "home" / "gateway-token"
    first = settings.read_bytes()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().startswith("vv1_")

    assert play(tmp_path, wheel, port)["changed"] == 0
    assert settings.read_bytes() == first

    timer = (tmp_path / "vanvault-verify.timer").read_text()
    assert "OnCalendar=" in timer
    unit = (tmp_path / "vanvault.service").read_text()
    assert "Environment=VANVAULT_SCHEDULE__IN_SERVE=false" in unit
    starts = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    command = starts[0].removeprefix("ExecStart=")
    process = subprocess.Popen(shlex.split(command), stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        while b"ready" not in (line := process.stderr.readline()):
            assert line, "the node ended"
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/messages",
            content=b"<a/>",
            headers={"Authorization": f"Bearer {token.read_text().strip()}", "Vanvault-Message-Id": "m-1"},
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
    finally:
        stop_node(process)


def test_a_wheel_that_is_not_the_released_one_is_not_installed(tmp_path: Path, wheel: Path) -> None:
    done = run_playbook(tmp_path, wheel, free_port(), vanvault_wheel_sha256="0" * 64)
    assert done.returncode != 0
    assert "SHA-256" in done.stdout
    assert not (tmp_path / "prefix").exists()


def test_a_file_that_is_not_the_locked_one_is_not_installed(tmp_path: Path, wheel: Path) -> None:
    """One digit of each hash of a package is changed: as if its file were another at the index."""
    lock = tmp_path / "changed.lock"
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = re.search(r"^click==.*(?:\n    --hash=.*)+", text, re.MULTILINE)
    assert found
    changed = re.sub(r"sha256:(.)", lambda match: f"sha256:{int(match[1], 16) ^ 1:x}", found[0])
    lock.write_text(changed + "\n", encoding="utf-8")
    done = run_playbook(tmp_path, wheel, free_port(), vanvault_lock=str(lock))
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout + done.stderr
    assert not (tmp_path / "prefix" / "venv" / "bin" / "vanvault").exists()
