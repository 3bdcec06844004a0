"""Making a home: its folder, settings, keys, two sites and a first gateway."""

from __future__ import annotations

import tomllib
import uuid
from pathlib import Path

from vanvault.archiver.appliance.places import check_sites_of
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import (
    Clock,
    Entropy,
    SystemClock,
    SystemEntropy,
)
from vanvault.archiver.core.settings import DEMO_PREFIX, SITE_NAMES, KeysSettings
from vanvault.archiver.disk import lock_beside
from vanvault.archiver.home_files import KEYS_FOLDER, SETTINGS_FILE, initial_text, is_left_over
from vanvault.archiver.keys import EscrowOrder, SigningKeys, check_order, create_masters
from vanvault.archiver.people import Gateways
from vanvault.archiver.stores import create_site, parse_site_url

_DRAFT = f"{SETTINGS_FILE}.draft"


def init_home(
    home: Path,
    *,
    primary: str = "file:sites/primary",
    standby: str = "file:sites/standby",
    gateway: str = "gateway-1",
    keys: KeysSettings | None = None,
    escrow: EscrowOrder | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    who: str = "",
    demo: bool = False,
) -> str:
    """Make a home: keys, two sites, settings, a first gateway. Returns the gateway's token.

    The settings file is written last, so a home that has one is complete; an attempt that failed
    may be repeated. ``keys`` says where the masters are made, ``escrow`` what escrow is made with them
    (``create_masters``), ``who`` makes it, for the record. ``demo`` makes
    a demonstration, for ever. Of two attempts at once the second waits, and
    finds the home complete. Raises SettingsError (exists already, folder not writable, places), InvalidInput
    (URL, escrow), KeyUnavailable (token).
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    keys = keys or KeysSettings()
    check_order(keys, escrow)
    _refuse_complete(home)
    _refuse_left_over(home)
    for url in (primary, standby):
        parse_site_url(url)
    check_sites_of(home, primary, standby)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = lock_beside(home / SETTINGS_FILE)
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{home} cannot be made: {error.strerror}") from error
    with lock:
        _refuse_complete(home)  # another attempt may have ended while this one waited
        try:
            draft, archive = _draft(home, primary, standby, keys, entropy, demo=demo)
        except OSError as error:
            raise SettingsError(f"{home} cannot be made: {error.strerror}") from error
        for name, url in zip(SITE_NAMES, (primary, standby), strict=True):
            create_site(name, url, home=home, archive=archive, clock=clock, again=True)
        folder = home / KEYS_FOLDER
        if not any(folder.glob("signing-*.pem")):
            SigningKeys.create(folder, entropy)
        create_masters(home, folder, keys, archive, clock=clock, entropy=entropy, order=escrow)
        token = Gateways(home).start(gateway, entropy, clock, who=who)
        draft.rename(home / SETTINGS_FILE)
        return token.secret


def _refuse_complete(home: Path) -> None:
    if (home / SETTINGS_FILE).exists():
        raise SettingsError(f"{home} is a VanVault home already; nothing was changed")


def _refuse_left_over(home: Path) -> None:
    """An attempt of this verb leaves its draft of the settings; without one, keys are those of an archive."""
    if is_left_over(home) and not (home / _DRAFT).exists():
        raise SettingsError(
            f"{home} holds keys or gateways of a home whose {SETTINGS_FILE} is gone; nothing was changed",
            hint="Bring the settings back: runbook home-lost. For another archive, name another folder.",
        )


def _draft(
    home: Path, primary: str, standby: str, keys: KeysSettings, entropy: Entropy, *, demo: bool
) -> tuple[Path, str]:
    """The settings under a name that no program takes for a home, and the archive's id in them.

    A draft that an attempt with the same sites left is used again, so that its sites fit.
    """
    draft = home / _DRAFT
    try:
        fields = tomllib.loads(draft.read_text(encoding="utf-8"))
        archive = str(fields["archive"])
        if archive.startswith(DEMO_PREFIX) == demo and draft.read_text(encoding="utf-8").startswith(
            initial_text(archive, primary, standby)
        ):
            draft.write_text(initial_text(archive, primary, standby, keys), encoding="utf-8")
            return draft, archive
    except (FileNotFoundError, ValueError, KeyError):
        pass  # the first attempt, or one that died while it wrote the draft
    archive = f"{DEMO_PREFIX if demo else ''}{uuid.UUID(bytes=entropy.token(16), version=4)}"
    draft.write_text(initial_text(archive, primary, standby, keys), encoding="utf-8")
    return draft, archive
