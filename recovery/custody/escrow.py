"""Escrow of a home's keys: sealed, split into shares, and brought back; both on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import ESCROWED, Archive
from vanvault.archiver.core.errors import Damaged, SettingsError
from vanvault.archiver.core.ports import Clock, Entropy, SystemClock, SystemEntropy
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.home_files import KEYS_FOLDER, load_settings
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import bring_back, differing, masters_in, open_masters, open_token
from vanvault.archiver.keys.escrow import (
    Opened,
    check_split,
    compare,
    open_with,
    read_bundle,
    read_key_files,
    read_share,
    restore_key_files,
    split,
    to_restore,
    write_escrow,
    write_key_files,
)
from vanvault.recovery.work import QUIET, Observer, put_on_record

_NO_SPLIT = (
    "With keys.pkcs11.escrowable they are put in escrow as they are made: init, or keys rotate all, with"
    " --escrow. Otherwise back the token up by its maker's means."
)


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """Seal the keys of a home in a bundle that ``threshold`` of ``shares`` open."""

    output: Path  # an empty folder
    threshold: int
    shares: int
    who: str  # for the record


@dataclass(frozen=True, slots=True)
class SplitReport:
    """A set of shares that was made."""

    archive: str
    set_id: str
    threshold: int
    shares: int
    key_ids: tuple[str, ...]
    bundle: Path

    def fields(self) -> dict[str, Any]:
        """What of it goes on record, as JSON values."""
        return {
            "set": self.set_id,
            "threshold": self.threshold,
            "shares": self.shares,
            "keys": list(self.key_ids),
        }

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, with where the bundle lies."""
        return {**self.fields(), "archive": self.archive, "bundle": str(self.bundle)}


@dataclass(frozen=True, slots=True)
class KeysRestoreRequest:
    """Bring keys back from a bundle and shares that open it."""

    bundle: Path
    shares: tuple[Path, ...]
    who: str  # for the record


@dataclass(frozen=True, slots=True)
class KeysRestored:
    """What was brought back."""

    opened: Opened
    files: tuple[str, ...]  # to the folder of keys
    masters: tuple[str, ...]  # to the token

    @property
    def all(self) -> list[str]:
        return sorted([*self.files, *self.masters])


@dataclass(frozen=True, slots=True)
class EscrowVerifyRequest:
    """Try shares and a bundle."""

    bundle: Path
    shares: tuple[Path, ...]
    who: str  # for the record
    offline: bool = False  # without a home: nothing is compared, and nothing goes on record


@dataclass(frozen=True, slots=True)
class EscrowVerified:
    """Shares that open their bundle."""

    opened: Opened
    compared: bool  # with the keys of the home
    recorded: bool = False  # is it on record in the archive?


def split_keys(
    home: Path,
    request: SplitRequest,
    observer: Observer = QUIET,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    ask: Callable[[], object] = lambda: None,
) -> SplitReport:
    """Seal all key files, write bundle and shares, and put it on record which keys are in escrow.

    ``ask`` is called once all is checked and nothing made: it raises where others must approve it first.

    Raises SettingsError (the masters are on a token, the folder cannot be written), InvalidInput,
    KeyUnavailable.
    """
    entropy = entropy or SystemEntropy()
    settings = load_settings(home)
    if settings.keys.provider != "files":
        raise SettingsError("The masters are on a token, which gives none of them away.", hint=_NO_SPLIT)
    check_split(request.output, request.threshold, request.shares)
    files = read_key_files(home / KEYS_FOLDER)
    ask()
    made = split(
        files,
        archive=settings.archive,
        threshold=request.threshold,
        shares=request.shares,
        clock=clock or SystemClock(),
        entropy=entropy,
    )
    bundle = write_escrow(request.output, made)
    report = SplitReport(
        archive=settings.archive,
        set_id=made.of.set_id,
        threshold=request.threshold,
        shares=request.shares,
        key_ids=tuple(made.key_ids),
        bundle=bundle,
    )
    with Archive.open(home) as archive:
        put_on_record(archive, ESCROWED, report.fields(), who=request.who, observer=observer)
    return report


