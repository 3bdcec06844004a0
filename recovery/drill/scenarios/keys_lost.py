"""``keys-lost``: the key folder is gone; k shares and the sealed bundle bring the keys back."""

from __future__ import annotations

from pathlib import Path

from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.key_port import PURPOSES
from vanvault.archiver.keys import KeyFiles, SigningKeys
from vanvault.archiver.keys.escrow import open_with, read_bundle, read_share, restore_key_files, to_restore
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill

_SITE = "primary"


def rehearse(drill: Drill) -> None:
    expected = steps.expected_answers(drill)
    restored = from_escrow(drill, drill.means.bundle)
    if restored is None:
        return
    keys, signing = restored
    check_every_key(drill, keys, signing)
    # From here on with nothing but what the shares gave back.
    node = steps.new_node(drill, drill.production.sites, keys=keys, signing=signing)
    try:
        steps.fold(drill, node)
        steps.verify_recovered(drill, drill.production_from(_SITE), None, node)
        steps.compare_answers(drill, node, expected)
    finally:
        node.close()


def check_every_key(drill: Drill, keys: KeyFiles, signing: SigningKeys) -> None:
    """Write down whether every key of production came back: what a missing one wrote is lost."""
    held = {(purpose, version) for purpose in PURPOSES for version in keys.versions(purpose)}
    ours = drill.production.keys
    lacking = sorted(
        f"{purpose}/{version}"
        for purpose in PURPOSES
        for version in ours.versions(purpose)
        if (purpose, version) not in held
    )
    lacking += sorted(drill.production.signing.public_keys().keys() - signing.public_keys().keys())
    drill.check("the escrow holds every key", not lacking, ", ".join(lacking) or f"{len(held)} master keys")


def from_escrow(drill: Drill, bundle: Path | None) -> tuple[KeyFiles, SigningKeys] | None:
    """The keys that the given shares open, in the scratch home; None, and a failed check, if they do not."""
    folder = drill.scratch / "keys"
    if bundle is None:
        drill.check("the shares open the bundle", False, "no bundle was given")
        return None
    try:
        with drill.phase("open the escrow"):
            shares = [read_share(path) for path in drill.means.key_shares]
            opened = open_with(read_bundle(bundle), shares)
            order = to_restore(opened, {}, drill.production.settings.archive)
            restore_key_files(folder, opened.files, order, drill.entropy)
            found = KeyFiles(folder, drill.entropy), SigningKeys(folder)
    except VanVaultError as error:
        drill.check("the shares open the bundle", False, f"{error.message} {error.hint}".strip())
        return None
    numbers = ", ".join(map(str, opened.given))
    drill.check("the shares open the bundle", True, f"shares {numbers} of set {opened.of.set_id}")
    return found
