"""systemd units: what they say, word for word, and what systemd itself thinks of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.support.command import run_cli
from vanvault.recovery.schedule import sandbox
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.units import Host, UnitSecrets, units

RESTRICTIONS = "\n".join(sandbox.RESTRICTIONS)
HOST = Host(["/opt/vanvault/venv/bin/vanvault"], Path("/var/lib/vanvault"), "vanvault", "archive-1")
ROLE = Path(__file__).parents[3] / "ansible" / "roles" / "vanvault"
PROBE = Job(
    "probe",
    (("probe", "primary"),),
    timedelta(days=7),
    at=timedelta(hours=12),
    accepted=frozenset((0, 21)),
)

SERVICE = f"""\
[Unit]
Description=VanVault job probe
After=network-online.target time-sync.target
Wants=network-online.target time-sync.target

[Service]
Type=oneshot
User=vanvault
ExecStart=/opt/vanvault/venv/bin/vanvault --home /var/lib/vanvault schedule run probe --if-due --json
SuccessExitStatus=8 21
KillMode=mixed
TimeoutStartSec=4200
TimeoutStopSec=60
Nice=10
IOSchedulingClass=idle
{RESTRICTIONS}
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=true
ProtectHome=true
ReadWritePaths="-/var/lib/vanvault"
"""

TIMER = """\
[Unit]
Description=VanVault job probe, every 7d

[Timer]
OnCalendar=*-*-* 12:00:00 UTC
AccuracySec=30s
Persistent=true

[Install]
WantedBy=timers.target
"""


def test_the_units_of_a_job() -> None:
    assert units([PROBE], HOST) == {"vanvault-probe.service": SERVICE, "vanvault-probe.timer": TIMER}


@pytest.mark.parametrize(
    ("every", "calendar"),
    [
        (timedelta(days=30), "*-*-* 12:00:00 UTC"),
        (timedelta(hours=3), "*-*-* *:00:00 UTC"),
        (timedelta(hours=36), "*-*-* *:00:00 UTC"),
        (timedelta(minutes=15), "*-*-* *:00/5:00 UTC"),
    ],
)
def test_the_timer_rings_as_often_as_the_period_asks_for(every: timedelta, calendar: str) -> None:
    job = Job("probe", PROBE.commands, every, at=timedelta(hours=12))
    assert f"OnCalendar={calendar}\n" in units([job], HOST)["vanvault-probe.timer"]
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


def test_words_that_systemd_would_read_as_something_else() -> None:
    host = Host(["/opt/my vault/100%/vanvault"], Path("/srv/$HOME"), "", "archive-1")
    text = units([PROBE], host)["vanvault-probe.service"]
    assert 'ExecStart="/opt/my vault/100%%/vanvault" --home "/srv/$$HOME" schedule' in text
    assert "User=" not in text


def test_the_units_of_a_home_are_written_and_sound(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    done = run_cli(home, "schedule", "units", "--output", folder, "--user", "root", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)["units"]
    assert found == sorted(path.name for path in folder.iterdir())
    again = run_cli(home, "schedule", "units", "--output", folder, "--user", "root", "--json")
    assert sorted(json.loads(done.stdout)["changed"]) == found
    assert json.loads(again.stdout)["changed"] == [], "a second time changes nothing"
    assert {"vanvault-verify.service", "vanvault-verify.timer"} <= set(found)
    assert "schedule.in_serve is on" in done.stderr
    printed = run_cli(home, "schedule", "units", "--program", "/usr/bin/true")
    assert "ExecStart=/usr/bin/true --home" in printed.stdout
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(str(folder / name) for name in found)],
        capture_output=True,
        text=True,
    )
    ours = [line for line in checked.stderr.splitlines() if "vanvault-" in line]
    assert ours == []


def exposure(unit: Path) -> float:
    """What systemd says of a unit: 0.0 (nothing is exposed) to 10.0."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert found, told
    return float(found[1])


