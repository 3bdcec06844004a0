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
import jinja2
import pytest
import yaml

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


def play(folder: Path, wheel: Path, port: int, **given: object) -> dict[str, int]:
    """Run the playbook against this machine; its counts of ok, changed and failed tasks."""
    done = run_playbook(folder, wheel, port, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.rsplit("PLAY RECAP", 1)[1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap)}


def run_playbook(folder: Path, wheel: Path, port: int, **given: object) -> subprocess.CompletedProcess[str]:
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


#: What a shell, systemd or Ansible could read as something else.
SECRET = """pass"word'$HOME `id` \\ %d #"""


def with_secrets(folder: Path) -> dict[str, object]:
    """Variables of a host with a site outside of its home, keys of S3 sites and a password of the backup."""
    password = folder / "backup-password"
    password.write_text("correct-horse\n")
    password.chmod(0o600)
    return {
        "vanvault_primary": f"file:{folder}/elsewhere/primary",
        "vanvault_secrets": {"VANVAULT_STANDBY_SECRET_KEY": SECRET, "VANVAULT_STANDBY_ACCESS_KEY": "key-1"},
        "vanvault_secrets_file": str(folder / "etc" / "secrets.env"),
        "vanvault_credentials": {"backup.password_file": str(password)},
    }


def test_a_bare_host_becomes_a_node_and_a_second_run_changes_nothing(tmp_path: Path, wheel: Path) -> None:
    port, host = free_port(), with_secrets(tmp_path)
    assert play(tmp_path, wheel, port, **host)["changed"] > 0
    settings, token = tmp_path / "home" / "vanvault.toml", tmp_path / "home" / "gateway-token"
    first = settings.read_bytes()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().startswith("vv1_")

    assert play(tmp_path, wheel, port, **host)["changed"] == 0
    assert settings.read_bytes() == first
    check_units(tmp_path, host)
    check_secrets(tmp_path, host)

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


def check_units(folder: Path, host: dict[str, object]) -> None:
    """Each unit writes to the site outside of the home, waits for the clock, gets its secrets from files."""
    units = sorted(folder.glob("vanvault*.service"))
    assert len(units) > 2
    node = (folder / "vanvault.service").read_text().splitlines()
    assert f"EnvironmentFile=-{folder}/home/credentials/standby.env" in node
    for unit in units:
        lines = unit.read_text().splitlines()
        assert f'ReadWritePaths="-{folder}/elsewhere/primary"' in lines, unit.name
        assert "After=network-online.target time-sync.target" in lines
        assert "Wants=network-online.target time-sync.target" in lines
        assert f"EnvironmentFile={host['vanvault_secrets_file']}" in lines
        assert f"LoadCredential=backup.password_file:{folder}/backup-password" in lines
        assert "Environment=VANVAULT_BACKUP__PASSWORD_FILE=%d/backup.password_file" in lines
        assert SECRET not in unit.read_text()
        assert "correct-horse" not in unit.read_text()


def check_secrets(folder: Path, host: dict[str, object]) -> None:
    """The file of secrets is closed to others and means what was given; no task printed it."""
    file = folder / "etc" / "secrets.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    show = f'set -eu; . {shlex.quote(str(file))}; printf %s "$VANVAULT_STANDBY_SECRET_KEY"'
    assert subprocess.run(["bash", "-c", show], capture_output=True, text=True, check=True).stdout == SECRET
    assert [line.partition("=")[0] for line in file.read_text().splitlines()] == [
        "VANVAULT_STANDBY_ACCESS_KEY",
        "VANVAULT_STANDBY_SECRET_KEY",
    ]


def test_a_first_install_gets_the_keys_of_files_that_the_host_has(tmp_path: Path) -> None:
    tasks = yaml.safe_load((ROOT / "ansible/roles/vanvault/tasks/main.yml").read_text(encoding="utf-8"))
    script = next(task for task in tasks if task["name"] == "Home")["ansible.builtin.shell"]["cmd"]
    programs, home = tmp_path / "prefix" / "venv" / "bin", tmp_path / "home"
    for folder in (programs, home):
        folder.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    seen = tmp_path / "seen"
    (programs / "vanvault").write_text(f'#!/bin/sh\nenv -0 > {seen}\necho \'{{"token": "vv1_made"}}\'\n')
    (programs / "vanvault").chmod(0o700)
    quoted = SECRET.translate({ord(one): f"\\{one}" for one in '"\\$`'})
    first, second = tmp_path / "s3 keys.env", tmp_path / "secrets.env"
    first.write_text(f"# of the host\n\nPLAIN=a b $HOME `id`\nSINGLE='x y'\nBOTH=first\nLAST={'k' * 3}")
    second.write_text(f'VANVAULT_STANDBY_SECRET_KEY="{quoted}"\nBOTH="second"\n')
    environment = jinja2.Environment(autoescape=False)
    environment.filters["quote"] = shlex.quote
    rendered = environment.from_string(script).render(
        vanvault_named_environment=[str(first), str(second)], vanvault_manage_host=False,
        vanvault_user="vanvault", vanvault_home=str(home), vanvault_prefix=str(tmp_path / "prefix"),
        vanvault_primary="file:a", vanvault_standby="file:b",
    )  # fmt: skip
    subprocess.run(["/bin/bash", "-c", rendered], check=True)
    found = dict(line.split("=", 1) for line in seen.read_text().split("\0") if line)
    wanted = {"PLAIN": "a b $HOME `id`", "SINGLE": "x y", "BOTH": "second", "LAST": "kkk"}
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["VANVAULT_STANDBY_SECRET_KEY"] == SECRET
    assert (home / "gateway-token").read_text() == "vv1_made\n"


def test_an_installation_that_failed_or_never_began_is_made_up_for(tmp_path: Path, wheel: Path) -> None:
    port, locked = free_port(), (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lock, marker = tmp_path / "requirements.lock", tmp_path / "prefix" / "installed"
    lock.write_text(locked)
    play(tmp_path, wheel, port, vanvault_lock=str(lock))
    first = marker.read_text()

    # An upgrade whose files came, and whose run ended before it was installed.
    lock.write_text(f"{locked}# newer\n")
    (tmp_path / "prefix" / lock.name).write_text(f"{locked}# newer\n")
    assert play(tmp_path, wheel, port, vanvault_lock=str(lock))["changed"] > 0
    assert marker.read_text() != first

    # One that fails is no success the next time, either, until it is whole.
    lock.write_text(f"{locked}no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    for _ in range(2):
        assert run_playbook(tmp_path, wheel, port, vanvault_lock=str(lock)).returncode != 0
        assert not marker.exists()
    (tmp_path / "home" / "gateway-token").rename(tmp_path / "home" / ".init.json")
    (tmp_path / "home" / ".init.json").write_text('{"token": "vv1_kept"}\n')  # it ended after init
    lock.write_text(locked)
    play(tmp_path, wheel, port, vanvault_lock=str(lock))
    assert marker.read_text() == first
    assert (tmp_path / "home" / "gateway-token").read_text() == "vv1_kept\n"
    assert play(tmp_path, wheel, port, vanvault_lock=str(lock))["changed"] == 0


def test_a_file_of_secrets_that_others_may_read_is_refused(tmp_path: Path, wheel: Path) -> None:
    host = with_secrets(tmp_path)
    (tmp_path / "backup-password").chmod(0o644)
    done = run_playbook(tmp_path, wheel, free_port(), **host)
    assert done.returncode != 0
    assert "chmod 600" in done.stdout
    assert SECRET not in done.stdout
    assert not (tmp_path / "vanvault.service").exists()


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
