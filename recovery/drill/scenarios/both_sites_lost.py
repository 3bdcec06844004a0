"""``both-sites-lost``: neither site is left; control plane and objects come from the third copy."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import from_us
from vanvault.archiver.keys import KeyFiles, SigningKeys
from vanvault.recovery.backup import BUNDLE
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.readers import extents
from vanvault.recovery.drill.scenarios.keys_lost import check_every_key, from_escrow
from vanvault.recovery.drill.third_copy import CopyAge
from vanvault.recovery.verified import Subset


def rehearse(drill: Drill) -> None:
    third = drill.means.third_copy
    if third is None:
        drill.check("the third copy is there", False, "no third copy is configured")
        return
    drill.check("the third copy is there", True, third.name)
    control, room = drill.scratch / "control", drill.scratch / "room"
    control.mkdir(mode=0o700)
    room.mkdir(mode=0o700)
    with drill.phase("restore the control plane"):
        lag = third.restore_control(control, room)
    _check_age(drill, lag)
    restored = _keys(drill, control)
    if restored is None:
        return
    keys, signing = restored
    check_every_key(drill, keys, signing)
    first, second = drill.scratch_site("primary"), drill.scratch_site("standby")
    node = steps.new_node(drill, {"primary": first, "standby": second}, keys=keys, signing=signing)
    try:
        with drill.phase("restore from the third copy") as note:
            third.restore_objects(first, drill.means.subset, room)
            note.extent, _ = extents(first, Subset())
        steps.restore_in_drill(drill, first, second, "restore the second site")
        steps.fold(drill, node)
        survivor = None if drill.means.subset.is_whole else drill.production.sites["primary"]
        lagging = lag is not None
        steps.verify_recovered(drill, second, survivor, node, "verify the second site", lagging=lagging)
        steps.verify_recovered(drill, first, survivor, node, lagging=lagging)
        steps.compare_answers(drill, node, steps.expected_answers(drill, _end(node, lag)))
    finally:
        node.close()
        first.close()
        second.close()


def _check_age(drill: Drill, lag: CopyAge | None) -> None:
    """A copy that is made from time to time is good for what it holds, if it is made often enough."""
    if lag is None:
        return
    age = drill.clock.now() - lag.made
    hours, allowed = (span.total_seconds() / 3600 for span in (age, lag.allowed))
    drill.check(
        "the third copy is recent enough",
        age <= lag.allowed,
        f"made {lag.made:%Y-%m-%dT%H:%M:%SZ}, {hours:.1f} h ago; allowed: {allowed:.1f} h",
    )


def _end(node: ArchiveReader, lag: CopyAge | None) -> datetime | None:
    """What came from then on the copy need not know; None: it must know everything."""
    if lag is None:
        return None
    return min(lag.made, from_us(node.tail.last_received_us() + 1))


def _keys(drill: Drill, control: Path) -> tuple[KeyFiles, SigningKeys] | None:
    """From the control plane of the third copy, else from the escrow: bundle in the copy, shares given."""
    settings = control / "vanvault.toml"
    drill.check("the control plane has the settings", settings.is_file(), "vanvault.toml")
    folder = control / "keys"
    if not any(folder.glob("*.key")):
        bundle = drill.means.bundle or control / BUNDLE
        if not bundle.is_file() or not drill.means.key_shares:
            lacking = "shares" if bundle.is_file() else "shares and no escrow bundle"
            detail = f"the third copy holds no keys, and there are no {lacking}: give --bundle and --shares"
            drill.check("the keys can be had", False, detail)
            return None
        return from_escrow(drill, bundle)
    try:
        found = KeyFiles(folder, drill.entropy), SigningKeys(folder)
    except VanVaultError as error:
        drill.check("the keys of the control plane are sound", False, error.message)
        return None
    drill.check("the keys of the control plane are sound", True, "from the third copy")
    return found