def node_unit(folder: Path, **variables: object) -> Path:
    """The unit of the node as the Ansible role writes it."""
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    template = (ROLE / "templates" / "vanvault.service.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(trim_blocks=True, autoescape=False)
    unit = folder / "vanvault.service"
    unit.write_text(
        environment.from_string(template).render(**{**defaults, "vanvault_writable": [], **variables}),
        encoding="utf-8",
    )
    return unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize("immutable", [False, True])
@pytest.mark.parametrize("user", ["vanvault", ""])
def test_what_a_job_exposes(tmp_path: Path, user: str, immutable: bool) -> None:
    host = replace(HOST, user=user, immutable=immutable)
    unit = tmp_path / "vanvault-probe.service"
    unit.write_text(units([PROBE], host)[unit.name])
    assert exposure(unit) <= 2.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize("immutable", [False, True])
def test_what_a_node_exposes(tmp_path: Path, immutable: bool) -> None:
    assert exposure(node_unit(tmp_path, vanvault_immutable=immutable)) <= 2.0


@pytest.mark.parametrize("immutable", [False, True])
def test_a_node_has_the_restrictions_of_jobs(tmp_path: Path, immutable: bool) -> None:
    node = node_unit(tmp_path, vanvault_immutable=immutable).read_text().splitlines()
    job = units([PROBE], replace(HOST, immutable=immutable))["vanvault-probe.service"].splitlines()
    of_job = job[job.index("UMask=0077") :]
    assert [line for line in of_job if line not in node] == []


def test_secrets_come_from_files_that_systemd_reads_and_stand_in_no_unit(home: Path, tmp_path: Path) -> None:
    keys, password = tmp_path / "keys.env", tmp_path / "100%-password"
    for path in (keys, password):
        path.write_text("VANVAULT_PRIMARY_SECRET_KEY=open-sesame\n")
        path.chmod(0o600)
    asked = ("--environment-file", keys, "--credential", f"backup.password_file={password}")
    variables = {"VANVAULT_SITES__PRIMARY__URL": "s3+https://s3.example/bucket"}
    found = run_cli(home, "schedule", "units", *asked, env=variables)
    assert found.exit_code == 0, found.stderr
    services = found.stdout.count("[Service]")
    escaped = str(password).replace("%", "%%")
    for line in (
        f"EnvironmentFile=-{home}/credentials/primary.env",  # as ``site init`` writes it
        f"EnvironmentFile={keys}",
        f"LoadCredential=backup.password_file:{escaped}",
        "Environment=VANVAULT_BACKUP__PASSWORD_FILE=%d/backup.password_file",
    ):
        assert found.stdout.splitlines().count(line) == services > 0, line
    assert "credentials/standby.env" not in found.stdout
    assert "open-sesame" not in found.stdout + found.stderr


@pytest.mark.parametrize(
    "asked",
    [
        ("--environment-file", "{file}"),
        ("--credential", "backup.password_file={file}"),
        ("--credential", "backup.password_command=/bin/true"),
        ("--credential", "backup.password_file="),
        ("--environment-file", "relative.env"),
        ("--environment-file", "/etc/with space"),
    ],
)
def test_files_of_secrets_that_others_may_read_or_that_a_unit_cannot_name_are_refused(
    home: Path, tmp_path: Path, asked: tuple[str, str]
) -> None:
    file = tmp_path / "open.env"
    file.touch()
    file.chmod(0o640)
    done = run_cli(home, "schedule", "units", asked[0], asked[1].format(file=file))
    assert done.exit_code == 2, done.stderr


def test_folders_outside_of_the_home_stay_writable(home: Path, tmp_path: Path) -> None:
    variables = {
        "VANVAULT_SITES__PRIMARY__URL": f"file:{tmp_path}/elsewhere/primary",
        "VANVAULT_INDEX__URL": "file:/srv/my index",
        "VANVAULT_BACKUP__REPOSITORY": "s3:https://host/bucket",
    }
    found = run_cli(home, "schedule", "units", "--program", "/opt/bin/vanvault", env=variables).stdout
    writable = {line for line in found.splitlines() if line.startswith("ReadWritePaths=")}
    assert writable == {
        f'ReadWritePaths="-{path}"' for path in (home, f"{tmp_path}/elsewhere/primary", "/srv/my index")
    }


def test_a_home_among_the_users_is_seen() -> None:
    host = replace(HOST, home=Path("/home/vault/var"))
    text = units([PROBE], host)["vanvault-probe.service"]
    assert "ProtectHome=read-only\n" in text
    assert 'ReadWritePaths="-/home/vault/var"\n' in text


def test_only_the_job_that_removes_reads_the_disposers_keys() -> None:
    job = Job("clearing", (("clear",),), timedelta(days=1), apart=True)
    other = Job("verify", (("verify",),), timedelta(days=1))
    secrets = UnitSecrets(("/etc/node.env",), disposers=("-/srv/home/credentials/primary.disposer.env",))
    found = units(
        [job, other], Host(["/usr/bin/vanvault"], Path("/srv/home"), "vanvault", "a", secrets=secrets)
    )
    assert "EnvironmentFile=-/srv/home/credentials/primary.disposer.env" in found["vanvault-clearing.service"]
    assert "disposer" not in found["vanvault-verify.service"]
    assert "EnvironmentFile=/etc/node.env" in found["vanvault-verify.service"]
