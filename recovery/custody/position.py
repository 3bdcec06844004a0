"""From which position on a stolen signing key is not believed any more: what stands, what waits. Pure.

A thief can date back, so neither a time nor a sequence in an object of the stolen key says who wrote it.
Three things say it, and he can write none of them:

1. **Another trusted key named it before the theft.** What an object names, it names by digest: the heads,
   commits and large objects of its header, the batches that a manifest covers. Of keys that were not stolen
   it is believed when they wrote.
   What a writer names of *its own chain* (``previous``, its own commits and large objects) it never took from
   a site, so that counts at any time: a node that went on under a new key keeps all that it wrote before.
2. **Every site held it before the theft**, each by its own clock. An operator has to ask for this
   (``by_stores``): it rests on the clocks of the stores, and an administrator rules that of one only.
3. **Something that stands names it**: so the last object of a chain that stands keeps all before it. What a
   node named of others after the theft does not count: it did not know yet whom it believed.

All else waits. So does a segment that another key signed over rows of what waits: it is *withdrawn*, and the
batches that it covers count again, as far as they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenObject:
    """An object whose name some trusted key signed."""

    key: str
    digest: bytes  # SHA-256
    signer: str  # key id
    made_us: int | None = None  # when it says that it was written; None: it does not say
    own: tuple[bytes, ...] = ()  # digests of the objects of its own writer that it names
    names: tuple[bytes, ...] = ()  # of objects that its writer learned of from a site
    covers: tuple[tuple[bytes, str], ...] = ()  # a manifest: digest and signer of each batch in it
    parts: tuple[bytes, ...] = ()  # a manifest: digests of its parts
    at_every_site_since_us: int | None = None  # by the stores' clocks; None: some site lacks it
    here: bool = True  # False: it is gone, and a segment's evidence tells of it


@dataclass(frozen=True, slots=True)
class Question:
    """What a position is asked for."""

    key_id: str  # the stolen key
    since_us: int  # it was stolen then, or later; 0: nobody knows
    by_stores: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Which objects of the stolen key stand."""

    stands: tuple[SeenObject, ...]
    waits: tuple[SeenObject, ...]
    withdrawn: tuple[SeenObject, ...]  # manifests of other keys
    withdrawn_digests: tuple[bytes, ...]  # they and their parts

    def last(self) -> dict[str, str]:
        """Of every writer with a batch that stands, the key of its last one."""
        found: dict[str, str] = {}
        for one in sorted(self.stands, key=lambda one: one.key):
            family, writer, _ = one.key.split("/", 2)
            if family == "batch":
                found[writer] = one.key
        return found


def plan_position(question: Question, objects: Iterable[SeenObject]) -> Position:
    """What stands of the stolen key, from everything that lies at the sites."""
    theirs: dict[bytes, SeenObject] = {}
    others: list[SeenObject] = []
    for one in objects:
        if one.signer != question.key_id:
            others.append(one)
        elif one.digest not in theirs or one.here:
            theirs[one.digest] = one
    named = _closed(_roots(question, theirs.values(), others), theirs, question.since_us)
    withdrawn = [
        one
        for one in others
        if any(signer == question.key_id and digest not in named for digest, signer in one.covers)
    ]
    return Position(
        stands=tuple(one for digest, one in theirs.items() if digest in named),
        waits=tuple(one for digest, one in theirs.items() if digest not in named and one.here),
        withdrawn=tuple(withdrawn),
        withdrawn_digests=tuple(digest for one in withdrawn for digest in (one.digest, *one.parts)),
    )


def accepted_with(chosen: Iterable[bytes], objects: Mapping[bytes, SeenObject]) -> set[bytes]:
    """Digests of what an operator accepts, and of what belongs to it: chains, parts, large objects."""
    return _closed(chosen, objects, 0)


def _roots(question: Question, theirs: Iterable[SeenObject], others: Iterable[SeenObject]) -> Iterable[bytes]:
    for one in others:
        yield from one.own
        if one.made_us is not None and one.made_us < question.since_us:
            yield from one.names
            yield from (digest for digest, _ in one.covers)
    if question.by_stores:
        for one in theirs:
            since = one.at_every_site_since_us
            if since is not None and since < question.since_us:
                yield one.digest


def _closed(roots: Iterable[bytes], objects: Mapping[bytes, SeenObject], since_us: int) -> set[bytes]:
    """The roots among ``objects``, and what of them these name; of others only what was named before a time.

    All that is reached is honest, so the time that it tells is true.
    """
    found: set[bytes] = set()
    left = [digest for digest in roots if digest in objects]
    while left:
        digest = left.pop()
        if digest in found:
            continue
        found.add(digest)
        one = objects[digest]
        named = [*one.own, *one.parts]
        if one.made_us is not None and one.made_us < since_us:
            named += [*one.names, *(covered for covered, _ in one.covers)]
        left.extend(other for other in named if other in objects and other not in found)
    return found