def restore_keys(
    home: Path, request: KeysRestoreRequest, observer: Observer = QUIET, *, entropy: Entropy | None = None
) -> KeysRestored:
    """Bring back the keys that the home lost, and put it on record; none that is there is touched.

    Raises InvalidInput, Damaged (bundle or shares), Conflict, SettingsError, KeyUnavailable.
    """
    settings, folder, entropy = load_settings(home), home / KEYS_FOLDER, entropy or SystemEntropy()
    opened = open_with(
        read_bundle(request.bundle), [read_share(path) for path in request.shares], every=False
    )
    held = read_key_files(folder) if folder.exists() else {}
    order = to_restore(opened, held, settings.archive)
    masters: list[str] = []
    if settings.keys.provider == "files":
        restore_key_files(folder, opened.files, order, entropy)
    else:
        order = [name for name in order if not name.endswith(".key")]
        write_key_files(folder, opened.files, order)
        token = open_token(home, folder, settings.keys, settings.archive, entropy)
        masters = bring_back(masters_in(opened.files), token, entropy)
    done = KeysRestored(opened, tuple(order), tuple(masters))
    if done.all:
        detail: dict[str, object] = {
            "set": opened.of.set_id,
            "by_shares": list(opened.given),
            "files": done.all,
            "keys": list(opened.key_ids),
        }
        with Archive.open(home) as archive:
            put_on_record(archive, EventType.KEYS_RESTORED, detail, who=request.who, observer=observer)
    return done


def verify_escrow(
    home: Path, request: EscrowVerifyRequest, observer: Observer = QUIET, *, entropy: Entropy | None = None
) -> EscrowVerified:
    """Prove that the shares open the bundle, in every combination, and that it holds the keys of the home.

    That it was proved goes on record: a key counts as safe once its bundle was opened.

    Raises InvalidInput, Damaged (bundle or shares; the bundle lacks a key, or holds another one),
    SettingsError, KeyUnavailable.
    """
    opened = open_with(read_bundle(request.bundle), [read_share(path) for path in request.shares], every=True)
    if request.offline:
        return EscrowVerified(opened, compared=False)
    settings, folder = load_settings(home), home / KEYS_FOLDER
    if settings.keys.provider == "files":
        _compare_with_files(folder, opened, observer)
    else:
        _compare_with_token(home, settings, opened, entropy or SystemEntropy(), observer)
    if opened.of.archive != settings.archive:
        raise Damaged(
            "The bundle is of another archive, though its keys are those of the home.",
            hint="Make a new one: vanvault keys escrow split",
        )
    detail = {
        "set": opened.of.set_id,
        "threshold": opened.of.threshold,
        "shares": opened.of.shares,
        "given": list(opened.given),
        "keys": list(opened.key_ids),
    }
    with Archive.open(home) as archive:
        type = EventType.KEYS_ESCROW_VERIFIED
        recorded = put_on_record(archive, type, detail, who=request.who, observer=observer)
    return EscrowVerified(opened, compared=True, recorded=recorded)


def _compare_with_files(folder: Path, opened: Opened, observer: Observer) -> None:
    found = compare(opened.files, read_key_files(folder))
    if found.changed:
        raise Damaged(
            f"The bundle holds another {', '.join(found.changed)} than the home.",
            hint="One of them is damaged, or of another archive: try --offline, and vanvault verify.",
        )
    if found.not_in_bundle:
        raise Damaged(
            f"The bundle lacks {', '.join(found.not_in_bundle)}, made after it.",
            hint="Make a new one: vanvault keys escrow split",
        )
    if found.not_in_home:
        observer.warn(
            f"the home lacks {', '.join(found.not_in_home)}; bring it back: vanvault keys escrow restore"
        )


def _compare_with_token(
    home: Path, settings: Settings, opened: Opened, entropy: Entropy, observer: Observer
) -> None:
    """Does the token hold the masters of the bundle? (It may hold others, of other escrows.)"""
    masters = open_masters(home, home / KEYS_FOLDER, settings.keys, settings.archive, entropy)
    found = differing(masters_in(opened.files), masters, entropy)
    if others := sorted(name for name, other in found.items() if other):
        raise Damaged(
            f"The bundle holds another {', '.join(others)} than the token.",
            hint="One of them is of another archive: try --offline, and vanvault verify.",
        )
    if found:
        observer.warn(
            f"the token lacks {', '.join(sorted(found))}; bring it back: vanvault keys escrow restore"
        )
