"""A new version of keys, and, where it is asked for, an escrow that holds it, in one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vanvault.archiver.appliance import Archive, rotate_in_escrow, rotate_master
from vanvault.archiver.core.errors import InvalidInput, VanVaultError
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.core.settings import KeysSettings
from vanvault.archiver.home_files import KEYS_FOLDER, load_settings
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import EscrowOrder, SigningKeys, check_order
from vanvault.archiver.keys.escrow import check_split
from vanvault.recovery.custody.escrow import SplitReport, SplitRequest, split_keys
from vanvault.recovery.custody.standing import EscrowStanding, escrow_standing
from vanvault.recovery.work import QUIET, Observer, catch_up, put_on_record

SIGNING, ALL = "signing", "all"


@dataclass(frozen=True, slots=True)
class RotateRequest:
    """Make the next version of a purpose, of the signing key, or of every master."""

    purpose: str  # one of PURPOSES, ``signing`` or ``all``
    who: str
    escrow: EscrowOrder | None = None  # put all keys in escrow in the same step
    stolen: bool = False  # the signing key that is active was stolen: it signs nothing more, no record either


@dataclass(frozen=True, slots=True)
class RotateReport:
    """Keys that were made."""

    purpose: str
    made: tuple[str, ...]  # ids
    escrow: SplitReport | None  # of key files; a token's is made before its keys
    standing: EscrowStanding | None  # of the escrow, after the rotation; None: it could not be looked at

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        one: dict[str, Any]
        one = {"key_id": self.made[0]} if len(self.made) == 1 else {"key_ids": list(self.made)}
        fields = {"purpose": self.purpose, **one}
        if self.escrow is not None:
            fields["escrow"] = self.escrow.as_json()
        if self.standing is not None and self.standing.problems():
            fields["escrow_problems"] = list(self.standing.problems())
        return fields


def rotate_keys(
    home: Path,
    request: RotateRequest,
    observer: Observer = QUIET,
    *,
    ask: Callable[[], object] = lambda: None,
) -> RotateReport:
    """Make the keys, then the escrow, and look how the escrow stands.

    ``ask`` is called once all is checked and nothing made: it raises where others must approve it first.

    A crash between the two leaves a key in no escrow, which every look at the archive says.

    Raises InvalidInput (the escrow asked for cannot be made; no key was made), SiteUnavailable,
    KeyUnavailable, SettingsError.
    """
    settings, order = load_settings(home), request.escrow
    _check(settings.keys, request)
    ask()
    made: list[str]
    if request.purpose == SIGNING:
        keys = SigningKeys(home / KEYS_FOLDER)
        if request.stolen:
            made = [keys.rotate(SystemEntropy())]
        else:
            made = [keys.rotate(SystemEntropy(), announce=partial(_announce, home, request.who, observer))]
    else:
        with Archive.open(home) as archive:
            if order is not None and settings.keys.provider != "files":
                made = rotate_in_escrow(archive, order, request.who)
            else:
                chosen = [known for known in PURPOSES if request.purpose in (known, ALL)]
                made = [rotate_master(archive, known, request.who) for known in chosen]
    split = None
    if order is not None and settings.keys.provider == "files":
        wanted = SplitRequest(order.output, order.threshold, order.shares, request.who)
        split = split_keys(home, wanted, observer)
    return RotateReport(request.purpose, tuple(made), split, _standing(home, observer))


def _check(keys: KeysSettings, request: RotateRequest) -> None:
    """Raises InvalidInput before anything is made."""
    order = request.escrow
    if request.stolen and request.purpose != SIGNING:
        raise InvalidInput(
            "Only a signing key is rotated as stolen.",
            field="stolen",
            hint="For a disclosed master see the runbook key-disclosed.",
        )
    if keys.provider == "files":
        if order is not None:
            check_split(order.output, order.threshold, order.shares)
        return
    if request.purpose == SIGNING:
        if order is not None:
            raise InvalidInput(
                "The signing key of a home on a token is put in escrow with the masters.",
                field="escrow",
                hint="Afterwards run: vanvault keys rotate all --escrow DIR --threshold K --shares N",
            )
        return
    check_order(keys, order)
    if order is not None and request.purpose != ALL:
        raise InvalidInput(
            "Masters of a token that are to be in escrow are made all at once.",
            field="purpose",
            hint="Run: vanvault keys rotate all --escrow DIR --threshold K --shares N",
        )


def _announce(home: Path, who: str, observer: Observer, key_id: str) -> None:
    """Put it on record that there will be this signing key. A site that is away stops no rotation."""
    detail = {"key_id": key_id, "purpose": SIGNING}
    try:
        with Archive.open(home) as archive:
            put_on_record(archive, EventType.KEYS_ROTATED, detail, who=who, observer=observer)
    except VanVaultError as error:
        observer.warn(f"this could not be put on record in the archive: {error.message}")


def _standing(home: Path, observer: Observer) -> EscrowStanding | None:
    """After the keys were made: what stops the look stops no rotation."""
    try:
        with Archive.open(home) as archive:
            catch_up(archive, observer.warn)
            standing = escrow_standing(archive)
    except VanVaultError as error:
        observer.warn(f"how the escrow stands could not be looked at: {error.message}; run: vanvault status")
        return None
    for problem in standing.problems():
        observer.warn(problem)
    return standing
