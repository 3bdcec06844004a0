"""What "whole" means: the one definition, for verify, repair and restore, and what a failback asks. Pure.

A problem is of one of three sorts, and what a verb may say follows from the sort alone:

=========  =======================================================  =======================  ===========
sort       what it is                                               verify, repair, restore  failback
=========  =======================================================  =======================  ===========
noted      worth knowing, and nothing is wrong                      whole                    goes on
set aside  not the archive's: somebody put it at a site             not whole                goes on
harm       something of the archive is missing, wrong or unproved   not whole                is refused
=========  =======================================================  =======================  ===========

What a stranger puts at a site is a failure until a person has looked at it, so no verb that verifies ends
with 0, says "whole", or has ``whole`` true in its JSON while it lies there. It must keep nobody from a
recovery: a restore copies all the same and verifies at its end only, and a failback goes by the archive's own
objects and warns of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Problem = Literal[
    "unavailable",  # the whole site is away, or is not the site that it should be
    "missing",  # the site lacks an object that another site or a record of the archive knows
    "damaged",  # the newest version's bytes are not those of the name, or cannot be read
    "swapped",  # damaged: they are the bytes of another object
    "superseded",  # an older version is damaged below a good newest one; what a repair leaves behind
    "hidden",  # a delete marker on top: other programs do not see the object, VanVault does
    "extra",  # no object of the archive has such a name
    "unproved",  # no trusted key has signed the name: an alias, another archive's object, or a forgery
    "too-large",  # larger than any object of its kind: nothing of it is read
    "lock-beyond-rules",  # locked longer than the retention rules ask for; no copy follows it
    "lock",  # locked too briefly, or not at all
    "key",  # a master key is missing or is not the right one
    "undecipherable",  # the bytes of the name, but no key of this archive opens them, or they do not decode
    "forged",  # no writer of this archive made it: no trusted key signed its name, or what is in it
    "foreign",  # an object of another archive
    "header",  # what the object says of itself is not what its name says
    "digest",  # a message or event does not have the size and digests that its row names
    "chain",  # the object does not follow its writer's previous one
    "fork",  # two objects of one writer have the same sequence
    "signature",  # a signature over a segment or over receipts does not fit, or nobody known made it
    "orphan",  # a large object to which no row refers: its message was never acknowledged
    "leftover",  # a part of a segment that no trusted manifest names: a compaction was interrupted
    "spare",  # a segment whose batches another one holds, too
    "replaced",  # a residue segment stands in its place, or its entry was disposed of: it waits to be removed
    "system-file",  # what a file system or a storage box makes by itself, beside or inside a site
]

#: Worth knowing, but nothing is wrong.
INFORMATIONAL: frozenset[Problem] = frozenset(
    ("superseded", "orphan", "leftover", "spare", "replaced", "lock-beyond-rules", "system-file")
)
#: What is not the archive's, or not to be read: it is set aside, and says nothing about any object.
SET_ASIDE: frozenset[Problem] = frozenset(("extra", "unproved", "too-large"))


def is_failing(problem: Problem) -> bool:
    """Does this keep a site from being whole?"""
    return problem not in INFORMATIONAL


def is_harm(problem: Problem) -> bool:
    """Is something wrong with the archive itself, whatever else somebody has put at its sites?"""
    return is_failing(problem) and problem not in SET_ASIDE


def is_whole(problems: Iterable[Problem]) -> bool:
    """Is everything as it must be where these problems, and no others, were found?"""
    return not any(map(is_failing, problems))
