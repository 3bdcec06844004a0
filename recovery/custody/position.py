"""From which position on a stolen signing key is not believed any more: what stands, what waits. Pure.

A thief can date back, so neither a time nor a sequence in an object of the stolen key says who wrote it.
Three things say it, and he can write none of them:

1. **Another trusted key named it before the theft.** What an object names, it names by its key: the heads,
   commits and large objects of its header, the batches that a manifest covers. Of keys that were not stolen
   it is believed when they wrote.
   What a writer names of *its own chain* (``previous``, its own commits and large objects) it never took from
   a site, so that counts at any time: a node that went on under a new key keeps all that it wrote before.
2. **Every site held it before the theft**, each by its own clock. An operator has to ask for this
   (``by_stores``): it rests on the clocks of the stores, and an administrator rules that of one only. (A file
   site tells the time in the file's name: who writes in the folders of both can date back there.)
3. **Something that stands names it**: so the last object of a chain that stands keeps all before it, and a
   segment the batches that it holds, gone or not. What a node named of others after the theft does not count:
   it did not know yet whom it believed.

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
    signer: str  # key id
    made_us: int | None = None  # when it says that it was written; None: it does not say
    previous: str = ""  # what the key of the object before it in its chain begins with, up to the signature
    own: tuple[str, ...] = ()  # keys of other objects of its own writer that it names
    names: tuple[str, ...] = ()  # of objects that its writer learned of from a site
    covers: tuple[tuple[str, str], ...] = ()  # a manifest: key and signer of each batch in it
    parts: tuple[str, ...] = ()  # a manifest: keys of its parts
    at_every_site_since_us: int | None = None  # by the stores' clocks; None: some site lacks it
    here: bool = True  # False: it is gone, and a segment's evidence tells of it


@dataclass(frozen=True, slots=True)
class Question:
    """What a position is asked for."""

    key_id: str  # the stolen key
    since_us: int  # it was stolen then, or later; 0: nobody knows
    by_stores: bool = False


@dataclass(frozen=True, slots=True)
class TrustPosition:
    """Which objects of the stolen key stand."""

    stands: tuple[SeenObject, ...]
    waits: tuple[SeenObject, ...]
    withdrawn: tuple[SeenObject, ...]  # manifests of other keys

    @property
    def withdrawn_keys(self) -> tuple[str, ...]:
        """Keys of the withdrawn manifests and of their parts."""
        return tuple(key for one in self.withdrawn for key in (one.key, *one.parts))

    def last(self) -> dict[str, str]:
        """Of every writer with a batch that stands, the key of its last one."""
        found: dict[str, str] = {}
        for one in sorted(self.stands, key=lambda one: one.key):
            family, writer, _ = one.key.split("/", 2)
            if family == "batch":
                found[writer] = one.key
        return found


def plan_position(question: Question, objects: Iterable[SeenObject]) -> TrustPosition:
    """What stands of the stolen key, from everything that lies at the sites."""
    theirs: dict[str, SeenObject] = {}
    others: list[SeenObject] = []
    for one in objects:
        if one.signer != question.key_id:
            others.append(one)
        elif one.key not in theirs or _told(one) > _told(theirs[one.key]):
            theirs[one.key] = one
    chains = _Chains(theirs)
    named = _closed(_roots(question, chains, others), chains, question.since_us)
    withdrawn = (
        one
        for one in others
        if any(signer == question.key_id and key not in named for key, signer in one.covers)
    )
    return TrustPosition(
        stands=tuple(one for key, one in theirs.items() if key in named),
        waits=tuple(one for key, one in theirs.items() if key not in named and one.here),
        withdrawn=tuple(withdrawn),
    )


def accepted_with(chosen: Iterable[str], objects: Mapping[str, SeenObject]) -> set[str]:
    """Keys of what an operator accepts, and of what belongs to it: chains, parts, large objects.

    So do batches that are gone and of which an accepted segment is all that is left.
    """
    return _closed(chosen, _Chains(objects), 0, with_gone=True)


class _Chains:
    """Objects by key, and by what ``previous`` tells of them: all but the signature in the name."""

    def __init__(self, objects: Mapping[str, SeenObject]) -> None:
        self.objects = objects
        self._by_content: dict[str, SeenObject] = {}
        for one in objects.values():
            content = one.key.rpartition("-")[0]
            held = self._by_content.get(content)
            # Whoever has the key can sign one object twice; the bytes are the same, and one of them will do.
            if held is None or _age(one) < _age(held):
                self._by_content[content] = one

    def own(self, one: SeenObject) -> Iterable[str]:
        """Keys of what an object names of its own chain."""
        before = self._by_content.get(one.previous)
        return one.own if before is None else (*one.own, before.key)


def _told(one: SeenObject) -> tuple[bool, bool]:
    """Orders what was seen of one object: it lies there, its header is known, only its name is."""
    return one.here, one.made_us is not None


def _age(one: SeenObject) -> tuple[bool, int, str]:
    since = one.at_every_site_since_us
    return since is None, since or 0, one.key


def _roots(question: Question, chains: _Chains, others: Iterable[SeenObject]) -> Iterable[str]:
    for one in others:
        yield from chains.own(one)
        if one.made_us is not None and one.made_us < question.since_us:
            yield from one.names
            yield from (key for key, _ in one.covers)
    if question.by_stores:
        for one in chains.objects.values():
            since = one.at_every_site_since_us
            if since is not None and since < question.since_us:
                yield one.key


def _closed(roots: Iterable[str], chains: _Chains, since_us: int, *, with_gone: bool = False) -> set[str]:
    """The roots among the objects, and what of them these name; of others only what was named before a time.

    All that is reached is honest, so the time that it tells is true. ``with_gone``: batches that are gone
    count at any time with the segment that holds them.
    """
    found: set[str] = set()
    left = [key for key in roots if key in chains.objects]
    while left:
        key = left.pop()
        if key in found:
            continue
        found.add(key)
        one = chains.objects[key]
        named = [*chains.own(one), *one.parts]
        covered = [key for key, _ in one.covers]
        if one.made_us is not None and one.made_us < since_us:
            named += [*one.names, *covered]
        elif with_gone:
            named += [key for key in covered if key in chains.objects and not chains.objects[key].here]
        left.extend(other for other in named if other in chains.objects and other not in found)
    return found
