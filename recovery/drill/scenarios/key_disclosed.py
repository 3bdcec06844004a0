"""``key-disclosed``: who holds the master keys can read a copy, and add nothing; then they are rotated."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import Archive, rotate_master
from vanvault.archiver.core.key_port import PURPOSES, key_id
from vanvault.archiver.keys import SigningKeys, token_of
from vanvault.recovery.custody import ExposedEntry, ExposedRequest, exposed
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.copied_home import compare_copy, copy_node, verify_copy
from vanvault.recovery.drill.sampling import ExpectedAnswer
from vanvault.recovery.drill.scenarios.signing_key_stolen import forge

_WHO = "drill"


def rehearse(drill: Drill) -> None:
    expected = steps.expected_answers(drill)
    copied = copy_node(drill)
    archive = copied.archive
    try:
        with drill.phase("forge with the master keys", counts=False):
            # All masters of the archive, and a signing key that nobody introduced.
            strangers = SigningKeys.create(drill.scratch / "strangers-keys", drill.entropy)
            forged = set(forge(drill, copied, strangers, back=timedelta()))
        with drill.phase("rebuild the hot tail", counts=False):
            archive.catch_up()
        believed = archive.tail.knows(forged)
        drill.check("nothing forged is believed", not believed, f"{len(forged)} objects were forged")
        with drill.phase("list what the key opens"):
            opened = _exposed(archive)
        _check_samples(drill, expected, opened)
        _rotate(drill, archive, opened)
        verify_copy(drill, copied, forged)
        compare_copy(drill, copied, expected)
    finally:
        archive.close()


def _exposed(archive: Archive) -> set[str]:
    """Ids of all entries that the masters of originals and log open."""
    opened: set[str] = set()

    def note(one: ExposedEntry) -> None:
        opened.add(one.id)

    for purpose in ("originals", "log"):
        for version in archive.keys.versions(purpose):
            exposed(archive, ExposedRequest(_WHO, master=key_id(purpose, version)), note)
    return opened


def _check_samples(drill: Drill, expected: list[ExpectedAnswer], opened: set[str]) -> None:
    lacking = [one.item["id"] for one in expected if one.item["id"] not in opened]
    drill.check(
        "the list of what is exposed has every sample",
        not lacking,
        ", ".join(lacking[: steps.NAMED]) or f"{len(opened)} entries are listed",
    )


def _rotate(drill: Drill, archive: Archive, before: set[str]) -> None:
    """New masters, and an entry under them that the old ones do not open."""
    if token_of(archive.keys) is not None:
        drill.check("the masters are on a token", True, "they are not rotated by a drill")
        return
    old = {key_id(purpose, n) for purpose in PURPOSES for n in archive.keys.versions(purpose)}
    with drill.phase("rotate the master keys"):
        new = [rotate_master(archive, purpose, _WHO) for purpose in PURPOSES]
    drill.check("new masters are in use", not old & set(new), ", ".join(new))
    later: list[str] = []
    exposed(archive, ExposedRequest(_WHO, master=new[1]), lambda one: later.append(one.id))
    drill.check(
        "what comes later is not exposed",
        bool(later) and not before & set(later),
        f"{len(later)} entries under {new[1]}",
    )
