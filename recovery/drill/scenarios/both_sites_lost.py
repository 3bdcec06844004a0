"""``both-sites-lost``: neither site is left; control plane and objects come from the third copy."""

from __future__ import annotations

from vanvault.archiver.errors import VanVaultError
from vanvault.archiver.keys.files import KeyFiles
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.readers import extents
from vanvault.recovery.drill.scenarios.keys_lost import from_escrow
from vanvault.recovery.drill.third_copy import ThirdCopy
from vanvault.recovery.verify.model import Share


def rehearse(drill: Drill) -> None:
    third = drill.means.third_copy
    if third is None:
        drill.check("the third copy is there", False, "no third copy is configured")
        return
    drill.check("the third copy is there", True, third.name)
    expected = steps.expected_answers(drill)
    restored = _keys(drill, third)
    if restored is None:
        return
    keys, signing = restored
    first, second = drill.scratch_site("primary"), drill.scratch_site("standby")
    node = steps.new_node(drill, {"primary": first, "standby": second}, keys=keys, signing=signing)
    try:
        with drill.phase("restore from the third copy") as note:
            third.restore_objects(first)
            note.extent, _ = extents(first, Share())
        steps.restore_site(drill, first, second, "restore the second site")
        steps.fold(drill, node)
        steps.verify_recovered(drill, second, first, node, "verify the second site")
        steps.verify_recovered(drill, first, None, node)
        steps.compare_answers(drill, node, expected)
    finally:
        node.close()
        first.close()
        second.close()


def _keys(drill: Drill, third: ThirdCopy) -> tuple[KeyFiles, SigningKeys] | None:
    """From the control plane in the third copy, else from the escrow that was given."""
    control = drill.scratch / "control"
    control.mkdir(mode=0o700)
    with drill.phase("restore the control plane"):
        third.restore_control(control)
    settings = control / "vanvault.toml"
    drill.check("the control plane has the settings", settings.is_file(), "vanvault.toml")
    folder = control / "keys"
    if not any(folder.glob("*.key")):
        return from_escrow(drill)
    try:
        found = KeyFiles(folder, drill.entropy), SigningKeys(folder)
    except VanVaultError as error:
        drill.check("the keys of the control plane are sound", False, error.message)
        return None
    drill.check("the keys of the control plane are sound", True, "from the third copy")
    return found
