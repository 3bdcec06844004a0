"""Key escrow: all key files of a home in one sealed bundle, whose key exists only as k-of-n shares.

The bundle may lie anywhere, in many copies; it is worth nothing without ``threshold`` shares, and the shares
are worth nothing without it. What a share and a bundle look like: ``share.py``, ``bundle.py``;
what is on disk: ``files.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from vanvault.archiver.core.errors import Conflict, Damaged, InvalidInput
from vanvault.archiver.core.key_port import KEY_BYTES, Purpose
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.keys.escrow.bundle import key_ids, purposes_without, seal, set_of, unseal
from vanvault.archiver.keys.escrow.share import (
    SET_ID_BYTES,
    KeyShare,
    ShareSet,
    check_numbers,
    key_of,
    recover,
    split_key,
)

#: Combinations tried one by one; above it, neighbours only (see ``_to_try``).
MOST_COMBINATIONS = 2_000
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class Escrow:
    """What one split made. The bundle is harmless alone; the shares are secret."""

    of: ShareSet
    bundle: bytes
    shares: tuple[KeyShare, ...]
    key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What a bundle gave, and how many combinations of the given shares were tried for it."""

    of: ShareSet
    given: tuple[int, ...]  # numbers of the shares, ascending
    files: dict[str, bytes]
    key_ids: tuple[str, ...]
    tried: int
    possible: int

    @property
    def without(self) -> tuple[Purpose, ...]:
        """Purposes of which the bundle holds no master: it was made before the archive had any."""
        return purposes_without(self.key_ids)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the key files of a bundle and of a home differ; names, sorted."""

    not_in_bundle: tuple[str, ...]
    not_in_home: tuple[str, ...]
    changed: tuple[str, ...]


def split(
    files: Mapping[str, bytes],
    *,
    archive: str,
    threshold: int,
    shares: int,
    clock: Clock,
    entropy: Entropy,
) -> Escrow:
    """Seal key files under a fresh key and split it. ``files``: name -> bytes, as they lie in keys/.

    The result was opened again before it is returned. Raises InvalidInput (numbers), KeyUnavailable (a key
    file is missing or not right: an escrow of it would only look like one).
    """
    check_numbers(threshold, shares)
    held = key_ids(files)
    made = clock.now().replace(microsecond=0)
    of = ShareSet(archive, entropy.token(SET_ID_BYTES).hex(), threshold, shares, made)
    key = entropy.token(KEY_BYTES)
    escrow = Escrow(of, seal(files, of, key, entropy.token(_NONCE_BYTES)), split_key(key, of), held)
    if open_with(escrow.bundle, escrow.shares, every=True).files != files:
        raise Damaged("The escrow that was made does not give the keys back.", hint="Use another host.")
    return escrow


def open_with(bundle: bytes, shares: Sequence[KeyShare], *, every: bool = False) -> Opened:
    """Open a bundle with at least ``threshold`` shares; ``every``: try all combinations of them.

    Raises InvalidInput (shares: too few, one twice, of several sets, false; a bundle of another set),
    Damaged (a bundle that was changed), KeyUnavailable (a key file in it is not right).
    """
    of = set_of(bundle)
    _refuse_other_sets(of, shares)
    by_number = {share.number: share for share in shares}
    if len(by_number) < len(shares):
        raise InvalidInput("A share is given twice.", field="share", hint="Give different shares of the set.")
    if len(by_number) < of.threshold:
        raise InvalidInput(
            f"Too few shares: {of.threshold} are needed, and {len(by_number)} given.",
            field="share",
            hint=f"There are {of.shares} shares of set {of.set_id}; any {of.threshold} of them will do.",
        )
    given = [by_number[number] for number in sorted(by_number)]
    recovered = recover(given[: of.threshold])
    files = unseal(bundle, key_of(recovered))
    to_try = list(_to_try(given, of.threshold)) if every else [given[: of.threshold]]
    for chosen in to_try[1:]:
        if recover(chosen) != recovered:
            numbers = ", ".join(str(share.number) for share in chosen)
            raise InvalidInput(f"Shares {numbers} give another key: one of them is false.", field="share")
    possible = comb(len(given), of.threshold)
    return Opened(of, tuple(sorted(by_number)), files, key_ids(files), len(to_try), possible)


def compare(bundle: Mapping[str, bytes], home: Mapping[str, bytes]) -> Difference:
    """What a home's key files have that the bundle's have not, and the other way round."""
    return Difference(
        tuple(sorted(home.keys() - bundle.keys())),
        tuple(sorted(bundle.keys() - home.keys())),
        tuple(sorted(name for name in home.keys() & bundle.keys() if home[name] != bundle[name])),
    )


def to_restore(opened: Opened, home: Mapping[str, bytes], archive: str) -> list[str]:
    """Names of the key files that a home lacks, in the order in which they must be written.

    The newest versions come first: a restore that dies half-way leaves no home that would take an old key
    for its active one. A private key comes before its public half, which readers can derive from it. Before
    any key comes the record of trust, the last act first: without all of it the folder is refused, so no
    moment trusts a key that was revoked.
    Raises InvalidInput (another archive's bundle), Conflict (the home holds another key of the same name).
    """
    if opened.of.archive != archive:
        raise InvalidInput(
            "This bundle is of another archive; nothing was written.",
            field="bundle",
            hint="Compare the archive id in vanvault.toml with the one on the shares.",
        )
    difference = compare(opened.files, home)
    if difference.changed:
        raise Conflict(
            f"The home holds another {', '.join(difference.changed)}; nothing was written.",
            hint="Move the folder keys/ away, keep it, and restore again.",
        )
    return sorted(difference.not_in_home, key=_order)


def _order(name: str) -> tuple[bool, int, bool, str]:
    is_trust = name.startswith("trust-")
    return not is_trust, -_version(name), name.endswith(".pub.pem"), name


def _version(name: str) -> int:
    return int(name.partition("-")[2].partition(".")[0])


def _refuse_other_sets(of: ShareSet, shares: Sequence[KeyShare]) -> None:
    sets = {share.of for share in shares}
    if len(sets) > 1:
        numbers = "; ".join(
            f"set {one.set_id}: " + ", ".join(str(share.number) for share in shares if share.of == one)
            for one in sorted(sets, key=lambda one: one.set_id)
        )
        raise InvalidInput(
            f"The shares are of different sets ({numbers}).",
            field="share",
            hint="Each split makes a new set; only shares of one set open its bundle.",
        )
    theirs = next(iter(sets), of)
    if theirs.set_id == of.set_id and theirs != of:
        raise Damaged(
            f"The bundle of set {of.set_id} does not say of itself what the shares say of it.",
            hint="It was changed. Use another copy of the bundle.",
        )
    if theirs != of:
        raise InvalidInput(
            f"The bundle is of set {of.set_id}, and the shares are of set {theirs.set_id}.",
            field="bundle",
            hint="Use the bundle that was made with these shares.",
        )


def _to_try(given: Sequence[KeyShare], threshold: int) -> Iterator[Sequence[KeyShare]]:
    """All combinations; where they are too many, each run of ``threshold`` neighbours.

    The runs prove as much: two that follow each other have threshold-1 shares and the key in common, and
    so many points determine the polynomial. If all runs give one key, all shares lie on one polynomial.
    """
    if comb(len(given), threshold) <= MOST_COMBINATIONS:
        yield from combinations(given, threshold)
    else:
        for start in range(len(given) - threshold + 1):
            yield given[start : start + threshold]
