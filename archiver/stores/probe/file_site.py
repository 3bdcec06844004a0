"""The probe of a file site: the same questions, as far as a folder can answer them.

It works in a disposable site beside the real one, on the same file system, so that nothing of the archive
is touched. Without the immutable flag the verdict is ``weak``: the lock is then only file permissions, and
whoever runs VanVault can remove the files.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from vanvault.archiver.core.errors import LockRefused, SettingsError, VanVaultError
from vanvault.archiver.core.ports import Clock, Entropy, SystemClock, SystemEntropy
from vanvault.archiver.stores.files.flags import immutable_supported
from vanvault.archiver.stores.files.site import FileSite
from vanvault.archiver.stores.port import AllRights, StoredVersion
from vanvault.archiver.stores.probe.checks import capabilities, finding
from vanvault.archiver.stores.verdict import ProbeFinding, ProbeResult, rfc3339, verdict

_KEY = "probe/object"
_BODY = b"probe"
_SHA256 = hashlib.sha256(_BODY).digest()
_LOCK = timedelta(seconds=3)


def probe_file(
    site: str,
    root: Path,
    *,
    immutable: bool,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ProbeResult:
    """Probe the file site at ``root`` (which must exist), opened with this ``immutable`` setting; about 5 s.

    Raises SettingsError, SiteUnavailable when no site can be made beside it.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    started = clock.now()
    folder = root.resolve().with_name(f".vanvault-probe-{entropy.token(6).hex()}")
    try:
        FileSite.create(folder, site, archive="probe", clock=clock)
        if folder.stat().st_dev != root.stat().st_dev:
            raise SettingsError(
                f"{root} is the root of a file system, so the probe cannot work beside it.",
                hint="Use a folder below the mount point as the site.",
            )
        store = FileSite(folder, site, clock=clock, immutable=immutable)
        try:
            found = [*attack(store, clock, sleep), _immutable(store, folder, clock, sleep), *_facts(root)]
        finally:
            store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ProbeResult(
        site=site,
        endpoint=f"file:{root}",
        server="file",
        started_at=started,
        finished_at=clock.now(),
        verdict=verdict(found),
        findings=tuple(found),
        capabilities=capabilities(found),
        duties=("process",),
        remains=(str(folder),) if folder.exists() else (),
    )


def attack(store: AllRights, clock: Clock, sleep: Callable[[float], None]) -> list[ProbeFinding]:
    """Attack a disposable store through its own port. Raises what its ``put`` raises."""
    until = (clock.now() + _LOCK).replace(microsecond=0) + timedelta(seconds=1)
    first = store.put(_KEY, _BODY, sha256=_SHA256, retain_until=until)
    exact = first.retain_until == until and first.size == len(_BODY) and _whole(store, first)
    read = f"reads back {rfc3339(first.retain_until)}, {first.size} bytes"
    earlier, later = until - timedelta(seconds=1), until + timedelta(seconds=1)
    found = [
        finding("file-readback", exact, f"put until {rfc3339(until)}, {read}"),
        _judge("file-delete", store, first, lambda: store.delete(_KEY, first.version)),
        _judge("file-shorten", store, first, lambda: store.extend(_KEY, first.version, earlier)),
        _extend(store, first, later),
    ]
    second = store.put(_KEY, _BODY, sha256=_SHA256, retain_until=until)
    apart = second.version != first.version and _whole(store, first)
    found.append(finding("file-overwrite", apart, "a second put adds a version; the first one is whole"))
    sleep(max((later - clock.now()).total_seconds(), 0) + 0.1)
    answers = {_try(partial(store.delete, _KEY, at.version)) for at in (first, second)}
    gone = not store.versions(_KEY)
    return [*found, finding("file-expiry", gone, f"delete after expiry: {', '.join(sorted(answers))}")]


def _extend(store: AllRights, at: StoredVersion, later: datetime) -> ProbeFinding:
    answer = _try(lambda: store.extend(_KEY, at.version, later))
    until = next((one.retain_until for one in store.versions(_KEY) if one.version == at.version), None)
    detail = f"extension to {rfc3339(later)}: {answer}, reads back {rfc3339(until)}"
    return finding("file-extend", until == later, detail)


def _try(call: Callable[[], object]) -> str:
    """How the store answered."""
    try:
        call()
    except LockRefused:
        return "refused"
    except VanVaultError as error:
        return type(error).__name__
    return "accepted"


def _judge(check: str, store: AllRights, at: StoredVersion, call: Callable[[], object]) -> ProbeFinding:
    answer = _try(call)
    whole = _whole(store, at)
    state = "held" if whole else "the locked version is not whole"
    return finding(check, whole, f"{state}; the store answered: {answer}")


def _whole(store: AllRights, at: StoredVersion) -> bool:
    """Are the version's bytes there and its lock not shorter?"""
    try:
        now, body = store.stat(at.key, at.version), store.get(at.key, at.version)
    except VanVaultError:
        return False
    locked = now.retain_until is not None and at.retain_until is not None
    return locked and body == _BODY and now.retain_until >= at.retain_until  # type: ignore[operator]


def _immutable(store: FileSite, folder: Path, clock: Clock, sleep: Callable[[float], None]) -> ProbeFinding:
    """Take a locked file away past VanVault, as whoever runs it could."""
    until = (clock.now() + _LOCK).replace(microsecond=0)
    put = store.put(_KEY, _BODY, sha256=_SHA256, retain_until=until)
    found = _unlink(folder)
    sleep(max((until - clock.now()).total_seconds(), 0) + 0.1)
    store.delete(_KEY, put.version)
    return found


def _unlink(folder: Path) -> ProbeFinding:
    victim = next(path for path in sorted((folder / "objects").rglob("*")) if path.is_file())
    copy = victim.read_bytes()
    try:
        victim.unlink()
    except OSError as error:
        return finding("file-immutable", True, f"unlink of a locked file: {error.strerror}")
    victim.write_bytes(copy)
    possible = "it can be set here" if immutable_supported(folder) else "it cannot be set here"
    detail = f"a locked file could be unlinked by this process: the immutable flag is off ({possible})"
    return finding("file-immutable", False, detail)


def _facts(root: Path) -> list[ProbeFinding]:
    status = root.stat()
    open_to = [name for bit, name in ((0o020, "its group"), (0o002, "everyone")) if status.st_mode & bit]
    who = f"owner uid {status.st_uid}, mode {status.st_mode & 0o7777:o}"
    detail = f"{who}; writable for {' and '.join(open_to)}" if open_to else f"{who}; only its owner may write"
    return [
        finding("file-permissions", not open_to, detail),
        finding("unproved-clock", True, "cannot be proved: who may set this host's clock ends every lock"),
        finding("unproved-admin", True, "cannot be proved: root and whoever holds the disk can remove files"),
    ]
