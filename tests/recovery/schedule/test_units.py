"""systemd units: what they say, word for word, and what systemd itself thinks of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.command import run_cli
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.units import Host, units

HOST = Host(["/opt/vanvault/venv/bin/vanvault"], Path("/var/lib/vanvault"), "vanvault", "archive-1")
PROBE = Job(
    "probe",
    (("probe", "primary"),),
    timedelta(days=7),
    at=timedelta(hours=12),
    accepted=frozenset((0, 21)),
)

SERVICE = """\
[Unit]
Description=VanVault job probe
After=network-online.target
Wants=network-online.target

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
UMask=0077
NoNewPrivileges=true
ProtectSystem=full
PrivateTmp=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
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
