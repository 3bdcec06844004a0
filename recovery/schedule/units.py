"""systemd units of a schedule: one service and one timer for each job. Pure.

A timer rings at the job's time of day (or each hour, or every five minutes, where its period asks for that),
and ``--if-due`` decides, by the same plan as everywhere. So periods that no calendar knows work too, several
hosts may have the same timers, and a host that was down makes up for it (``Persistent``).

No job starts before the host's clock is set (``time-sync.target``): what is written under a clock ahead has a
wrong time for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.times import span_text
from vanvault.recovery.schedule.lease import GRACE
from vanvault.recovery.schedule.model import Job
from vanvault.recovery.schedule.planner import offset_of
from vanvault.recovery.schedule.sandbox import restrictions

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class UnitSecrets:
    """Where a unit's secrets come from: files that systemd reads as root, never a line of the unit itself."""

    environment: tuple[str, ...] = ()  # absolute paths of files with NAME=value; "-" before: may be absent
    credentials: tuple[tuple[str, str], ...] = ()  # (setting that names a file, absolute path of the file)
    disposers: tuple[str, ...] = ()  # as ``environment``, for jobs that remove, and for no other

    def lines(self, job: Job) -> list[str]:
        """The lines of ``[Service]`` of a job's unit."""
        files = (*self.environment, *(self.disposers if job.apart else ()))
        lines = [f"EnvironmentFile={_plain(path)}" for path in files]
        for setting, path in self.credentials:
            variable = f"VANVAULT_{setting.upper().replace('.', '__')}"
            lines += [f"LoadCredential={setting}:{_plain(path)}", f"Environment={variable}=%d/{setting}"]
        return lines


@dataclass(frozen=True, slots=True)
class Host:
    """Where the units run."""

    program: Sequence[str]  # that is ``vanvault``
    home: Path  # absolute
    user: str  # "" leaves it to systemd
    archive: str  # its id
    writable: tuple[Path, ...] = ()  # absolute: folders besides the home that jobs write to
    immutable: bool = False  # file sites set the immutable flag
    secrets: UnitSecrets = UnitSecrets()


def units(jobs: Sequence[Job], host: Host) -> dict[str, str]:
    """File name -> text: ``vanvault-NAME.service`` and ``.timer``."""
    found = {}
    for job in jobs:
        found[f"vanvault-{job.name}.service"] = _service(job, host)
        found[f"vanvault-{job.name}.timer"] = _timer(job, host)
    return found


def _service(job: Job, host: Host) -> str:
    command = [*host.program, "--home", str(host.home), "schedule", "run", job.name, "--if-due", "--json"]
    accepted = sorted(job.accepted - {0})
    lines = [
        "[Unit]",
        f"Description=VanVault job {job.name}",
        "After=network-online.target time-sync.target",
        "Wants=network-online.target time-sync.target",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={host.user}"] if host.user else []),
        *host.secrets.lines(job),
        f"ExecStart={' '.join(map(_quoted, command))}",
        # BUSY: another node or timer has it already.
        f"SuccessExitStatus={' '.join(map(str, [ExitCode.BUSY.value, *accepted]))}",
        "KillMode=mixed",
        f"TimeoutStartSec={round((job.deadline + GRACE).total_seconds())}",
        "TimeoutStopSec=60",
        "Nice=10",
        "IOSchedulingClass=idle",
        *restrictions([Path(host.program[0])], [host.home, *host.writable], immutable=host.immutable),
    ]
    return "\n".join(lines) + "\n"


def _timer(job: Job, host: Host) -> str:
    lines = [
        "[Unit]",
        f"Description=VanVault job {job.name}, every {span_text(job.every)}",
        "",
        "[Timer]",
        f"OnCalendar={_calendar(job, host.archive)}",
        "AccuracySec=30s",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _calendar(job: Job, archive: str) -> str:
    seconds = round(offset_of(job, archive).total_seconds())
    minutes, second = divmod(seconds, 60)
    if job.every % _DAY == timedelta():
        hour, minute = divmod(minutes, 60)
        return f"*-*-* {hour % 24:02d}:{minute:02d}:{second:02d} UTC"
    if job.every % _HOUR == timedelta():
        return f"*-*-* *:{minutes % 60:02d}:{second:02d} UTC"
    return "*-*-* *:00/5:00 UTC"


def _plain(path: str) -> str:
    """A path where systemd takes the rest of the line as it is, but for its specifiers."""
    return path.replace("%", "%%")


def _quoted(word: str) -> str:
    """One word of a command line as systemd reads it: its own specifiers and variables are switched off."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = all(character.isalnum() or character in "-_./:=@+," for character in word)
    return escaped if plain else f'"{escaped}"'
